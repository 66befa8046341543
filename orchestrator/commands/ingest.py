"""`broadsheet ingest`: the bulk command."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from orchestrator.discovery import Volume
    from workers.parameters import PipelineParameters


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--processes", type=click.IntRange(1), help="Local worker processes [one for each core].")
@click.option("--parameters", "parameter_file", type=click.Path(path_type=Path), help="JSON file of parameters.")
@click.option(
    "--set", "changes", multiple=True, metavar="NAME=VALUE", help="One parameter, e.g. faces.scale_factor=1.2."
)
@click.option("--dry-run", is_flag=True, help="List what would be ingested, store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
@with_settings(broker=True)
def ingest(
    settings: Settings,
    paths: tuple[Path, ...],
    processes: int | None,
    parameter_file: Path | None,
    changes: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Turn directories, images, ZIPs, TARs, PDFs and TIFFs into rows; run it again to go on where it stopped."""
    from orchestrator.discovery import open_volume
    from orchestrator.parameter_options import read_parameters

    parameters = read_parameters(parameter_file, changes)
    volumes = [open_volume(path) for path in paths]
    if dry_run:
        return _list(settings, volumes)
    return _ingest(settings, volumes, parameters, processes, as_json)


def _list(settings: Settings, volumes: Sequence[Volume]) -> int:
    from orchestrator.discovery import SkippedFile, find_pages
    from workers.sources.limits import Limits

    skipped: list[SkippedFile] = []
    count = 0
    for volume in volumes:
        click.echo(f"{volume.source} ({volume.kind})")
        for page in find_pages(volume, Limits(max_pixels=settings.max_pixels), skipped=skipped.append):
            click.echo(f"  {page.page_number}  {page.address.name}{f'  ! {page.error}' if page.error else ''}")
            count += 1
    for file in skipped:
        click.echo(f"passed over: {file.name} ({file.reason})", err=True)
    click.echo(f"{count:,} pages, {len(skipped):,} files passed over; nothing was stored", err=True)
    return 0


def _ingest(
    settings: Settings,
    volumes: Sequence[Volume],
    parameters: PipelineParameters,
    processes: int | None,
    as_json: bool,
) -> int:
    from orchestrator.progress import open_display
    from orchestrator.run import run_ingest
    from orchestrator.summary_text import print_summary

    began = time.monotonic()
    with open_display(quiet=as_json) as display:
        outcome = run_ingest(settings, volumes, parameters, processes, display)
    seconds = time.monotonic() - began
    if as_json:
        click.echo(json.dumps(outcome.to_dict() | {"seconds": round(seconds, 3)}))
    else:
        print_summary(outcome, seconds)
    return 1 if outcome.summary.quarantined else 0
