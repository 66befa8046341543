"""The early warning: when too many pages fail, something is wrong with all of them, and feeding on wastes the fleet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import Engine, case, func, select

from models import Page, PageRun, PageRunState, Volume

# Before so many pages have ended, a few bad scans in front say nothing.
MIN_PAGES = 100
# One-sided 95 %: a few bad scans more than the share, in a bad stretch of an archive, are still chance.
CERTAINTY = 1.645


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Stops feeding when more than `max_failure_rate` percent of the pages fail, by more than chance explains.

    Of 100 pages 15 failures stop at the default of 10 %, of 1,000 pages 116: the lower end of the Wilson interval
    (E. B. Wilson, 1927) of the share must lie above it.
    """

    max_failure_rate: int
    min_pages: int = MIN_PAGES

    def trips(self, ended: int, quarantined: int) -> bool:
        """Return whether so many failures are too many."""
        if ended < self.min_pages:
            return False
        share, square = quarantined / ended, CERTAINTY**2 / ended
        spread = CERTAINTY * math.sqrt((share * (1 - share) + square / 4) / ended)
        return (share + square / 2 - spread) / (1 + square) * 100 > self.max_failure_rate

    def message(self, ended: int, quarantined: int) -> str:
        """Return what the user is told."""
        return (
            f"Feeding has stopped: {quarantined:,} of {ended:,} pages failed, more than {self.max_failure_rate} %. "
            "See: broadsheet status. Then either remove the cause and run: broadsheet retry, "
            "or go on regardless with --max-failure-rate 100."
        )


@dataclass(frozen=True, slots=True)
class FailingVolume:
    """A volume with too many failures."""

    volume_id: int
    source: str
    ended: int
    quarantined: int


def failing_volumes(engine: Engine, breaker: CircuitBreaker) -> list[FailingVolume]:
    """Return the volumes with unfinished pages whose failures are too many."""
    ended = func.sum(case((PageRun.state.in_([PageRunState.DONE, PageRunState.QUARANTINED]), 1), else_=0))
    quarantined = func.sum(case((PageRun.state == PageRunState.QUARANTINED, 1), else_=0))
    ready = func.sum(case((PageRun.state == PageRunState.READY, 1), else_=0))
    statement = (
        select(Volume.volume_id, Volume.source, ended, quarantined)
        .join(Page, Page.volume_id == Volume.volume_id)
        .join(PageRun, PageRun.page_id == Page.page_id)
        .group_by(Volume.volume_id, Volume.source)
        .having(ready > 0, quarantined > 0)
    )
    with engine.connect() as connection:
        rows = [FailingVolume(*row) for row in connection.execute(statement)]
    return [volume for volume in rows if breaker.trips(volume.ended, volume.quarantined)]
