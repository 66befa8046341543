"""`broadsheet compare`: what a change of parameters or versions does to the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import json_option, volume_option, with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from orchestrator.comparison.pipelines import Candidate, Comparison
    from orchestrator.results.selection import Selection


@click.command(short_help="Compare two pipelines on the same pages.")
@click.argument("a")
@click.argument("b")
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", help="Run both on N pages here; of other software what is stored."
)
@volume_option
@click.option("--output", type=click.Path(path_type=Path), help="A folder for pictures of the pages that differ most.")
@click.option(
    "--pictures", type=click.IntRange(1), default=12, show_default=True, help="How many pages to list and draw."
)
@click.option("--processes", type=click.IntRange(1), help="Processes for a sample [one for each core].")
@json_option
@with_settings()
def compare(
    settings: Settings,
    a: str,
    b: str,
    sample: int | None,
    volumes: tuple[str, ...],
    output: Path | None,
    pictures: int,
    processes: int | None,
    as_json: bool,
) -> None:
    """Compare pipelines A and B on the same pages: lines matched, moved, gained, lost.

    \b
    A and B: a fingerprint (or its beginning), "default", a parameter file, or NAME=VALUE,NAME=VALUE.
    broadsheet compare fe0f0a85 77c2
    broadsheet compare default separators.method=none --sample 200 --output differences/
    What an update would change: broadsheet compare fe0f0a85 default --sample 200
    """
    from orchestrator.comparison.pipelines import find_candidate, render_comparison
    from orchestrator.database import open_existing
    from orchestrator.export.folder import refuse_full_folder
    from orchestrator.results.selection import Selection, resolve

    if output is not None:
        refuse_full_folder(output)
    engine = open_existing(settings.database_url)
    selection = resolve(engine, Selection(volumes))
    candidates = find_candidate(engine, a), find_candidate(engine, b)
    comparison = _compare(engine, candidates, selection, sample, pictures, processes, settings, output)
    click.echo(json.dumps(comparison.to_dict()) if as_json else render_comparison(comparison), nl=as_json)


def _compare(
    engine: Engine,
    candidates: tuple[Candidate, Candidate],
    selection: Selection,
    sample: int | None,
    pictures: int,
    processes: int | None,
    settings: Settings,
    output: Path | None,
) -> Comparison:
    from orchestrator.comparison.pictures import write_differences
    from orchestrator.comparison.pipelines import (
        compare_sample,
        compare_stored,
        pool,
        run_sample,
        sample_pages,
        sample_source,
    )
    from orchestrator.local.services import cores
    from orchestrator.terminal.progress_bar import progress
    from orchestrator.terminal.wording import about

    a, b = candidates
    if sample is None:
        comparison = compare_stored(engine, a, b, selection, pictures)
        if output is not None:
            write_differences(engine, comparison, None, output, settings.max_pixels)
        return comparison
    pages = sample_pages(engine, sample_source(selection, a, b), sample)
    with pool(processes or cores()) as workers:
        sampled = []
        running = run_sample(pages, a, b, workers.map, settings.max_pixels)
        with progress("sample", len(pages)) as bar:
            for one in running:
                sampled.append(one)
                bar.to(len(sampled))
    for one in sampled:
        if one.error:
            click.echo(about(one.page.page, one.error), err=True)
    comparison = compare_sample(sampled, a, b, pictures)
    if output is not None:
        write_differences(engine, comparison, sampled, output, settings.max_pixels)
    return comparison
