"""`broadsheet ingest`: the bulk command."""

from __future__ import annotations

import json
import time
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
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="One parameter, e.g. faces.scale_factor=1.2.")
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
        return _list(volumes, as_json)
    return _run(settings, volumes, parameters, processes, as_json)
