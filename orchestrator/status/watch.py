"""`status --watch`: the status again and again, through restarts of the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from orchestrator.results.selection import Selection
from orchestrator.status.figures import Status, read_status
from orchestrator.throttle import Throttle
from workers.lease.database import does_not_answer

WATCH_SECONDS = 2.0
COUNTING_SHARE = 0.05

Show = Callable[[Status | str], object]
"""Shows a status, or a sentence that tells why there is none at the moment."""


Render = Callable[[Status, bool], RenderableType]
"""Renders a status, with the fleet first or last."""


def watch(engine: Engine, selection: Selection, show: Show, *, with_gone_pages: bool = False) -> None:
    """Show the status until all selected pages have ended.

    Raises:
        OperationalError: the file of a SQLite database cannot be read.
    """
    throttle = Throttle(COUNTING_SHARE, WATCH_SECONDS)
    while True:
        with throttle.timed():
            found = _status_or_error(engine, selection, with_gone_pages)
        show(found)
        if isinstance(found, Status) and not found.unfinished:
            return
        time.sleep(max(0.0, throttle.rest()))


def _status_or_error(engine: Engine, selection: Selection, with_gone_pages: bool) -> Status | str:
    try:
        return read_status(engine, selection, with_gone_pages=with_gone_pages)
    except OperationalError as error:
        if engine.dialect.name == "sqlite":
            raise
        return f"{does_not_answer(error)}. Waiting for it."


@contextmanager
def open_picture(console: Console, render: Render) -> Iterator[Show]:
    """Yield what shows a status: on a terminal in the place of the one before, elsewhere below it."""
    if not console.is_terminal:
        yield lambda found: console.print(found if isinstance(found, str) else render(found, False))
        return
    picture: RenderableType = Text()

    def draw(found: Status | str) -> None:
        nonlocal picture
        if isinstance(found, str):
            live.update(Group(Text(found, style="red"), picture), refresh=True)
        else:
            picture = render(found, True)
            live.update(picture, refresh=True)

    with Live(console=console, auto_refresh=False) as live:
        yield draw
