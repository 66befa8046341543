"""`broadsheet retry`: give quarantined pages another chance."""

from __future__ import annotations

import click

from orchestrator.commands.options import with_settings
from orchestrator.terminal.wording import counted
from workers.config import Settings


@click.command(short_help="Make quarantined pages ready again.")
@click.option("--volume", metavar="SOURCE", help="Only pages of this volume, as it was given to ingest.")
@click.option("--code", metavar="CODE", help="Only pages that failed with this error code.")
@click.option("--cancelled", is_flag=True, help="Cancelled pages too.")
@with_settings()
def retry(settings: Settings, volume: str | None, code: str | None, cancelled: bool) -> None:
    """Make quarantined pages ready again; the next ingest, or the fleet's feeder, runs them."""
    from models import PageRunState
    from orchestrator.database import open_existing
    from orchestrator.page_runs.decisions import Selection
    from orchestrator.page_runs.decisions import retry as make_ready

    states = [PageRunState.QUARANTINED] + ([PageRunState.CANCELLED] if cancelled else [])
    chosen = Selection(volume=volume, code=code)
    count = make_ready(open_existing(settings.database_url, read_only=False), states, chosen)
    click.echo(f"{counted(count, 'page run')} ready again.")
