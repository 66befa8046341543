"""What the feeder tells Prometheus about the whole fleet, read from SQL when it is asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import OperationalError

from models import PageRun, PageRunState, database_now
from orchestrator.feeder.window import IN_FLIGHT, window_for
from orchestrator.throttle import Throttle
from workers.config import Settings
from workers.process.registry import count_alive
from workers.telemetry.metrics import listen

# Counting a million page runs is work for the database: never more often than this, nor for a larger share of the time.
LEAST_SECONDS = 5.0
COUNTING_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """Where the whole fleet stands at one moment; ages in seconds, 0 where there is nothing to be old."""

    states: Mapping[str, int]
    attempts: Mapping[int, int]
    quarantined: Mapping[str, int]
    workers: int
    processes: int
    oldest_lease_seconds: float
    expired_leases: int
    oldest_message_seconds: float


def read_fleet_figures(engine: Engine) -> FleetFigures:
    """Count the page runs, the workers and the ages that matter.

    Raises:
        OperationalError: the database does not answer.
    """
    with engine.connect() as connection:
        states, attempts = _count_page_runs(connection)
        quarantined = connection.execute(
            select(PageRun.error_code, func.count())
            .where(PageRun.state == PageRunState.QUARANTINED)
            .group_by(PageRun.error_code)
        )
        codes = {code or "unknown": count for code, count in quarantined}
        now, started, expired, queued = connection.execute(_ages()).one()
    workers, processes = count_alive(engine)
    return FleetFigures(states, attempts, codes, workers, processes, _age(now, started), expired, _age(now, queued))


def _count_page_runs(connection: Connection) -> tuple[dict[str, int], dict[int, int]]:
    states = dict.fromkeys(map(str, PageRunState), 0)
    attempts: Counter[int] = Counter()
    rows = connection.execute(
        select(PageRun.state, PageRun.attempts, func.count()).group_by(PageRun.state, PageRun.attempts)
    )
    for state, begun, count in rows:
        states[state] += count
        attempts[begun] += count
    return states, attempts


def _ages() -> Any:
    in_hands = PageRun.state == PageRunState.RUNNING
    return select(
        database_now(),
        select(func.min(PageRun.started_at)).where(in_hands).scalar_subquery(),
        select(func.count()).where(in_hands, PageRun.lease_until < database_now()).scalar_subquery(),
        select(func.min(PageRun.queued_at)).where(PageRun.state == PageRunState.QUEUED).scalar_subquery(),
    )


def _age(now: datetime, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


class FleetCollector(Collector):
    """Gauges of the fleet; when the database does not answer, only `broadsheet_database_up 0` is left."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._lock = threading.Lock()
        self._gauges: list[GaugeMetricFamily] = []
        self._throttle = Throttle(COUNTING_SHARE, LEAST_SECONDS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, counted anew when the last count is old enough."""
        with self._lock:
            if self._throttle.is_due():
                with self._throttle.timed():
                    self._gauges = self._read()
            return iter(self._gauges)

    def _read(self) -> list[GaugeMetricFamily]:
        name, meaning = "database_up", "1 when the database answers"
        try:
            fleet = read_fleet_figures(self._engine)
        except OperationalError:
            return [_gauge(name, meaning, 0)]
        return [_gauge(name, meaning, 1), *gauges(fleet, window_for(self._settings, fleet.processes))]


def gauges(fleet: FleetFigures, window: int) -> Iterator[GaugeMetricFamily]:
    """Yield what Prometheus is told of the fleet."""
    yield _by("page_runs", "Page runs by state", "state", fleet.states)
    yield _by("page_runs_by_attempts", "Page runs by attempts begun so far", "attempts", fleet.attempts)
    yield _by("quarantined_page_runs", "Quarantined page runs by error code", "code", fleet.quarantined)
    yield _gauge("window_size", "Page runs that may be in flight", window)
    yield _gauge("window_used", "Page runs in flight: queued or running", sum(fleet.states[s] for s in IN_FLIGHT))
    yield _gauge("workers", "Workers alive", fleet.workers)
    yield _gauge("worker_processes", "Pages that the workers can work on at once", fleet.processes)
    yield _gauge("oldest_lease_seconds", "Age of the oldest attempt that still runs", fleet.oldest_lease_seconds)
    yield _gauge("expired_leases", "Attempts whose lease ran out and that were not swept yet", fleet.expired_leases)
    yield _gauge("oldest_message_seconds", "Longest wait for a worker at the moment", fleet.oldest_message_seconds)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"broadsheet_{name}", meaning, value=value)


def _by(name: str, meaning: str, label: str, values: Mapping[Any, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"broadsheet_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def serve(engine: Engine, settings: Settings) -> None:
    """Answer at the address in the settings with the fleet's figures and this process's own memory and CPU time.

    Raises:
        ValueError: the address is not HOST:PORT.
        OSError: the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(FleetCollector(engine, settings))
    ProcessCollector(registry=registry)
    listen(settings.metrics_address, registry)
