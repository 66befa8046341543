"""`broadsheet status`: where things stand, from SQL alone."""

from __future__ import annotations

import json

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings()
def status(settings: Settings, as_json: bool) -> None:
    """Show pages by state and failures by code, for each volume."""
    from orchestrator.database import open_existing
    from orchestrator.status import read_status, render_status

    found = read_status(open_existing(settings.database_url))
    if as_json:
        click.echo(json.dumps(found.to_dict()))
    else:
        render_status(found)
