"""`broadsheet cancel`: stop what is not done yet."""

from __future__ import annotations

import json

import click

from orchestrator.commands.options import json_option, page_option, pipeline_option, volume_option, with_settings
from orchestrator.terminal.wording import plural
from workers.config import Settings


@click.command(short_help="Cancel unfinished pages.")
@click.argument("page_runs", type=int, nargs=-1)
@volume_option
@page_option
@pipeline_option("Only pages under this pipeline.")
@click.option("--quarantined", is_flag=True, help="Quarantined pages too.")
@click.option("--yes", is_flag=True, help="Do not ask when every volume is meant.")
@json_option
@with_settings()
def cancel(
    settings: Settings,
    page_runs: tuple[int, ...],
    volumes: tuple[str, ...],
    pages: tuple[str, ...],
    pipeline: str | None,
    quarantined: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Cancel unfinished pages: PAGE_RUNS, or all that the options leave. `retry --cancelled` brings them back.

    What is done stays; what is queued is dropped; what a worker is busy with is not stored.
    """
    from orchestrator.database import open_existing
    from orchestrator.page_runs.decisions import cancel as cancel_them
    from orchestrator.results.selection import Selection, resolve

    engine = open_existing(settings.database_url, read_only=False)
    chosen = resolve(engine, Selection(volumes, pages, pipeline, page_runs or None))
    if chosen == Selection() and not yes:
        click.confirm("Cancel the unfinished pages of all volumes?", abort=True, err=True)
    count = cancel_them(engine, chosen, quarantined)
    click.echo(json.dumps({"cancelled": count}) if as_json else f"{plural(count, 'page run')} cancelled.")
