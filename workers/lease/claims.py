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
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Float,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    insert,
    literal,
    select,
    update,
)

from models import Attempt, Page, PageRun, PageRunState, Pipeline, Volume, database_now
from models.page import UNREAD
from models.page_run import is_in_flight
from workers.errors import StorageError

# Each further attempt waits longer: the world that failed needs time.
BACKOFF_SECONDS = 2.0
# A page at which its host failed so often, for hours in all, is given up.
HOST_FAILURES = 10
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15.0, 3600.0
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

    @property
    def known_sha256(self) -> str:
        """The SHA-256 that the page's bytes must have; empty while nobody has read them."""
        return "" if self.page_sha256.startswith(UNREAD) else self.page_sha256


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


@dataclass(frozen=True, slots=True)
class BegunBy:
    """Whichever attempt a message began: who reports its end may know no more than the message."""

    message_id: str


Owner = str | BegunBy  # the token of one attempt, or the message that began it


def this_process() -> str:
    """Return the name of this process in the fleet: host:pid namespace:pid.

    Containers may share the name of their host and not its processes, so that a number alone may be another's.
    """
    return f"{socket.gethostname()}:{pid_namespace()}:{os.getpid()}"


def pid_namespace() -> int:
    """Return the number of the namespace in which this process has its number; 0 where the system has none."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def claim(engine: Engine, page_run_id: int, message_id: str, worker: str, lease_seconds: int) -> Claim | None:
    """Take the lease on a page run and count the attempt, committed.

    Returns None when there is nothing to do: the message came twice or late, the page is done, cancelled or in other
    hands. Safe to repeat by the same process when the answer to a commit was lost.
    """
    values = {"run": page_run_id, "message": f"{message_id}:", "by": worker, "lease": float(lease_seconds)}
    with engine.begin() as connection:
        row = _take(connection, values) or connection.execute(_taken_before(message_id, [worker]), values).one_or_none()
    return None if row is None else Claim(*row)


def adopt(engine: Engine, page_run_id: int, message_id: str, worker: str, claimed_by: str) -> Claim | None:
    """Take over the claim that another process made for this one to carry out; None when it no longer stands."""
    with engine.begin() as connection:
        before = _taken_before(message_id, [worker, claimed_by])
        row = connection.execute(before, {"run": page_run_id}).one_or_none()
        if row is None:
            return None
        attempt = (Attempt.page_run_id == page_run_id) & (Attempt.attempt_number == row.attempts)
        connection.execute(update(Attempt).where(attempt).values(worker=worker))
    return Claim(*row)


def _take(connection: Connection, values: dict[str, Any]) -> Row[*tuple[Any, ...]] | None:
    """Take a queued page run and count the attempt; returns the fields of `Claim`, None if it is not queued."""
    if connection.dialect.name == "postgresql":
        return connection.execute(_TAKE_COUNT_DESCRIBE, values).one_or_none()
    taken = connection.execute(_TAKE, values).one_or_none()
    if taken is None:
        return None
    counted = (taken.page_run_id, taken.attempts, taken.owner, values["by"])
    connection.execute(insert(Attempt), dict(zip(_COUNTED, counted, strict=True)))
    return connection.execute(_DESCRIBE, values).one()


def _described(taken: Any, columns: Any) -> Select[*tuple[Any, ...]]:
    """Return the query for the fields of `Claim` of what was taken."""
    return (
        select(
            columns.page_run_id,
            columns.attempts,
            columns.owner,
            Volume.location,
            Page.name,
            Page.address,
            Page.sha256,
            Page.size_bytes,
            Page.modified_ns,
            Pipeline.parameters,
            Pipeline.fingerprint,
        )
        .select_from(taken)
        .join(Page, Page.page_id == columns.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
        .join(Pipeline, Pipeline.pipeline_id == columns.pipeline_id)
    )


# The statements of every page are built once: that takes as long as to execute them.
_TAKE = (
    update(PageRun)
    .where(
        PageRun.page_run_id == bindparam("run"),
        # Not what is ready: an old message would begin it beside a full window.
        PageRun.state == PageRunState.QUEUED,
    )
    .values(
        state=PageRunState.RUNNING,
        attempts=PageRun.attempts + 1,
        # a message may be delivered twice, so the token needs the attempt beside the message
        owner=bindparam("message", type_=Text).concat(cast(PageRun.attempts + 1, Text)),
        lease_until=database_now(bindparam("lease", type_=Float)),
        started_at=database_now(),
    )
    .returning(PageRun.page_run_id, PageRun.page_id, PageRun.pipeline_id, PageRun.attempts, PageRun.owner)
)
_DESCRIBE = _described(PageRun, PageRun).where(PageRun.page_run_id == bindparam("run"))
# On PostgreSQL all in one round trip.
_TAKEN = _TAKE.cte("taken")
_COUNTED = ("page_run_id", "attempt_number", "owner", "worker")
_COUNT = insert(Attempt).from_select(
    _COUNTED, select(_TAKEN.c.page_run_id, _TAKEN.c.attempts, _TAKEN.c.owner, bindparam("by", type_=Text))
)
_TAKE_COUNT_DESCRIBE = _described(_TAKEN, _TAKEN.c).add_cte(_COUNT.cte("counted"))


def _taken_before(message_id: str, workers: Sequence[str]) -> Select[*tuple[Any, ...]]:
    # A process works on one page at a time: what it holds under this message while it asks is its own lost answer.
    return _DESCRIBE.join(
        Attempt, (Attempt.page_run_id == PageRun.page_run_id) & (Attempt.owner == PageRun.owner)
    ).where(PageRun.state == PageRunState.RUNNING, _is_held_by(BegunBy(message_id)), Attempt.worker.in_(workers))


def _is_held_by(owner: Owner) -> ColumnElement[bool]:
    """Return the condition that a page run is held by an attempt."""
    if isinstance(owner, str):
        return PageRun.owner == owner
    return PageRun.owner == literal(f"{owner.message_id}:", Text).concat(cast(PageRun.attempts, Text))


def fail(engine: Engine, page_run_id: int, owner: Owner, failure: Failure, max_attempts: int) -> PageRunState | None:
    """End an attempt that failed: ready again later, or quarantined for good.

    Returns the new state, or None when the attempt is no longer the owner and nothing was changed.
    """
    with engine.begin() as connection:
        row = connection.execute(
            select(PageRun.attempts, PageRun.attempts_forgiven)
            .where(PageRun.page_run_id == page_run_id, _is_held_by(owner), PageRun.state == PageRunState.RUNNING)
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


def put_off(
    engine: Engine, page_run_id: int, owner: Owner, code: str, message: str, seconds: float, *, of_page: bool = False
) -> bool:
    """Give a page run back uncounted, to be taken again in some `seconds`; what it waits for is kept with it.

    One at which its host failed (`of_page`) waits longer each time, and is quarantined at the last. Returns whether it
    was still held.
    """
    with engine.begin() as connection:
        if of_page and (held := _failed_at(connection, page_run_id, owner)) is not None:
            if held.host_failures >= HOST_FAILURES:
                given_up = Failure(StorageError.code, f"{message} It failed at this page {HOST_FAILURES} times.", False)
                _settle(connection, page_run_id, held.attempts, given_up, 0)
                return True
            seconds = max(seconds, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (held.host_failures - 1)))
        if not _release(connection, page_run_id, owner, seconds):
            return False
        waits = update(PageRun).where(PageRun.page_run_id == page_run_id)
        connection.execute(waits.values(error_code=code, error_message=message))
        return True


def _failed_at(connection: Connection, page_run_id: int, owner: Owner) -> Row[*tuple[Any, ...]] | None:
    """Count that its host failed at a page; returns how often it did, and the attempts, None if it is not held."""
    counted = (
        update(PageRun)
        .where(PageRun.page_run_id == page_run_id, _is_held_by(owner), PageRun.state == PageRunState.RUNNING)
        .values(host_failures=PageRun.host_failures % HOST_FAILURES + 1)
        .returning(PageRun.host_failures, PageRun.attempts)
    )
    return connection.execute(counted).one_or_none()


def release(engine: Engine, owners: Sequence[tuple[int, Owner]], wait_seconds: float = 0.0) -> int:
    """Give page runs back as if they had not been claimed: the interruption was not the page's fault.

    `owners` holds (page_run_id, owner) pairs; they wait for `wait_seconds`. Returns how many were still held.
    """
    with engine.begin() as connection:
        return sum(_release(connection, page_run_id, owner, wait_seconds) for page_run_id, owner in owners)


def _release(connection: Connection, page_run_id: int, owner: Owner, wait_seconds: float) -> bool:
    held = connection.execute(
        select(PageRun.owner, PageRun.attempts)
        .where(PageRun.page_run_id == page_run_id, _is_held_by(owner), PageRun.state == PageRunState.RUNNING)
        .with_for_update()
    ).one_or_none()
    if held is None:
        return False
    connection.execute(
        update(PageRun)
        .where(PageRun.page_run_id == page_run_id)
        .values(
            state=PageRunState.READY,
            owner=None,
            lease_until=None,
            attempts=held.attempts - 1,
            not_before=database_now(wait_seconds) if wait_seconds else None,
        )
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


def wait_for_no_host(engine: Engine, page_run_id: int) -> None:
    """Note that a page run has its picture: it no longer waits for the host that has it."""
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id == page_run_id).values(host=""))


def holders(engine: Engine) -> list[tuple[int, str, str]]:
    """Return (page_run_id, owner, worker) of every page run that is being worked on; worker as `this_process`."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(PageRun.page_run_id, Attempt.owner, Attempt.worker)
            .join(Attempt, (Attempt.page_run_id == PageRun.page_run_id) & (Attempt.owner == PageRun.owner))
            .where(is_in_flight(), PageRun.state == PageRunState.RUNNING)
        )
        return [(row.page_run_id, row.owner, row.worker) for row in rows]


def describe_page_run(engine: Engine, page_run_id: int) -> tuple[int | None, str | None, str | None]:
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
