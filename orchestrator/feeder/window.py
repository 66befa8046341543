"""Page runs on their way into the queue: a bounded window of them, chosen in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal,
    select,
    true,
    update,
)

from models import Page, PageRun, PageRunState, database_now
from orchestrator.feeder.broker import Message
from orchestrator.feeder.host_allowances import allowances
from workers.config import Settings
from workers.lease.claims import SUSPICIOUS
from workers.messages import Queue

INTERACTIVE, BULK = 0, 1
IN_FLIGHT = (PageRunState.QUEUED, PageRunState.RUNNING)
_TAKE_KEY = 0x74616B65  # "take"


@dataclass(frozen=True, slots=True)
class Scope:
    """The page runs a feeder feeds: those of some volumes, or of all; never those of `held` volumes.

    With `page_runs` only these: single pages that a person waits for.
    """

    volume_ids: tuple[int, ...] | None = None
    held: tuple[int, ...] = ()
    page_runs: tuple[int, ...] | None = None

    def condition(self) -> ColumnElement[bool]:
        """Return the scope as a condition on page_run."""
        chosen = [] if self.volume_ids is None else [PageRun.page_id.in_(_pages_of(self.volume_ids))]
        if self.page_runs is not None:
            chosen.append(PageRun.page_run_id.in_(self.page_runs))
        if self.held:
            chosen.append(PageRun.page_id.not_in(_pages_of(self.held)))
        return and_(true(), *chosen)


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
        flight = connection.execute(_IN_FLIGHT).one()
        free = window - flight.all
        suspects = min(free, alone - flight.suspects) if flight.suspects_wait else 0
        chosen = _queue(connection, scope, None, suspects)
        allowed = allowances(connection)
        for host, most in allowed.items():  # what waits for a host leaves half of the room to what waits for nothing
            chosen += _queue(connection, scope, host, min(most, (free - len(chosen) + 1) // 2))
        return chosen + _queue(connection, scope, "", free - len(chosen))


def _wait_for_our_turn(connection: Connection) -> None:
    # Two feeders count one after the other, should they ever meet; SQLite's transactions do so by themselves.
    if connection.dialect.name == "postgresql":
        connection.execute(_OUR_TURN)


_OUR_TURN = select(func.pg_advisory_xact_lock(literal(_TAKE_KEY)))
_SUSPECTED = PageRun.error_code.in_(SUSPICIOUS)
_OF_HOST = and_(PageRun.host == bindparam("at", type_=Text), PageRun.error_code.is_(None) | ~_SUSPECTED)
_IN_FLIGHT = select(
    func.count().label("all"),
    func.count().filter(_SUSPECTED).label("suspects"),
    select(PageRun.page_run_id)
    .where(PageRun.state == PageRunState.READY, _SUSPECTED)
    .correlate(None)
    .exists()
    .label("suspects_wait"),
).where(PageRun.state.in_(IN_FLIGHT))


def _queue(connection: Connection, scope: Scope, host: str | None, limit: int) -> list[Message]:
    """Make the next page runs queued, at most `limit`: those of a host, of none (empty), or suspects (None)."""
    if limit <= 0:
        return []
    values = {"most": limit} if host is None else {"most": limit, "at": host}
    queued = connection.execute(_queueing(scope, host is None), values).all()
    in_order = sorted(queued, key=lambda row: (row.priority, row.page_run_id))
    return [(row.page_run_id, Queue.ALONE if host is None else _queue_of(row.priority)) for row in in_order]


def _queue_of(priority: int) -> Queue:
    return Queue.INTERACTIVE if priority == INTERACTIVE else Queue.BULK


@lru_cache(maxsize=64)
def _queueing(scope: Scope, suspects: bool) -> Any:
    # built once for each scope: that takes as long as to execute it
    chosen = (
        select(PageRun.page_run_id)
        .where(
            PageRun.state == PageRunState.READY,
            PageRun.not_before.is_(None) | (PageRun.not_before <= database_now()),
            _SUSPECTED if suspects else _OF_HOST,
            scope.condition(),
        )
        .order_by(PageRun.priority, PageRun.page_run_id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True, of=PageRun)
        .cte("chosen")
    )
    return (
        update(PageRun)
        .where(PageRun.page_run_id.in_(select(chosen.c.page_run_id)))
        .values(state=PageRunState.QUEUED, queued_at=database_now())
        .returning(PageRun.page_run_id, PageRun.priority)
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
