"""Overlays as files: one page to one file, more pages to a folder, or to one PDF."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click
from PIL import Image
from sqlalchemy import Engine, text

from orchestrator.export.crops import ScanReader, sheet_picture, sheets
from orchestrator.export.folder import PageFile, Written, going_on, open_folder, write_pages
from orchestrator.export.naming import PageFiles
from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export
from orchestrator.overlay.drawing import overlay_image, overlay_svg, title
from orchestrator.results.mark import marked
from orchestrator.results.pages import ArchivedPage, count_pages, page_names, read_pages, volumes_of
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import refuse_existing, writing_beside, writing_bytes
from orchestrator.terminal.wording import plural
from workers.errors import UnreadableInput

if TYPE_CHECKING:
    from workers.stages.palette.normalise import NormalisedPage

Drawing = Callable[[ArchivedPage, "NormalisedPage", int], Image.Image]
SUFFIXES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".pdf": "pdf", ".svg": "svg"}


def suspects(engine: Engine, selection: Selection) -> Selection:
    """Narrow a selection to the pages that `suspect_pages` lists.

    Raises:
        UnreadableInput: there is none.
    """
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT DISTINCT volume, page_run_id FROM suspect_pages")).all()
    runs = sorted(row.page_run_id for row in rows if not selection.volumes or row.volume in selection.volumes)
    if not runs:
        raise UnreadableInput("No page is suspect.")
    return replace(selection, page_runs=tuple(runs))


def write_overlays(
    engine: Engine,
    selection: Selection,
    output: Path,
    form: str | None,
    width: int,
    max_pixels: int,
    draw: Drawing = overlay_image,
) -> int:
    """Draw the selected pages and say what was written; returns the exit code, 1 when some pages failed.

    Raises:
        UnreadableInput: nothing is selected, the output is taken, or it cannot be drawn as SVG.
    """
    count = count_pages(engine, selection)
    if count == 0:
        raise UnreadableInput("There is no finished page to draw; see broadsheet status.")
    form = form or SUFFIXES.get(output.suffix.lower(), "png")
    _refuse_misunderstood(output, count, form)
    if form == "svg" and draw is not overlay_image:
        raise UnreadableInput("What was dropped is not drawn as SVG; choose png, jpeg or pdf.")
    pages = read_pages(engine, selection)
    if form == "pdf":
        refuse_existing(output)
        written = _page_pdf(pages, output, width, max_pixels, draw)
    elif count == 1 and output.suffix.lower() in SUFFIXES:
        refuse_existing(output)
        name = PurePosixPath(output.name)
        written = write_pages(
            output.parent, pages, lambda page: [(name, partial(_content, page, form, width, max_pixels, draw))], tell
        )
    else:
        open_folder(output, f"overlay {form}", selection, {"width": width})
        place, suffix = PageFiles(page_names(engine, volumes_of(engine, selection))), _suffix(form)

        def files_of(page: ArchivedPage) -> Iterator[PageFile]:
            yield place.path(page.volume, page.page, suffix), partial(_content, page, form, width, max_pixels, draw)

        written = write_pages(output, pages, files_of, tell)
    return _said(written, output)


def write_face_sheets(engine: Engine, selection: Selection, output: Path, form: str | None, max_pixels: int) -> int:
    """Write contact sheets of all faces to one picture, one PDF or a folder; returns the exit code as above.

    Raises:
        UnreadableInput: there is no face, or the output is taken or cannot hold them.
    """
    form = form or SUFFIXES.get(output.suffix.lower(), "png")
    if form == "pdf" or output.suffix.lower() in SUFFIXES:
        return _sheets_in_one_file(engine, selection, output, form, max_pixels)
    if form != "png":
        raise UnreadableInput(f"Contact sheets in a folder are .png, not .{form}; leave --format out, or name a PDF.")
    _refuse_misunderstood(output, 1, form)
    return run_export(engine, "contact-sheet", output, selection, ExportOptions(), max_pixels)


def _sheets_in_one_file(engine: Engine, selection: Selection, output: Path, form: str, max_pixels: int) -> int:
    if form == "svg":
        raise UnreadableInput("Contact sheets are .png, .jpg or .pdf, not .svg.")
    count_pages(engine, selection)
    refuse_existing(output)
    first = list(islice(sheets(read_pages(engine, selection), "faces"), 2))
    if not first:
        raise UnreadableInput("There is no face on these pages; nothing was drawn.")
    _refuse_misunderstood(output, len(first), form)
    written = Written()
    reader = ScanReader(max_pixels, written, tell)
    shown = sheets(read_pages(engine, selection), "faces") if form == "pdf" else first
    pictures = (sheet_picture(one, "faces", reader) for one in shown)
    if form == "pdf":
        _pdf(((picture, "faces") for picture in pictures), output, written)
    else:
        with writing_bytes(output) as out:
            next(pictures).save(out, form.upper(), quality=88, **marked(form))
        written.files += 1
    return _said(written, output)


def _suffix(form: str) -> str:
    return ".jpg" if form == "jpeg" else f".{form}"


def _said(written: Written, output: Path) -> int:
    failed = f"; {plural(written.failed, 'page')} could not be drawn" if written.failed else ""
    click.echo(f"{plural(written.files, 'picture')} in {output}{failed}", err=True)
    return 1 if written.failed else 0


def _refuse_misunderstood(output: Path, count: int, form: str) -> None:
    """Refuse names that would become folders, though their endings ask for something else."""
    ending = output.suffix.lower()
    if ending in {".gif", ".tif", ".tiff", ".webp", ".bmp", ".jp2"}:
        raise UnreadableInput(f"Pictures are written as {', '.join(SUFFIXES)}, not {ending}.")
    if count > 1 and form != "pdf" and ending in SUFFIXES:
        remedy = "choose fewer pages with --volume, or name a folder or a PDF"
        raise UnreadableInput(f"{output} can hold one picture, and these are more; {remedy}.")


def tell(sentence: str) -> None:
    """Say what went wrong with a page."""
    click.echo(sentence, err=True)


def _content(page: ArchivedPage, form: str, width: int, max_pixels: int, draw: Drawing) -> bytes:
    scan = open_scan(page, max_pixels)
    if form == "svg":
        return overlay_svg(page, scan, width).encode()
    out = io.BytesIO()
    draw(page, scan, width).save(out, form.upper(), quality=88, **marked(form))
    return out.getvalue()


def _page_pdf(pages: Iterable[ArchivedPage], output: Path, width: int, max_pixels: int, draw: Drawing) -> Written:
    written = Written()

    def pictures() -> Iterator[tuple[Image.Image, str]]:
        for page in pages:
            picture = None
            with going_on(page.page, written, tell):
                picture = draw(page, open_scan(page, max_pixels), width)
            if picture is not None:
                yield picture, title(page)

    _pdf(pictures(), output, written)
    return written


def _pdf(pictures: Iterable[tuple[Image.Image, str]], output: Path, written: Written) -> None:
    """Write a PDF page a picture; each is appended to the file, so that memory holds one of them."""
    with writing_beside(output) as beside:
        for picture, name in pictures:
            options = {"append": written.files > 0, "resolution": _a4(picture), "title": name}
            picture.save(beside, "PDF", **options, **marked("pdf"))
            written.files += 1
        if not written.files:
            raise UnreadableInput("None of these scans can be read; nothing was drawn.")


def _a4(picture: Image.Image) -> float:
    """Return the dots per inch at which a picture is as large as fits on A4, upright."""
    return max(picture.width / 8.27, picture.height / 11.69)
