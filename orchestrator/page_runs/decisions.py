"""What people decide about page runs: to cancel them, to try them again, or to let them go first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Engine, and_, func, select, true, update

from models import Attempt, PageRun, PageRunState, database_now
from orchestrator.results.selection import Selection

UNFINISHED = (PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)
# Why an ingest has cancelled a page run, when no person did: its bytes were gone.
SUPERSEDED, REMOVED = "superseded", "removed"
TAKEN_BACK = (SUPERSEDED, REMOVED)


def is_taken_back() -> ColumnElement[bool]:
    """Return the condition on page_run that an ingest cancelled it since its bytes were gone."""
    return and_(PageRun.state == PageRunState.CANCELLED, func.coalesce(PageRun.error_code, "").in_(TAKEN_BACK))


def retry(engine: Engine, states: Sequence[PageRunState], selection: Selection) -> int:
    """Make page runs ready again and forgive the attempts so far; returns how many.

    What an ingest has taken back is left alone unless it is asked for by its code or number: its bytes are gone.
    """
    meant = true() if selection.code in TAKEN_BACK or selection.page_runs else ~is_taken_back()
    ready = (
        update(PageRun)
        .where(PageRun.state.in_(states), meant, _is_selected(selection))
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
    unfinished = and_(PageRun.state.in_(states), _is_selected(selection))
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


def prioritise(engine: Engine, selection: Selection, priority: int) -> int:
    """Let page runs that wait go first (`INTERACTIVE`) or in their turn (`BULK`); returns how many change places.

    What is queued has its place already, at most a window's worth.
    """
    moved = (
        update(PageRun)
        .where(PageRun.state == PageRunState.READY, PageRun.priority != priority, _is_selected(selection))
        .values(priority=priority)
    )
    with engine.begin() as connection:
        return connection.execute(moved).rowcount


def _is_selected(selection: Selection) -> ColumnElement[bool]:
    return PageRun.page_run_id.in_(selection.narrow(select(PageRun.page_run_id).select_from(PageRun)))
