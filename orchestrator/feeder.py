"""Keeps a bounded window of page runs in the queue and returns what was lost on the way.

The database is the queue of record. The feeder commits `ready -> queued` first and sends the messages after; a
message that never arrives is found by the sweep, one that arrives twice is stopped by the claim.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import ColumnElement, Engine, func, select, true, update

from models import Page, PageRun, PageRunState, database_now
from workers import claims
from workers.celery import PROCESS_PAGE, QUEUE
from workers.claims import Failure
from workers.config import Settings
from workers.errors import ServiceDown

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
BATCH = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """The page runs a feeder feeds: those of some volumes, or all of them."""

    volume_ids: tuple[int, ...] | None = None

    def condition(self) -> ColumnElement[bool]:
        """Return the scope as a condition on page_run."""
        if self.volume_ids is None:
            return true()
        return PageRun.page_id.in_(select(Page.page_id).where(Page.volume_id.in_(self.volume_ids)))


@dataclass(slots=True)
class Feeder:
    """Feeds one scope; call `step` again and again."""

    engine: Engine
    app: Celery
    settings: Settings
    scope: Scope
    window: int
    _swept_at: float = field(default=float("-inf"), init=False)
    _silent_since: float | None = field(default=None, init=False)

    def step(self) -> int:
        """Sweep when it is time, fill the window, send; returns how many messages were sent.

        Raises:
            ServiceDown: the broker does not take messages; what was chosen is ready again.
        """
        if time.monotonic() - self._swept_at >= SWEEP_SECONDS:
            self._sweep()
            self._swept_at = time.monotonic()
        chosen = take(self.engine, self.window, self.scope)
        if chosen:
            self._send(chosen)
        return len(chosen)

    def _sweep(self) -> None:
        claims.sweep(self.engine, self.settings.max_attempts)
        # No doorbell is slower than the visibility timeout; by then the broker itself would deliver again.
        claims.requeue_unheard(self.engine, self.settings.visibility_seconds)
        # A broker that holds nothing while page runs wait for their message has lost them (restart, flush).
        silent = self._broker_is_empty() and count_queued(self.engine) > 0
        if not silent:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()
        else:
            lost = claims.requeue_unheard(self.engine, time.monotonic() - self._silent_since)
            log.warning("the broker had lost %s messages; they are sent again", lost)
            self._silent_since = None

    def _broker_is_empty(self) -> bool:
        try:
            with self.app.connection_for_write() as connection:
                client = connection.default_channel.client
                return not client.llen(QUEUE) and not client.hlen("unacked")
        except (OperationalError, OSError, *self.app.connection_for_write().connection_errors) as error:
            raise ServiceDown(f"The broker does not answer: {error}") from error

    def _send(self, page_run_ids: Sequence[int]) -> None:
        try:
            with self.app.producer_pool.acquire(block=True) as producer, producer.batch(BATCH):
                for page_run_id in page_run_ids:
                    self.app.send_task(PROCESS_PAGE, args=[page_run_id], queue=QUEUE, producer=producer)
        except (OperationalError, OSError, *self.app.connection_for_write().connection_errors) as error:
            put_back(self.engine, page_run_ids)
            raise ServiceDown(f"The broker takes no messages: {error}") from error


def take(engine: Engine, window: int, scope: Scope) -> list[int]:
    """Move page runs from ready to queued until `window` are in flight; commit, and return their numbers."""
    with engine.begin() as connection:
        in_flight = connection.scalar(
            select(func.count()).where(PageRun.state.in_([PageRunState.QUEUED, PageRunState.RUNNING]))
        )
        free = window - (in_flight or 0)
        if free <= 0:
            return []
        ready = (
            select(PageRun.page_run_id)
            .where(
                PageRun.state == PageRunState.READY,
                (PageRun.not_before.is_(None)) | (PageRun.not_before <= database_now()),
                scope.condition(),
            )
            .order_by(PageRun.priority, PageRun.page_run_id)
            .limit(free)
            .with_for_update(skip_locked=True)
        )
        ids = list(connection.scalars(ready))
        if ids:
            connection.execute(
                update(PageRun)
                .where(PageRun.page_run_id.in_(ids))
                .values(state=PageRunState.QUEUED, queued_at=database_now())
            )
        return ids


def put_back(engine: Engine, page_run_ids: Sequence[int]) -> None:
    """Make page runs ready again whose messages could not be sent."""
    with engine.begin() as connection:
        connection.execute(
            update(PageRun)
            .where(PageRun.page_run_id.in_(page_run_ids), PageRun.state == PageRunState.QUEUED)
            .values(state=PageRunState.READY, queued_at=None)
        )


def count_queued(engine: Engine) -> int:
    """Return how many page runs wait for a worker to hear their message."""
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).where(PageRun.state == PageRunState.QUEUED)) or 0


def forget_queue(engine: Engine) -> int:
    """Make every queued page run ready again: the broker that held their messages is gone."""
    with engine.begin() as connection:
        queued = update(PageRun).where(PageRun.state == PageRunState.QUEUED)
        return connection.execute(queued.values(state=PageRunState.READY, queued_at=None)).rowcount


def give_back(engine: Engine) -> int:
    """Release, without counting an attempt, what dead workers of this machine held: we stopped them ourselves."""
    return claims.release(engine, [(run, owner) for run, owner, worker in claims.holders(engine) if _is_dead(worker)])


def settle_the_dead(engine: Engine, settings: Settings) -> int:
    """End the attempts of workers of this machine that are gone, without waiting for their leases.

    Returns how many there were. A process number that was given away again only means waiting for the lease.
    """
    failure = Failure("worker_lost", "The worker process is gone.", retry=True)
    dead = [holder for holder in claims.holders(engine) if _is_dead(holder[2])]
    for page_run_id, owner, _ in dead:
        claims.fail(engine, page_run_id, owner, failure, settings.max_attempts)
    return len(dead)


def _is_dead(worker: str) -> bool:
    host, _, pid = worker.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
