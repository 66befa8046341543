"""All boxes in one file, COCO or CSV; with COCO the upright scans in a folder beside it, where they are wanted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from sqlalchemy import Engine

from orchestrator.export.boxes import PageFacts, box_blocks
from orchestrator.export.coco import coco
from orchestrator.export.csv_boxes import csv_boxes
from orchestrator.export.folder import Written, write_pages
from orchestrator.export.naming import PageFiles
from orchestrator.export.one_file import FileForm, Parts
from orchestrator.export.page_files import upright_jpeg
from orchestrator.results.pages import page_names, provenances_of, read_pages, volumes_of
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import refuse_existing
from orchestrator.terminal.progress_bar import progress
from orchestrator.terminal.verbosity import say
from orchestrator.terminal.wording import plural
from workers.sources.escape import escaped

# how the path of a page's picture is made, relative to the folder of the file
FileName = Callable[[str, str], PurePosixPath]


def write_box_file(
    engine: Engine, form: str, output: Path, selection: Selection, count: int, *, with_images: bool, max_pixels: int
) -> int:
    """Write the file and say so; returns the exit code, 1 when some pictures could not be written."""
    refuse_existing(output)
    written = Written()
    kind = csv_boxes()
    if form == "coco":
        images = _images_beside(engine, selection, output) if with_images else None
        if images is not None:
            written = _write_images(engine, selection, output.absolute().parent, count, images, max_pixels)
        kind = coco(
            provenances_of(engine, selection),
            "coco" if images is None else "coco and images",
            _file_names(images, output),
        )
    parts = _write(engine, kind, output, selection, count)
    before = f", {parts.kept_pages:,} of them read before the interruption" if parts.kept_pages else ""
    failed = f"; {plural(written.failed, 'picture')} could not be written" if written.failed else ""
    say(f"{plural(parts.pages, 'page')} in {output}{before}{failed}")
    return 1 if written.failed else 0


def _write(engine: Engine, form: FileForm, output: Path, selection: Selection, count: int) -> Parts:
    parts = Parts(form, output)
    with progress(form.name, count) as bar:
        for block in box_blocks(engine, selection, parts.want):
            parts.write(block)
            bar.to(parts.pages)
    parts.put_together()
    return parts


def _images_beside(engine: Engine, selection: Selection, output: Path) -> FileName:
    place = PageFiles(page_names(engine, volumes_of(engine, selection)))
    folder = PurePosixPath(f"{output.stem}_images")
    return lambda volume, page: folder / place.path(volume, page, ".jpg")


def _write_images(
    engine: Engine, selection: Selection, folder: Path, count: int, images: FileName, max_pixels: int
) -> Written:
    with progress("pictures", count) as bar:
        return write_pages(
            folder,
            bar.counting(read_pages(engine, selection)),
            lambda page: [(images(page.volume, page.page), lambda: upright_jpeg(page, max_pixels))],
            bar.say,
        )


def _file_names(images: FileName | None, output: Path) -> Callable[[PageFacts], str]:
    """Return what gives a page's `file_name`: that of its picture beside the file, else that of its scan.

    A member of an archive is no file of its own: it is named as in the views.
    """
    folder = output.absolute().parent

    def scan(page: PageFacts) -> str:
        if page.file is None:
            return f"{page.volume.rstrip('/')}/{page.page}"
        return escaped(os.path.relpath(page.file, folder))

    return scan if images is None else lambda page: str(images(page.volume, page.page))
