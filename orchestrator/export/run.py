"""An export from its selection to its last file, and the sentence that ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

import click
from sqlalchemy import Engine

from orchestrator.export.crops import ScanReader, sheet_files
from orchestrator.export.folder import (
    Files,
    Written,
    finish_folder,
    make_folder,
    open_folder,
    write_file,
    write_pages,
)
from orchestrator.export.naming import PageFiles, volume_path
from orchestrator.export.options import ExportOptions, What
from orchestrator.export.page_files import page_files
from orchestrator.export.published import Published, write_manifests
from orchestrator.results.pages import (
    ArchivedPage,
    count_pages,
    page_names,
    provenances_of,
    read_pages,
    volumes_of,
)
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import refuse_existing, writing_beside
from orchestrator.terminal.progress_bar import progress
from orchestrator.terminal.verbosity import say
from orchestrator.terminal.wording import plural
from workers.errors import UnreadableInput


def run_export(
    engine: Engine, form: str, output: Path, selection: Selection, options: ExportOptions, max_pixels: int
) -> int:
    """Write an export and say what was written; returns the exit code, 1 when some pages failed.

    Raises:
        UnreadableInput: nothing is selected, or the output is taken.
    """
    options.check()
    if form == "truth":
        return _truth(engine, output, selection)
    count = count_pages(engine, selection)
    if count == 0:
        raise UnreadableInput("There is no finished page to export; see broadsheet status.")
    if form in ("coco", "csv"):
        return _one_file(engine, form, output, selection, count)
    volumes = volumes_of(engine, selection)
    _refuse_one_folder_for_two(volumes)
    open_folder(output, form, selection, asdict(options))
    provenances = provenances_of(engine, selection)
    if form == "parquet":
        written = _parquet(engine, output, selection)
    elif form == "contact-sheet":
        written = _sheets(output, read_pages(engine, selection), options.what, max_pixels)
    else:
        place = PageFiles(page_names(engine, volumes))
        files = page_files(form, output, options, place, max_pixels)
        written = _pages(output, form, count, read_pages(engine, selection), files)
        if form == "iiif" and options.manifest:
            published = Published(place, options.base_url, options.canvas, options.image_service)
            written.files += write_manifests(engine, output, selection, volumes, published)
    if form == "yolo":
        from orchestrator.export.yolo import yolo_dataset

        write_file(output / "dataset.yaml", lambda: yolo_dataset(provenances).encode(), Written())
    finish_folder(output, provenances, written)
    _say(written, output)
    return 1 if written.failed else 0


def _truth(engine: Engine, output: Path, selection: Selection) -> int:
    from orchestrator.export.truth import write_truth
    from orchestrator.reviews.statements import reviewed_pages

    reviewed = reviewed_pages(engine, selection)
    if not reviewed.right:
        raise UnreadableInput("Nobody has found a page right yet; review some with: broadsheet web")
    chosen = replace(selection, page_runs=reviewed.right)
    _refuse_one_folder_for_two(volumes_of(engine, chosen))
    open_folder(output, "truth", selection, {"reviews": reviewed.state})
    written = write_truth(engine, output, chosen, lambda sentence: click.echo(sentence, err=True))
    finish_folder(output, provenances_of(engine, chosen), written)
    _say(written, output)
    if reviewed.wrong:
        say(f"{plural(reviewed.wrong, 'page')} left out: called wrong, and not corrected.")
    return 1 if written.failed else 0


def _pages(output: Path, form: str, count: int, pages: Iterable[ArchivedPage], files: Files) -> Written:
    with progress(form, count) as bar:

        def counted_pages() -> Iterator[ArchivedPage]:
            for number, page in enumerate(pages, start=1):
                yield page
                bar.to(number)

        return write_pages(output, counted_pages(), files, bar.say)


def _refuse_one_folder_for_two(volumes: Iterable[str]) -> None:
    places: dict[PurePosixPath, str] = {}
    for volume in volumes:
        other = places.setdefault(volume_path(volume), volume)
        if other != volume:
            raise UnreadableInput(f"{other} and {volume} would be written to one folder; choose one with --volume.")


def _one_file(engine: Engine, form: str, output: Path, selection: Selection, count: int) -> int:
    from orchestrator.export.boxes import box_blocks
    from orchestrator.export.coco import coco
    from orchestrator.export.csv_boxes import csv_boxes
    from orchestrator.export.one_file import Parts

    refuse_existing(output)
    parts = Parts(coco(provenances_of(engine, selection)) if form == "coco" else csv_boxes(), output)
    with progress(form, count) as bar:
        for block in box_blocks(engine, selection, parts.want):
            parts.write(block)
            bar.to(parts.pages)
    parts.put_together()
    before = f", {parts.kept_pages:,} of them read before the interruption" if parts.kept_pages else ""
    say(f"{plural(parts.pages, 'page')} in {output}{before}")
    return 0


def _parquet(engine: Engine, output: Path, selection: Selection) -> Written:
    from orchestrator.export.parquet import volume_file, write_boxes

    written = Written()
    for volume in volumes_of(engine, selection):
        path = output / volume_file(volume)
        if path.exists():
            written.kept += 1
            continue
        make_folder(path.parent)
        one = replace(selection, volumes=(volume,))
        with writing_beside(path) as beside:
            write_boxes(engine, one, provenances_of(engine, one), beside)
        written.files += 1
    return written


def _sheets(output: Path, pages: Iterable[ArchivedPage], what: What, max_pixels: int) -> Written:
    written = Written()
    reader = ScanReader(max_pixels, written, lambda sentence: click.echo(sentence, err=True))
    for path, content in sheet_files(pages, what, reader):
        write_file(output / path, content, written)
    return written


def _say(written: Written, output: Path) -> None:
    parts = [f"{plural(written.files, 'file')} written to {output}"]
    if written.kept:
        parts.append(f"{written.kept:,} there already")
    if written.failed:
        parts.append(f"{plural(written.failed, 'page')} could not be written or drawn")
    say("; ".join(parts))
