"""`broadsheet status`: where things stand, from SQL alone."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import volume_option, with_settings
from workers.config import Settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.status.figures import Status
    from orchestrator.status.watch import Render

VOLUMES_SHOWN = 20


@click.command(short_help="Show where the pages stand, the fleet, and the time left.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --watch, one a line.")
@click.option("--watch", "again", is_flag=True, help="Show it every two seconds, until Ctrl-C or the end of all pages.")
@volume_option
@click.option("--all", "all_volumes", is_flag=True, help=f"Every volume, not the first {VOLUMES_SHOWN} alone.")
@click.option("--gone", "with_gone_pages", is_flag=True, help="Name the scans that were replaced, deleted or moved.")
@with_settings()
def status(
    settings: Settings,
    as_json: bool,
    again: bool,
    volumes: tuple[str, ...],
    all_volumes: bool,
    with_gone_pages: bool,
) -> None:
    """Show pages by state, failures by code, workers alive, the window, the oldest lease, pages/s and time left."""
    from rich.console import Console

    from orchestrator.database import open_existing
    from orchestrator.results.selection import Selection, resolve
    from orchestrator.status.figures import read_status
    from orchestrator.status.watch import open_picture, watch

    with contextlib.ExitStack() as stack:
        if again:
            stack.enter_context(contextlib.suppress(KeyboardInterrupt))  # the way out, and no accident
        engine = open_existing(settings.database_url)
        selection = resolve(engine, Selection(volumes))
        console = Console(highlight=False)
        render = _renderer(console.width, None if all_volumes else VOLUMES_SHOWN, settings)
        show = say_json if as_json else stack.enter_context(open_picture(console, render))
        if again:
            watch(engine, selection, show, with_gone_pages=with_gone_pages)
        else:
            show(read_status(engine, selection, with_gone_pages=with_gone_pages))


def _renderer(width: int, rows: int | None, settings: Settings) -> Render:
    from orchestrator.status.figures import unfinished_of
    from orchestrator.status.text import render_status
    from orchestrator.terminal.next_steps import go_on

    def render(found: Status, fleet_first: bool) -> RenderableType:
        waiting = [name for name, counts in found.volumes.items() if unfinished_of(counts)]
        return render_status(found, width, rows, go_on(settings, waiting), fleet_first)

    return render


def say_json(found: Status | str) -> None:
    """Print a status as a line of JSON, and errors to standard error."""
    if isinstance(found, str):
        click.echo(found, err=True)
    else:
        click.echo(json.dumps(found.to_dict()))
