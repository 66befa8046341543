"""What people decide about page runs: to cancel them, or to try them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, func, select, true, update

from models import Attempt, Page, PageRun, PageRunState, Pipeline, Volume, database_now

UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)
# Why an ingest has cancelled a page run, when no person did: its bytes were gone.
SUPERSEDED, REMOVED = "superseded", "removed"
TAKEN_BACK = (SUPERSEDED, REMOVED)


def is_taken_back() -> ColumnElement[bool]:
    """Return the condition on page_run that an ingest cancelled it since its bytes were gone."""
    return and_(PageRun.state == PageRunState.CANCELLED, func.coalesce(PageRun.error_code, "").in_(TAKEN_BACK))


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
    """Make page runs ready again and forgive the attempts so far; returns how many.

    What an ingest has taken back is left alone unless it is asked for by its code or number: its bytes are gone.
    """
    meant = true() if selection.code in TAKEN_BACK or selection.page_run_ids else ~is_taken_back()
    ready = (
        update(PageRun)
        .where(PageRun.state.in_(states), meant, selection.condition())
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


def cancel(engine: Engine, selection: Selection, quarantined: bool = False) -> int:
    """Cancel unfinished page runs, and `quarantined` ones if asked; returns how many.

    Their messages find nothing to do and are dropped. What a worker is busy with goes on to its end, but its owner
    token is gone: it stores nothing.
    """
    states = (*UNFINISHED, PageRunState.QUARANTINED) if quarantined else UNFINISHED
    unfinished = and_(PageRun.state.in_(states), selection.condition())
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
