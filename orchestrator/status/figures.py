"""Where things stand, from SQL alone: pages by volume and state, failures, the fleet and its pace."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, or_, select

from models import Page, PageRun, PageRunState, Volume, database_now
from workers.process import registry

# The pace is that of the last minutes, so that it follows a fleet that grows or shrinks.
PACE_SECONDS = 300.0
UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)
# Each scan once, and the work that is still to be done, also where older results stand.
_COUNTED = or_(PageRun.is_current, PageRun.state.in_(UNFINISHED))


@dataclass(frozen=True, slots=True)
class Fleet:
    """The fleet at this moment; times in seconds, None where there is nothing to measure."""

    workers: int
    processes: int
    queued: int
    running: int
    oldest_lease_s: float | None
    pages_per_second: float
    time_left_s: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of page runs: `volumes[source][state]` and `failures[code]`; and the fleet."""

    volumes: dict[str, dict[str, int]]
    failures: dict[str, int]
    fleet: Fleet

    @property
    def unfinished(self) -> int:
        """Page runs that are still to end."""
        return sum(counts.get(state, 0) for counts in self.volumes.values() for state in UNFINISHED)

    def to_dict(self) -> dict[str, Any]:
        """Return the status for `--json`."""
        return asdict(self)


def read_status(engine: Engine) -> Status:
    """Count page runs by volume and state, the quarantined ones by error code, and look at the fleet."""
    workers, processes = registry.count_alive(engine)
    with engine.connect() as connection:
        volumes = _by_volume(connection)
        return Status(volumes, _by_code(connection), _fleet(connection, volumes, workers, processes))


def _by_volume(connection: Connection) -> dict[str, dict[str, int]]:
    statement = (
        select(Volume.source, PageRun.state, func.count())
        .select_from(PageRun)
        .join(Page, Page.page_id == PageRun.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
        .where(_COUNTED)
        .group_by(Volume.source, PageRun.state)
        .order_by(Volume.source)
    )
    volumes: dict[str, dict[str, int]] = defaultdict(dict)
    for source, state, count in connection.execute(statement):
        volumes[source][state] = count
    return dict(volumes)


def _by_code(connection: Connection) -> dict[str, int]:
    statement = (
        select(PageRun.error_code, func.count())
        .where(PageRun.state == PageRunState.QUARANTINED, PageRun.is_current)
        .group_by(PageRun.error_code)
        .order_by(func.count().desc())
    )
    return {code or "unknown": count for code, count in connection.execute(statement)}


def _fleet(connection: Connection, volumes: dict[str, dict[str, int]], workers: int, processes: int) -> Fleet:
    def count(*states: PageRunState) -> int:
        return sum(counts.get(state, 0) for counts in volumes.values() for state in states)

    pace = _pace(connection)
    left = count(*UNFINISHED)
    return Fleet(
        workers=workers,
        processes=processes,
        queued=count(PageRunState.QUEUED),
        running=count(PageRunState.RUNNING),
        oldest_lease_s=_oldest_lease(connection),
        pages_per_second=round(pace, 3),
        time_left_s=round(left / pace) if pace and left else None,
    )


def _oldest_lease(connection: Connection) -> float | None:
    oldest = select(func.min(PageRun.started_at), database_now()).where(PageRun.state == PageRunState.RUNNING)
    started, now = connection.execute(oldest).one()
    return None if started is None or now is None else round((now - started).total_seconds(), 1)


def _pace(connection: Connection) -> float:
    """Return pages per second over the last minutes, or since the first of them ended if that is shorter."""
    lately = select(func.count(), func.min(PageRun.started_at), database_now()).where(
        PageRun.state.in_([PageRunState.DONE, PageRunState.QUARANTINED]),
        PageRun.finished_at >= database_now(-PACE_SECONDS),
        PageRun.started_at.is_not(None),
    )
    count, first, now = connection.execute(lately).one()
    if not count or first is None or now is None:
        return 0.0
    seconds = min(PACE_SECONDS, (now - first).total_seconds())
    return float(count / max(seconds, 1.0))
