"""What a feeder that takes over puts in order: page runs of dead workers, messages of a broker that is gone."""

from __future__ import annotations

import os

from sqlalchemy import Engine, delete, select, update

from models import PageRun, PageRunState, Worker
from workers.config import Settings
from workers.lease import claims
from workers.lease.claims import Failure, this_process


def requeue_all(engine: Engine) -> int:
    """Make every queued page run ready again: the broker that held their messages is gone."""
    with engine.begin() as connection:
        queued = update(PageRun).where(PageRun.state == PageRunState.QUEUED)
        return connection.execute(queued.values(state=PageRunState.READY, queued_at=None)).rowcount


def release_lost_claims(engine: Engine) -> int:
    """Release, without counting an attempt, what dead workers of this machine held: we stopped them ourselves."""
    return claims.release(engine, [(run, owner) for run, owner, worker in claims.holders(engine) if is_dead(worker)])


def fail_lost_attempts(engine: Engine, settings: Settings) -> int:
    """End the attempts of workers of this machine that are gone, without waiting for their leases.

    Returns how many there were. A process number that was given away again only means waiting for the lease.
    """
    failure = Failure("worker_lost", "The worker process is gone.", retry=True)
    dead = [holder for holder in claims.holders(engine) if is_dead(holder[2])]
    for page_run_id, owner, _ in dead:
        claims.fail(engine, page_run_id, owner, failure, settings.max_attempts)
    return len(dead)


def forget_dead_workers(engine: Engine) -> None:
    """Take workers of this machine that have ended off the list of those that are alive."""
    with engine.begin() as connection:
        dead = [name for name in connection.scalars(select(Worker.name)) if is_dead(name)]
        connection.execute(delete(Worker).where(Worker.name.in_(dead)))


def is_dead(worker: str) -> bool:
    """Return whether a worker (named as by `this_process`) is a process of this machine that has ended.

    Whether one with another name for its numbers has ended, as in another container, cannot be known here.
    """
    here, _, _ = this_process().rpartition(":")
    there, _, pid = worker.rpartition(":")
    if here != there:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
