"""`broadsheet status`: where things stand, from SQL alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from orchestrator.status import Status

WATCH_SECONDS = 2.0


@click.command(short_help="Show where the pages stand, the fleet, and the time left.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --watch, one a line.")
@click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C or the end of all pages.")
@with_settings()
def status(settings: Settings, as_json: bool, watch: bool) -> None:
    """Show pages by state, failures by code, workers alive, the window, the oldest lease, pages/s and time left."""
    from orchestrator.database import open_existing
    from orchestrator.status import read_status

    engine = open_existing(settings.database_url)
    while True:
        found = read_status(engine)
        if as_json:
            click.echo(json.dumps(found.to_dict()))
        else:
            _show(found, clear=watch)
        if not watch or not found.unfinished:
            return
        time.sleep(WATCH_SECONDS)


def _show(found: Status, clear: bool) -> None:
    from rich.console import Console

    from orchestrator.status_text import render_status

    console = Console(highlight=False)
    if clear and console.is_terminal:
        console.clear()
    console.print(render_status(found))
