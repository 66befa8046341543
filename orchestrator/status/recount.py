"""Counts that are kept up to date: to count a million page runs anew takes a second, to look at what ended is quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from models import PageRunState
from models.page_run import IN_FLIGHT
from orchestrator.results.selection import Selection
from orchestrator.status.figures import (
    Crew,
    Status,
    count_all,
    count_changes,
    read_crew,
    read_fleet,
    status_of,
    total_of,
    unfinished_of,
)
from orchestrator.throttle import Throttle

COUNTING_SHARE, COUNT_SECONDS = 0.05, 2.0

Counts = Mapping[str, Mapping[str, int]]


@dataclass(slots=True)
class Recount:
    """Reads the status: counted anew a twentieth of the time at most, in between by what is in flight and has ended.

    What a retry or an ingest adds is seen when all is counted anew; `expire` has that done the next time.
    """

    _throttle: Throttle = field(default_factory=lambda: Throttle(COUNTING_SHARE, COUNT_SECONDS), init=False)
    _counted: Status | None = field(default=None, init=False)
    _newest: datetime | None = field(default=None, init=False)

    def expire(self) -> None:
        """Count anew the next time."""
        self._throttle.expire()

    def read(self, engine: Engine) -> Status:
        """Return the status as it is now.

        Raises:
            OperationalError: the database does not answer.
        """
        crew = read_crew(engine)
        with engine.connect() as connection:
            if self._counted is not None and not self._throttle.is_due():
                return _brought_up_to_date(connection, crew, self._counted, self._newest)
            with self._throttle.timed():
                volumes, self._newest = count_all(connection, Selection())
                self._counted = status_of(connection, Selection(), volumes, crew)
        return self._counted


def _brought_up_to_date(connection: Connection, crew: Crew, counted: Status, newest: datetime | None) -> Status:
    ended, flight = count_changes(connection, newest)
    volumes = changed(counted.volumes, ended, flight)
    total = total_of(volumes)
    return replace(counted, volumes=volumes, total=total, fleet=read_fleet(connection, total, crew))


def changed(volumes: Counts, ended: Counts, flight: Counts) -> dict[str, dict[str, int]]:
    """Return the counts of volumes after so many page runs ended and while so many are in flight; the rest is ready."""
    return {name: _changed(counts, ended.get(name, {}), flight.get(name, {})) for name, counts in volumes.items()}


def _changed(counts: Mapping[str, int], ended: Mapping[str, int], flight: Mapping[str, int]) -> dict[str, int]:
    ready = max(0, unfinished_of(counts) - sum(ended.values()) - sum(flight.values()))
    final = {state: n for state, n in counts.items() if state not in (PageRunState.READY, *IN_FLIGHT)}
    for state, more in ended.items():
        final[state] = final.get(state, 0) + more
    return {state: n for state, n in {PageRunState.READY.value: ready, **flight, **final}.items() if n}
