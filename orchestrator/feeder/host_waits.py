"""Hosts on the web that pages wait for: how fast they are asked, and how long that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from models import PageRun, PageRunState
from orchestrator.terminal.wording import plural, seconds_in_words
from workers.lease.host_budgets import states
from workers.sources.politeness import HostState, time_left_seconds

UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)
REQUESTS_A_PAGE = 2  # what the service says of a picture, and the picture


@dataclass(frozen=True, slots=True)
class HostWait:
    """A host that `pages` wait for: it is asked so often a minute now, not before `held_s` seconds have passed."""

    host: str
    pages: int
    requests_per_minute: float
    held_s: float
    time_left_s: float


def hosts_waited_for(connection: Connection, unfinished: Sequence[str]) -> tuple[HostWait, ...]:
    """Return the hosts that page runs in one of the `unfinished` states wait for."""
    waiting = (
        select(PageRun.host, func.count().label("pages"))
        .where(PageRun.state.in_(unfinished), PageRun.host != "")
        .group_by(PageRun.host)
        .order_by(PageRun.host)
    )
    counts = {row.host: row.pages for row in connection.execute(waiting)}
    known = states(connection) if counts else {}
    return tuple(_wait(host, pages, *known[host]) for host, pages in counts.items() if host in known)


def _wait(host: str, pages: int, state: HostState, now: datetime) -> HostWait:
    held = max(0.0, (state.held_until - now).total_seconds()) if state.held_until else 0.0
    left = time_left_seconds(state, pages * REQUESTS_A_PAGE, now)
    return HostWait(host, pages, round(60 / state.spacing.total_seconds(), 1), round(held, 1), round(left))


def held_hosts(connection: Connection, unfinished: Sequence[str] = UNFINISHED) -> tuple[HostWait, ...]:
    """Return the hosts among those waited for that are held; nothing is counted while none is."""
    if not any(state.is_held(now) for state, now in states(connection).values()):
        return ()
    return tuple(wait for wait in hosts_waited_for(connection, unfinished) if wait.held_s)


def host_sentence(wait: HostWait) -> str:
    """Return what is waited for, in a line."""
    held = f", held for {seconds_in_words(wait.held_s)}" if wait.held_s >= 1 else ""
    pace = f"{wait.requests_per_minute:g} requests a minute"
    left = seconds_in_words(wait.time_left_s)
    return f"{plural(wait.pages, 'page')} of {wait.host}, asked for at {pace}{held}: {left} left"
