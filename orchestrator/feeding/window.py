"""Page runs on their way into the queue: a bounded window of them, chosen in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, select, text, true, update

from models import Page, PageRun, PageRunState, database_now
from orchestrator.feeding.doorbell import Message
from workers.celery import Queue
from workers.claims import SUSPICIOUS
from workers.config import Settings

INTERACTIVE, BULK = 0, 1
IN_FLIGHT = (PageRunState.QUEUED, PageRunState.RUNNING)
_TAKE_KEY = 0x74616B65  # "take"


@dataclass(frozen=True, slots=True)
class Scope:
    """The page runs a feeder feeds: those of some volumes, or of all; never those of `held` volumes."""

    volume_ids: tuple[int, ...] | None = None
    held: tuple[int, ...] = ()

    def condition(self) -> ColumnElement[bool]:
        """Return the scope as a condition on page_run."""
        chosen = true() if self.volume_ids is None else PageRun.page_id.in_(_pages_of(self.volume_ids))
        return and_(chosen, PageRun.page_id.not_in(_pages_of(self.held))) if self.held else chosen


def _pages_of(volume_ids: Sequence[int]) -> Select[int]:
    return select(Page.page_id).where(Page.volume_id.in_(volume_ids))


def window_for(settings: Settings, processes: int) -> int:
    """Return how many page runs may be in flight: enough to keep every process busy, and no more.

    Without any process there is work for one, which is what a worker finds that joins.
    """
    return min(settings.max_window, settings.window_per_process * max(processes, 1))


def take(engine: Engine, window: int, scope: Scope, alone: int = 1) -> list[Message]:
    """Move page runs from ready to queued until `window` are in flight; commit, and return their messages.

    At most `alone` suspects are in flight, since a machine runs one of them at a time.
    """
    with engine.begin() as connection:
        _wait_for_our_turn(connection)
        in_flight, suspected = _in_flight(connection)
        free = window - in_flight
        if free <= 0:
            return []
        suspects = _suspects(connection, scope, min(free, alone - suspected))
        others = [] if len(suspects) == free else _others(connection, scope, free - len(suspects))
        chosen = suspects + others
        if chosen:
            connection.execute(
                update(PageRun)
                .where(PageRun.page_run_id.in_([number for number, _ in chosen]))
                .values(state=PageRunState.QUEUED, queued_at=database_now())
            )
        return chosen


def _wait_for_our_turn(connection: Connection) -> None:
    # Two feeders count one after the other, should they ever meet; SQLite's transactions do so by themselves.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TAKE_KEY})


def _in_flight(connection: Connection) -> tuple[int, int]:
    """Return how many page runs are in flight, and how many of them are suspects."""
    suspected = func.count().filter(PageRun.error_code.in_(SUSPICIOUS))
    row = connection.execute(select(func.count(), suspected).where(PageRun.state.in_(IN_FLIGHT))).one()
    return row[0], row[1]


def _suspects(connection: Connection, scope: Scope, limit: int) -> list[Message]:
    if limit <= 0:
        return []
    ready = _ready(scope).where(PageRun.error_code.in_(SUSPICIOUS)).limit(limit)
    return [(row.page_run_id, Queue.ALONE) for row in connection.execute(ready)]


def _others(connection: Connection, scope: Scope, limit: int) -> list[Message]:
    ready = _ready(scope).where(PageRun.error_code.is_(None) | PageRun.error_code.not_in(SUSPICIOUS)).limit(limit)
    return [
        (row.page_run_id, Queue.INTERACTIVE if row.priority == INTERACTIVE else Queue.BULK)
        for row in connection.execute(ready)
    ]


def _ready(scope: Scope) -> Select[int, int]:
    return (
        select(PageRun.page_run_id, PageRun.priority)
        .where(
            PageRun.state == PageRunState.READY,
            (PageRun.not_before.is_(None)) | (PageRun.not_before <= database_now()),
            scope.condition(),
        )
        .order_by(PageRun.priority, PageRun.page_run_id)
        .with_for_update(skip_locked=True, of=PageRun)
    )


def put_back(engine: Engine, page_run_ids: Collection[int]) -> int:
    """Make page runs ready again whose messages could not be sent, or are lost; returns how many still waited."""
    with engine.begin() as connection:
        return connection.execute(
            update(PageRun)
            .where(PageRun.page_run_id.in_(page_run_ids), PageRun.state == PageRunState.QUEUED)
            .values(state=PageRunState.READY, queued_at=None)
        ).rowcount


def queued_before(engine: Engine, seconds: float) -> set[int]:
    """Return the page runs that have been waiting for a worker for at least so long."""
    with engine.connect() as connection:
        return set(
            connection.scalars(
                select(PageRun.page_run_id).where(
                    PageRun.state == PageRunState.QUEUED, PageRun.queued_at < database_now(-seconds)
                )
            )
        )
