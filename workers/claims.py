"""The lease protocol: who works on which page run, and what becomes of it. All of it is SQL.

A claim is committed before the scan is touched, so that an attempt which kills its process is counted. What an
attempt writes is fenced by its owner token: a worker that wakes after its lease ran out changes nothing. Leases
use the database's clock.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, Text, cast, delete, insert, literal, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from models import Attempt, Page, PageRun, PageRunState, Pipeline, Volume, database_now

# Each further attempt waits longer: the world that failed needs time.
BACKOFF_SECONDS = 2.0
# What a page may have done to its process. Its next attempt runs alone, and at once: nothing outside it failed.
SUSPICIOUS = ("worker_lost", "time_limit", "lease_expired", "out_of_memory")


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt's right to one page run, with all that the worker needs to know of the page."""

    page_run_id: int
    attempt_number: int
    owner: str
    volume_location: str
    page_name: str
    page_address: str
    page_sha256: str
    size_bytes: int
    modified_ns: int
    parameters: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended that did not succeed; `retry` says whether another one can help."""

    code: str
    message: str
    retry: bool
    stage: str | None = None
    traceback: str | None = None
    peak_rss_kib: int | None = None
    signal: int | None = None
    log: str | None = None


def this_process() -> str:
    """Return the name of this process in the fleet: host:pid."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(engine: Engine, page_run_id: int, message_id: str, worker: str, lease_seconds: int) -> Claim | None:
    """Take the lease on a page run and count the attempt, committed.

    Returns None when there is nothing to do: the message came twice or late, the page is done, cancelled or in other
    hands. Safe to repeat by the same process when the answer to a commit was lost.
    """
    with engine.begin() as connection:
        taken = connection.execute(_take(page_run_id, message_id, lease_seconds)).one_or_none()
        if taken is not None:
            connection.execute(
                insert(Attempt).values(
                    page_run_id=page_run_id, attempt_number=taken.attempts, owner=taken.owner, worker=worker
                )
            )
        else:
            taken = connection.execute(_taken_before(page_run_id, message_id, [worker])).one_or_none()
        if taken is None:
            return None
        row = connection.execute(_described(page_run_id)).one()
    return Claim(page_run_id, taken.attempts, taken.owner, *row)


def adopt(engine: Engine, page_run_id: int, message_id: str, worker: str, claimed_by: str) -> Claim | None:
    """Take over the claim that another process made for this one to carry out; None when it no longer stands."""
    with engine.begin() as connection:
        taken = connection.execute(_taken_before(page_run_id, message_id, [worker, claimed_by])).one_or_none()
        if taken is None:
            return None
        attempt = (Attempt.page_run_id == page_run_id) & (Attempt.attempt_number == taken.attempts)
        connection.execute(update(Attempt).where(attempt).values(worker=worker))
        row = connection.execute(_described(page_run_id)).one()
    return Claim(page_run_id, taken.attempts, taken.owner, *row)


def _take(page_run_id: int, message_id: str, lease_seconds: int) -> ReturningUpdate[int, str | None]:
    return (
        update(PageRun)
        .where(
            PageRun.page_run_id == page_run_id,
            # Not what is ready: an old message would begin it beside a full window.
            PageRun.state == PageRunState.QUEUED,
        )
        .values(
            state=PageRunState.RUNNING,
            attempts=PageRun.attempts + 1,
            # a message may be delivered twice, so the token needs the attempt beside the message
            owner=literal(message_id + ":").concat(cast(PageRun.attempts + 1, Text)),
            lease_until=database_now(lease_seconds),
            started_at=database_now(),
        )
        .returning(PageRun.attempts, PageRun.owner)
    )


def _taken_before(page_run_id: int, message_id: str, workers: Sequence[str]) -> Select[*tuple[Any, ...]]:
    # A process works on one page at a time: what it holds under this message while it asks is its own lost answer.
    return (
        select(PageRun.attempts, PageRun.owner)
        .join(Attempt, (Attempt.page_run_id == PageRun.page_run_id) & (Attempt.owner == PageRun.owner))
        .where(
            PageRun.page_run_id == page_run_id,
            PageRun.state == PageRunState.RUNNING,
            PageRun.owner.like(f"{message_id}:%"),
            Attempt.worker.in_(workers),
        )
    )


def _described(page_run_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Volume.location,
            Page.name,
            Page.address,
            Page.sha256,
            Page.size_bytes,
            Page.modified_ns,
            Pipeline.parameters,
            Pipeline.fingerprint,
        )
        .select_from(PageRun)
        .join(Page, Page.page_id == PageRun.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
        .join(Pipeline, Pipeline.pipeline_id == PageRun.pipeline_id)
        .where(PageRun.page_run_id == page_run_id)
    )


