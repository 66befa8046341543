"""Where things stand, from SQL alone: pages by volume and state, failures, the fleet and its pace."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, or_, select

from models import Page, PageRun, PageRunState, Volume, database_now
from models.page_run import is_in_flight
from orchestrator.feeder.host_waits import HostWait, hosts_waited_for
from orchestrator.feeder.recovery import is_dead
from orchestrator.page_runs.waiting import waited_for
from orchestrator.results.selection import Selection
from workers.lease import claims
from workers.process import registry
from workers.sources.stores.cache import machine_cache

# The pace is that of the last minutes, so that it follows a fleet that grows or shrinks.
PACE_SECONDS = 300.0
UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)
_COUNTED = or_(PageRun.is_current, PageRun.state.in_(UNFINISHED))


Crew = tuple[list[tuple[str, int]], int]
"""Workers that are alive, each with its processes, and how many page runs are held by processes that have ended."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The fleet at this moment; times in seconds, None where there is nothing to measure.

    `lost` of those that are `running` belong to processes of this machine that have ended: nobody works on them.
    """

    workers: int
    processes: int
    queued: int
    running: int
    lost: int
    oldest_lease_s: float | None
    pages_per_second: float
    time_left_s: float | None


@dataclass(frozen=True, slots=True)
class GonePage:
    """A scan that is no longer there as it was; `gone_at` is the moment of the ingest that missed it, UTC."""

    volume: str
    page: str
    reason: str
    gone_at: str


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of page runs: `volumes[source][state]`, those of all of them together, `failures[code]`; and the fleet.

    `gone[source][reason]` counts scans that were replaced, deleted or moved since they were ingested; `gone_pages` are
    their names, where these were asked for.

    `waiting[sentence]` counts pages that wait for a store or host which cannot be read now. `cache_files` of
    `cache_bytes` are what this machine keeps of stores. `hosts` are those on the web that pages wait for.
    """

    volumes: dict[str, dict[str, int]]
    total: dict[str, int]
    failures: dict[str, int]
    fleet: Fleet
    gone: dict[str, dict[str, int]] = field(default_factory=dict)
    gone_pages: tuple[GonePage, ...] = ()
    waiting: dict[str, int] = field(default_factory=dict)
    cache_files: int = 0
    cache_bytes: int = 0
    hosts: tuple[HostWait, ...] = ()

    @property
    def unfinished(self) -> int:
        """Page runs that are still to end."""
        return unfinished_of(self.total)

    def to_dict(self) -> dict[str, Any]:
        """Return the status for `--json`."""
        return asdict(self)


def unfinished_of(counts: Mapping[str, int]) -> int:
    """Return how many of the counted page runs are still to end."""
    return sum(counts.get(state, 0) for state in UNFINISHED)


def read_status(engine: Engine, selection: Selection | None = None, *, with_gone_pages: bool = False) -> Status:
    """Count page runs by volume and state, the quarantined ones by error code, and look at the fleet.

    The counts are of the selected volumes, the fleet is all of it. `with_gone_pages` lists the scans that are gone.
    """
    selection, crew = selection or Selection(), read_crew(engine)
    with engine.connect() as connection:
        volumes, _ = count_all(connection, selection)
        status = status_of(connection, selection, volumes, crew)
        return replace(status, gone_pages=_gone_pages(connection, selection)) if with_gone_pages else status


def status_of(connection: Connection, selection: Selection, volumes: dict[str, dict[str, int]], crew: Crew) -> Status:
    """Return the status whose page runs were counted as `volumes`."""
    total, hosts = total_of(volumes), hosts_waited_for(connection, UNFINISHED)
    return Status(
        volumes,
        total,
        _by_code(connection, selection),
        _no_faster_than(hosts, read_fleet(connection, total, crew)),
        _gone(connection, selection),
        (),
        waited_for(connection, selection.narrow),
        *machine_cache().size(),
        hosts,
    )


def _no_faster_than(hosts: Sequence[HostWait], fleet: Fleet) -> Fleet:
    """Return the fleet with the time that is left where hosts, not workers, are what it hangs on."""
    if not hosts or not fleet.workers:
        return fleet
    return replace(fleet, time_left_s=max(fleet.time_left_s or 0.0, *(host.time_left_s for host in hosts)))


