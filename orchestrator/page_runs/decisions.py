"""What people decide about page runs: to cancel them, or to try them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, select, true, update

from models import Attempt, Page, PageRun, PageRunState, Pipeline, Volume, database_now

UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which page runs are meant: those that fit everything that is given."""

    volume: str | None = None
    code: str | None = None
    pipeline: str | None = None
    page_run_ids: Sequence[int] = ()

    def condition(self) -> ColumnElement[bool]:
        """Return the selection as a condition on page_run."""
        wanted: list[ColumnElement[bool]] = [true()]
        if self.volume is not None:
            wanted.append(PageRun.page_id.in_(select(Page.page_id).join(Volume).where(Volume.source == self.volume)))
        if self.code is not None:
            wanted.append(PageRun.error_code == self.code)
        if self.pipeline is not None:
            wanted.append(
                PageRun.pipeline_id.in_(select(Pipeline.pipeline_id).where(Pipeline.fingerprint == self.pipeline))
            )
        if self.page_run_ids:
            wanted.append(PageRun.page_run_id.in_(self.page_run_ids))
        return and_(*wanted)


def retry(engine: Engine, states: Sequence[PageRunState], selection: Selection) -> int:
    """Make page runs ready again and forgive the attempts so far; returns how many."""
    ready = (
        update(PageRun)
        .where(PageRun.state.in_(states), selection.condition())
        .values(
            state=PageRunState.READY,
            attempts_forgiven=PageRun.attempts,
            error_code=None,
            error_message=None,
            not_before=None,
            finished_at=None,
        )
    )
    with engine.begin() as connection:
        return connection.execute(ready).rowcount


def cancel(engine: Engine, selection: Selection) -> int:
    """Cancel unfinished page runs; returns how many. Their messages find nothing to do and are dropped.

    What a worker is busy with goes on to its end, but its owner token is gone: it stores nothing.
    """
    unfinished = and_(PageRun.state.in_(UNFINISHED), selection.condition())
    owners = select(PageRun.owner).where(unfinished, PageRun.state == PageRunState.RUNNING)
    with engine.begin() as connection:
        connection.execute(
            update(Attempt)
            .where(Attempt.owner.in_(owners), Attempt.outcome.is_(None))
            .values(outcome="cancelled", finished_at=database_now())
        )
        return connection.execute(
            update(PageRun)
            .where(unfinished)
            .values(state=PageRunState.CANCELLED, owner=None, lease_until=None, finished_at=database_now())
        ).rowcount
