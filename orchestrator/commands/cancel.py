"""`broadsheet cancel`: stop what is not done yet."""

from __future__ import annotations

import click

from orchestrator.commands.options import with_settings
from orchestrator.terminal.wording import counted
from workers.config import Settings


@click.command(short_help="Cancel unfinished pages.")
@click.argument("page_runs", type=int, nargs=-1)
@click.option("--volume", metavar="SOURCE", help="Only pages of this volume, as it was given to ingest.")
@click.option("--pipeline", metavar="FINGERPRINT", help="Only pages under this pipeline, as page_status names it.")
@click.option("--quarantined", is_flag=True, help="Quarantined pages too.")
@click.option("--yes", is_flag=True, help="Do not ask when every volume is meant.")
@with_settings()
def cancel(
    settings: Settings,
    page_runs: tuple[int, ...],
    volume: str | None,
    pipeline: str | None,
    quarantined: bool,
    yes: bool,
) -> None:
    """Cancel unfinished pages: PAGE_RUNS, or all that the options leave. `retry --cancelled` brings them back.

    What is done stays; what is queued is dropped; what a worker is busy with is not stored.
    """
    from orchestrator.database import open_existing
    from orchestrator.page_runs.decisions import Selection
    from orchestrator.page_runs.decisions import cancel as cancel_them

    chosen = Selection(volume=volume, pipeline=pipeline, page_run_ids=page_runs)
    if chosen == Selection() and not yes:
        click.confirm("Cancel the unfinished pages of all volumes?", abort=True)
    count = cancel_them(open_existing(settings.database_url, read_only=False), chosen, quarantined)
    click.echo(f"{counted(count, 'page run')} cancelled.")