def count_all(connection: Connection, selection: Selection) -> tuple[dict[str, dict[str, int]], datetime | None]:
    """Return how many page runs there are, by the names of their volumes and by their states, and when the last ended.

    Each scan counts once, and the work that is still to be done, also where older results stand.
    """
    return _count(connection, _COUNTED, selection)


def count_changes(connection: Connection, since: datetime | None) -> tuple[dict[str, dict[str, int]], ...]:
    """Return, by volume and state, the page runs that have ended since a moment, and those that are in flight."""
    later = PageRun.finished_at.is_not(None) if since is None else PageRun.finished_at > since
    return tuple(
        _count(connection, which, Selection())[0] for which in (and_(later, PageRun.is_current), is_in_flight())
    )


def _count(
    connection: Connection, condition: ColumnElement[bool], selection: Selection
) -> tuple[dict[str, dict[str, int]], datetime | None]:
    what = select(Volume.source, PageRun.state, func.count(), func.max(PageRun.finished_at)).select_from(PageRun)
    statement = selection.narrow(what).where(condition).group_by(Volume.source, PageRun.state).order_by(Volume.source)
    volumes: dict[str, dict[str, int]] = defaultdict(dict)
    newest: list[datetime] = []
    for source, state, count, ended in connection.execute(statement):
        volumes[source][state] = count
        newest += [ended] if ended else []
    return dict(volumes), max(newest, default=None)


def _gone(connection: Connection, selection: Selection) -> dict[str, dict[str, int]]:
    counted = _of_gone(selection, Volume.source, Page.gone_reason, func.count())
    by_reason = counted.group_by(Volume.source, Page.gone_reason).order_by(Volume.source, Page.gone_reason)
    volumes: dict[str, dict[str, int]] = defaultdict(dict)
    for source, reason, count in connection.execute(by_reason):
        volumes[source][reason] = count
    return dict(volumes)


def _gone_pages(connection: Connection, selection: Selection) -> tuple[GonePage, ...]:
    listed = _of_gone(selection, Volume.source, Page.name, Page.gone_reason, Page.gone_at)
    ordered = listed.order_by(Volume.source, Page.page_number, Page.page_id)
    return tuple(
        GonePage(source, name, reason or "", f"{gone_at:%Y-%m-%d %H:%M:%S}")
        for source, name, reason, gone_at in connection.execute(ordered)
    )


def _of_gone(selection: Selection, *columns: Any) -> Select[*tuple[Any, ...]]:
    statement = select(*columns).join(Volume, Volume.volume_id == Page.volume_id).where(Page.gone_at.is_not(None))
    return statement.where(Volume.source.in_(selection.volumes)) if selection.volumes else statement


def _by_code(connection: Connection, selection: Selection) -> dict[str, int]:
    statement = (
        selection.narrow(select(PageRun.error_code, func.count()).select_from(PageRun))
        .where(PageRun.state == PageRunState.QUARANTINED, PageRun.is_current)
        .group_by(PageRun.error_code)
        .order_by(func.count().desc())
    )
    return {code or "unknown": count for code, count in connection.execute(statement)}


def total_of(volumes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the counts of all volumes together."""
    total: Counter[str] = Counter()
    for counts in volumes.values():
        total.update(counts)
    return dict(total)


def read_crew(engine: Engine) -> Crew:
    """Return who is at work now. Not within another transaction: on SQLite a writer's engine allows one at a time."""
    alive = [(name, processes) for name, processes in registry.alive(engine) if not is_dead(name)]
    return alive, sum(is_dead(worker) for _, _, worker in claims.holders(engine))


def read_fleet(connection: Connection, total: Mapping[str, int], crew: Crew) -> Fleet:
    """Return the fleet as it is now; `total` counts all page runs by their states."""
    alive, lost = crew
    pace, left = _pace(connection), unfinished_of(total)
    return Fleet(
        workers=len(alive),
        processes=sum(processes for _, processes in alive),
        queued=total.get(PageRunState.QUEUED, 0),
        running=total.get(PageRunState.RUNNING, 0),
        lost=lost,
        oldest_lease_s=_oldest_lease(connection),
        pages_per_second=round(pace, 3),
        time_left_s=round(left / pace) if pace and left and alive else None,
    )


def _oldest_lease(connection: Connection) -> float | None:
    oldest = select(func.min(PageRun.started_at), database_now()).where(
        is_in_flight(), PageRun.state == PageRunState.RUNNING
    )
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
