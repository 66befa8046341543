"""`broadsheet status`: where things stand, from SQL alone."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from orchestrator.status.figures import Status


@click.command(short_help="Show where the pages stand, the fleet, and the time left.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --watch, one a line.")
@click.option("--watch", "again", is_flag=True, help="Show it every two seconds, until Ctrl-C or the end of all pages.")
@with_settings()
def status(settings: Settings, as_json: bool, again: bool) -> None:
    """Show pages by state, failures by code, workers alive, the window, the oldest lease, pages/s and time left."""
    from rich.console import Console

    from orchestrator.database import open_existing
    from orchestrator.status.figures import read_status
    from orchestrator.status.watch import open_picture, watch

    engine = open_existing(settings.database_url)
    with contextlib.ExitStack() as stack:
        show = say_json if as_json else stack.enter_context(open_picture(Console(highlight=False)))
        if not again:
            show(read_status(engine))
            return
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))  # the way out, and no accident
        watch(engine, show)


def say_json(found: Status | str) -> None:
    """Print a status as a line of JSON, and trouble to standard error."""
    if isinstance(found, str):
        click.echo(found, err=True)
    else:
        click.echo(json.dumps(found.to_dict()))
