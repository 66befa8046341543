"""`broadsheet cancel`: stop what is not done yet."""

from __future__ import annotations

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.command()
@click.option("--volume", metavar="SOURCE", help="Only pages of this volume, as it was given to ingest.")
@click.option("--yes", is_flag=True, help="Do not ask when every volume is meant.")
@with_settings()
def cancel(settings: Settings, volume: str | None, yes: bool) -> None:
    """Cancel every unfinished page; what is done stays. `retry --cancelled` brings them back."""
    from orchestrator.database import open_existing
    from workers import claims

    if volume is None and not yes:
        click.confirm("Cancel the unfinished pages of all volumes?", abort=True)
    count = claims.cancel(open_existing(settings.database_url, read_only=False), volume)
    click.echo(f"{count} page runs are cancelled.")