def fail(engine: Engine, page_run_id: int, owner: str, failure: Failure, max_attempts: int) -> PageRunState | None:
    """End an attempt that failed: ready again later, or quarantined for good.

    `owner` may end in "%": then it stands for whichever attempt that message began. Returns the new state, or None
    when the attempt is no longer the owner and nothing was changed.
    """
    with engine.begin() as connection:
        row = connection.execute(
            select(PageRun.attempts, PageRun.attempts_forgiven)
            .where(PageRun.page_run_id == page_run_id, PageRun.owner.like(owner), PageRun.state == PageRunState.RUNNING)
            .with_for_update()
        ).one_or_none()
        if row is None:
            return None
        return _settle(connection, page_run_id, row.attempts, failure, max_attempts + row.attempts_forgiven)


def _settle(
    connection: Connection, page_run_id: int, attempt_number: int, failure: Failure, last_attempt: int
) -> PageRunState:
    again = failure.retry and attempt_number < last_attempt
    state = PageRunState.READY if again else PageRunState.QUARANTINED
    wait = 0.0 if failure.code in SUSPICIOUS else BACKOFF_SECONDS * attempt_number
    connection.execute(
        update(PageRun)
        .where(PageRun.page_run_id == page_run_id)
        .values(
            state=state,
            owner=None,
            lease_until=None,
            not_before=database_now(wait) if again and wait else None,
            finished_at=None if again else database_now(),
            error_code=failure.code,
            error_message=failure.message,
        )
    )
    connection.execute(
        update(Attempt)
        .where(Attempt.page_run_id == page_run_id, Attempt.attempt_number == attempt_number)
        .values(
            outcome="retry" if again else "quarantined",
            stage=failure.stage,
            error_code=failure.code,
            error_message=failure.message,
            traceback=failure.traceback,
            peak_rss_kib=failure.peak_rss_kib,
            signal=failure.signal,
            log=failure.log,
            finished_at=database_now(),
        )
    )
    return state


def sweep(engine: Engine, max_attempts: int, limit: int = 500) -> int:
    """Return page runs whose lease ran out to the queue, or quarantine them after the last attempt.

    Returns how many there were; at most `limit` are handled in one transaction.
    """
    failure = Failure("lease_expired", "The worker did not come back before its lease ran out.", retry=True)
    with engine.begin() as connection:
        stale = connection.execute(
            select(PageRun.page_run_id, PageRun.attempts, PageRun.attempts_forgiven)
            .where(PageRun.state == PageRunState.RUNNING, PageRun.lease_until < database_now())
            .order_by(PageRun.page_run_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        for row in stale:
            _settle(connection, row.page_run_id, row.attempts, failure, max_attempts + row.attempts_forgiven)
    return len(stale)


def release(engine: Engine, owners: Sequence[tuple[int, str]]) -> int:
    """Give page runs back as if they had not been claimed: the interruption was ours, not the page's fault.

    `owners` holds (page_run_id, owner) pairs; an owner may end in "%", as for `fail`. Returns how many were still held.
    """
    with engine.begin() as connection:
        return sum(_release(connection, page_run_id, owner) for page_run_id, owner in owners)


def _release(connection: Connection, page_run_id: int, owner: str) -> bool:
    held = connection.execute(
        select(PageRun.owner, PageRun.attempts)
        .where(PageRun.page_run_id == page_run_id, PageRun.owner.like(owner), PageRun.state == PageRunState.RUNNING)
        .with_for_update()
    ).one_or_none()
    if held is None:
        return False
    connection.execute(
        update(PageRun)
        .where(PageRun.page_run_id == page_run_id)
        .values(state=PageRunState.READY, owner=None, lease_until=None, attempts=held.attempts - 1)
    )
    connection.execute(delete(Attempt).where(Attempt.page_run_id == page_run_id, Attempt.owner == held.owner))
    return True


def postpone(engine: Engine, page_run_id: int, seconds: float) -> None:
    """Make a queued page run ready again, `seconds` from now: this machine cannot take it at the moment."""
    with engine.begin() as connection:
        connection.execute(
            update(PageRun)
            .where(PageRun.page_run_id == page_run_id, PageRun.state == PageRunState.QUEUED)
            .values(state=PageRunState.READY, queued_at=None, not_before=database_now(seconds))
        )


def holders(engine: Engine) -> list[tuple[int, str, str]]:
    """Return (page_run_id, owner, worker) of every page run that is being worked on; worker is host:pid."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(PageRun.page_run_id, Attempt.owner, Attempt.worker)
            .join(Attempt, (Attempt.page_run_id == PageRun.page_run_id) & (Attempt.owner == PageRun.owner))
            .where(PageRun.state == PageRunState.RUNNING)
        )
        return [(row.page_run_id, row.owner, row.worker) for row in rows]


def whereabouts(engine: Engine, page_run_id: int) -> tuple[int | None, str | None, str | None]:
    """Return (attempts so far, location of the volume, name of the page), for a log line; None where unknown."""
    question = (
        select(PageRun.attempts, Volume.location, Page.name)
        .select_from(PageRun)
        .join(Page, Page.page_id == PageRun.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
        .where(PageRun.page_run_id == page_run_id)
    )
    with engine.connect() as connection:
        row = connection.execute(question).one_or_none()
    return (None, None, None) if row is None else (row.attempts, row.location, row.name)
