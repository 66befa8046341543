"""An export from its selection to its last file, and the sentence that ends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

import click
from sqlalchemy import Engine

from orchestrator.export.crops import ScanReader, sheet_files
from orchestrator.export.folder import (
    Written,
    finish_folder,
    make_folder,
    open_folder,
    write_file,
    write_pages,
)
from orchestrator.export.naming import PageFiles, short_names, volume_path
from orchestrator.export.options import ExportOptions
from orchestrator.export.page_files import page_files
from orchestrator.export.published import Published, write_manifests
from orchestrator.export.where import narrowed
from orchestrator.results.pages import (
    ArchivedPage,
    Provenance,
    count_pages,
    page_names,
    provenances_of,
    read_pages,
    volumes_of,
)
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import writing_beside
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
    chosen = narrowed(engine, selection, options.where)
    if form == "truth":
        return _truth(engine, output, selection, chosen, options)
    count = count_pages(engine, chosen)
    if count == 0:
        fitting = "" if options.where is None else f" for which {options.where} holds"
        raise UnreadableInput(f"There is no finished page to export{fitting}; see broadsheet status.")
    if form in ("coco", "csv"):
        from orchestrator.export.box_file import write_box_file

        return write_box_file(
            engine, form, output, chosen, count, with_images=options.with_images, max_pixels=max_pixels
        )
    volumes = volumes_of(engine, chosen)
    _refuse_one_folder_for_two(volumes)
    open_folder(output, form, selection, asdict(options))
    written = _folder(engine, form, output, chosen, options, max_pixels)
    finish_folder(output, provenances_of(engine, chosen), written)
    _say(written, output)
    return 1 if written.failed else 0


def _folder(
    engine: Engine, form: str, output: Path, selection: Selection, options: ExportOptions, max_pixels: int
) -> Written:
    if form == "parquet":
        return _parquet(engine, output, selection)
    if form == "contact-sheet":
        return _sheets(output, read_pages(engine, selection), options, max_pixels)
    volumes = volumes_of(engine, selection)
    place = PageFiles(page_names(engine, volumes))
    files = page_files(form, output, options, place, max_pixels)
    with progress(form, count_pages(engine, selection)) as bar:
        written = write_pages(output, bar.counting(read_pages(engine, selection)), files, bar.say)
    if form == "iiif" and options.manifest:
        published = Published(place, options.base_url, options.canvas, options.image_service)
        written.files += write_manifests(engine, output, selection, volumes, published)
    if form == "yolo":
        _finish_yolo(output, [place.folder(volume) for volume in volumes], provenances_of(engine, selection))
    return written


def _finish_yolo(output: Path, folders: Iterable[PurePosixPath], provenances: Sequence[Provenance]) -> None:
    from orchestrator.export.yolo import yolo_dataset

    write_file(output / "dataset.yaml", lambda: yolo_dataset(provenances).encode(), Written())
    for folder in folders:  # where whoever has the pictures puts them
        make_folder(output / "images" / folder)


def _truth(engine: Engine, output: Path, selection: Selection, fitting: Selection, options: ExportOptions) -> int:
    from orchestrator.export.truth import write_truth
    from orchestrator.reviews.statements import reviewed_pages

    reviewed = reviewed_pages(engine, fitting)
    if not reviewed.right:
        raise UnreadableInput("Nobody has found a page right yet; review some with: broadsheet web")
    chosen = replace(selection, page_runs=reviewed.right)
    _refuse_one_folder_for_two(volumes_of(engine, chosen))
    open_folder(output, "truth", selection, {"reviews": reviewed.state, "where": options.where})
    written = write_truth(engine, output, chosen, lambda sentence: click.echo(sentence, err=True))
    finish_folder(output, provenances_of(engine, chosen), written)
    _say(written, output)
    if reviewed.wrong:
        say(f"{plural(reviewed.wrong, 'page')} left out: called wrong, and not corrected.")
    return 1 if written.failed else 0


def _refuse_one_folder_for_two(volumes: Sequence[str]) -> None:
    short = short_names(volumes)
    places: dict[PurePosixPath, str] = {}
    for volume in volumes:
        other = places.setdefault(volume_path(short.get(volume, volume)), volume)
        if other != volume:
            raise UnreadableInput(f"{other} and {volume} would be written to one folder; choose one with --volume.")


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


def _sheets(output: Path, pages: Iterable[ArchivedPage], options: ExportOptions, max_pixels: int) -> Written:
    written = Written()
    reader = ScanReader(max_pixels, written, lambda sentence: click.echo(sentence, err=True))
    for path, content in sheet_files(pages, options.what, reader, options.margin):
        write_file(output / path, content, written)
    return written


def _say(written: Written, output: Path) -> None:
    parts = [f"{plural(written.files, 'file')} written to {output}"]
    if written.kept:
        parts.append(f"{written.kept:,} there already")
    if written.failed:
        parts.append(f"{plural(written.failed, 'page')} could not be written or drawn")
    say("; ".join(parts))
