"""`broadsheet evaluate`: how right the results are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import ScanPath, store_options, with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.evaluation.report import Evaluation
    from orchestrator.evaluation.subjects import Subject
    from workers.sources.stores.location import Access

SHARE = click.FloatRange(0, 1, min_open=True)


@click.command(short_help="Compare results with ground truth.")
@click.argument("truth", type=click.Path(path_type=Path))
@click.argument("path", required=False, type=ScanPath(path_type=Path))
@click.option("--iou", type=SHARE, default=0.5, show_default=True, help="Overlap from which two lines are the same.")
@click.option("--face-iou", type=SHARE, default=0.3, show_default=True, help="The same for faces.")
@click.option(
    "--pad", type=float, default=0.0, show_default=True, help="Grow found lines by that share of their height."
)
@click.option(
    "--min-height", type=float, default=0.0, show_default=True, help="Ignore true lines lower than this (px)."
)
@click.option(
    "--pictures", type=click.Path(path_type=Path, file_okay=False), help="Folder for pictures of the worst pages."
)
@click.option("--worst", type=click.IntRange(1), default=5, show_default=True, help="How many pictures.")
@click.option(
    "--parameters", "parameter_file", type=click.Path(path_type=Path), help="With PATH: JSON file of parameters."
)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="With PATH: one parameter.")
@store_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
@with_settings()
def evaluate(
    settings: Settings,
    truth: Path,
    path: Path | str | None,
    access: Access,
    iou: float,
    face_iou: float,
    pad: float,
    min_height: float,
    pictures: Path | None,
    worst: int,
    parameter_file: Path | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare what is stored with ground truth, or what a run over PATH gives.

    TRUTH is a file or folder of PAGE XML, ALTO or truth.json; its pages are found by the names of their images.
    Pictures show hits green, misses red and false ones orange.
    """
    from orchestrator.evaluation.report import as_json as values_of
    from orchestrator.evaluation.report import as_table
    from orchestrator.evaluation.scores import EvaluationParameters
    from orchestrator.evaluation.subjects import evaluate as compare
    from orchestrator.evaluation.truth import read_truth

    known = read_truth(truth)
    parameters = EvaluationParameters(iou=iou, pad=pad, face_iou=face_iou, min_height=min_height)
    subjects = _subjects(settings, path, access, parameter_file, changes)
    evaluation, pages = compare(subjects, known, parameters, lambda line: click.echo(line, err=True))
    if not evaluation.pages:
        raise click.UsageError("No page has the name of an image in the truth: nothing could be compared.")
    if pictures is not None:
        _draw(evaluation, pages, pictures, worst)
    click.echo(json.dumps(values_of(evaluation)) if as_json else "\n".join(as_table(evaluation)))


def _subjects(
    settings: Settings, path: Path | str | None, access: Access, parameter_file: Path | None, changes: tuple[str, ...]
) -> Iterator[Subject]:
    from orchestrator.evaluation.subjects import fresh_pages, stored_pages

    if path is not None:
        from orchestrator.ingest.parameter_options import read_parameters

        return fresh_pages(path, read_parameters(parameter_file, changes), settings.max_pixels, access)
    if parameter_file or changes:
        raise click.UsageError("Parameters are for a run over PATH; what is stored keeps those it was made with.")
    from orchestrator.database import open_existing

    return stored_pages(open_existing(settings.database_url), settings.max_pixels)


def _draw(evaluation: Evaluation, pages: Mapping[str, Subject], folder: Path, number: int) -> None:
    from orchestrator.evaluation.pictures import picture_of, worst_pages
    from orchestrator.results.mark import marked
    from workers.errors import BroadsheetError

    folder.mkdir(parents=True, exist_ok=True)
    for place, page in enumerate(worst_pages(evaluation.pages, number), 1):
        file = folder / f"{place:02}_{page.page.replace('/', '_').replace('#', '_')}.png"
        try:
            picture_of(page, pages[page.page].scan()).save(file, **marked("png"))
        except BroadsheetError as error:
            click.echo(f"{page.page}: no picture, {error}", err=True)
