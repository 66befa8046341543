"""`broadsheet retry`: give quarantined pages another chance."""

from __future__ import annotations

import json

import click

from orchestrator.commands.options import (
    code_option,
    json_option,
    page_option,
    pipeline_option,
    volume_option,
    with_settings,
)
from orchestrator.terminal.wording import plural
from workers.config import Settings


@click.command(short_help="Make quarantined pages ready again.")
@click.argument("page_runs", type=int, nargs=-1)
@volume_option
@page_option
@pipeline_option("Only pages under this pipeline.")
@code_option
@click.option("--cancelled", is_flag=True, help="Cancelled pages too.")
@json_option
@with_settings()
def retry(
    settings: Settings,
    page_runs: tuple[int, ...],
    volumes: tuple[str, ...],
    pages: tuple[str, ...],
    pipeline: str | None,
    code: str | None,
    cancelled: bool,
    as_json: bool,
) -> None:
    """Make quarantined pages ready again: PAGE_RUNS, or all that the options leave. Earlier attempts are forgiven."""
    from models import PageRunState
    from orchestrator.database import open_existing
    from orchestrator.page_runs.decisions import retry as make_ready
    from orchestrator.results.selection import Selection, resolve

    states = [PageRunState.QUARANTINED] + ([PageRunState.CANCELLED] if cancelled else [])
    engine = open_existing(settings.database_url, read_only=False)
    chosen = resolve(engine, Selection(volumes, pages, pipeline, page_runs or None, code))
    count = make_ready(engine, states, chosen)
    if as_json:
        click.echo(json.dumps({"ready": count}))
    else:
        next_step = "; the next ingest of their volumes, or the fleet's feeder, runs them" if count else ""
        click.echo(f"{plural(count, 'page run')} ready again{next_step}.")
