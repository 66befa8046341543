"""Overlays as files: one page to one file, more pages to a folder, or to one PDF."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from PIL import Image
from sqlalchemy import Engine, text

from orchestrator.export.folder import Written, open_folder, write_file
from orchestrator.export.naming import page_path
from orchestrator.overlay.drawing import overlay_image, overlay_svg, title
from orchestrator.results.pages import ArchivedPage, Selection, count_pages, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.terminal.files import refuse_existing, writing_beside
from orchestrator.terminal.wording import counted
from workers.errors import PageError, UnreadableInput

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
    """Draw the selected pages and say what was written; returns the exit code, 1 when some scans could not be read.

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
        written = _pdf(pages, output, width, max_pixels, draw)
    elif count == 1 and output.suffix.lower() in SUFFIXES:
        refuse_existing(output)
        written = Written()
        write_file(output, lambda: _content(next(pages), form, width, max_pixels, draw), written)
    else:
        open_folder(output, f"overlay {form}", selection, {"width": width})
        written = _folder(pages, output, form, width, max_pixels, draw)
    click.echo(f"{counted(written.files, 'picture')} in {output}", err=True)
    return 1 if written.unreadable else 0


def _refuse_misunderstood(output: Path, count: int, form: str) -> None:
    """Refuse names that would become folders, though their endings ask for something else."""
    ending = output.suffix.lower()
    if ending in {".gif", ".tif", ".tiff", ".webp", ".bmp", ".jp2"}:
        raise UnreadableInput(f"Pictures are written as {', '.join(SUFFIXES)}, not {ending}.")
    if count > 1 and form != "pdf" and ending in SUFFIXES:
        remedy = "choose one with --volume, or name a folder or a PDF"
        raise UnreadableInput(f"{output} can hold one picture, and these are {count:,}; {remedy}.")


def _folder(
    pages: Iterable[ArchivedPage], output: Path, form: str, width: int, max_pixels: int, draw: Drawing
) -> Written:
    written = Written()
    suffix = ".jpg" if form == "jpeg" else f".{form}"
    for page in pages:
        path = output / page_path(page.volume, page.page, suffix)
        with _told(page, written):
            write_file(path, lambda page=page: _content(page, form, width, max_pixels, draw), written)  # type: ignore[misc]
    return written


@contextmanager
def _told(page: ArchivedPage, written: Written) -> Iterator[None]:
    """Say which scan could not be read, count it, and go on."""
    try:
        yield
    except PageError as error:
        click.echo(f"{page.page}: {error}", err=True)
        written.unreadable += 1


def _content(page: ArchivedPage, form: str, width: int, max_pixels: int, draw: Drawing) -> bytes:
    scan = open_scan(page, max_pixels)
    if form == "svg":
        return overlay_svg(page, scan, width).encode()
    out = io.BytesIO()
    draw(page, scan, width).save(out, form.upper(), quality=88)
    return out.getvalue()


def _a4(picture: Image.Image) -> float:
    """Return the dots per inch at which a picture is as large as fits on A4, upright."""
    return max(picture.width / 8.27, picture.height / 11.69)


def _pdf(pages: Iterable[ArchivedPage], output: Path, width: int, max_pixels: int, draw: Drawing) -> Written:
    """Write one PDF page a page; each is appended to the file, so that memory holds one picture."""
    written = Written()
    with writing_beside(output) as beside:
        for page in pages:
            with _told(page, written):
                picture = draw(page, open_scan(page, max_pixels), width)
                picture.save(beside, "PDF", append=written.files > 0, resolution=_a4(picture), title=title(page))
                written.files += 1
        if not written.files:
            raise UnreadableInput("None of these scans can be read; nothing was drawn.")
    return written
