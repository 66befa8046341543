"""Page runs of pages that are there, or no longer: begun, begun again, or taken back.

What one walk through a volume takes back the next one gives again when it finds the same bytes: a page that is there
ends done or quarantined, whatever was overwritten and restored in between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from models import PageRun, PageRunState, database_now
from models.many import insert_new_rows, is_one_of
from orchestrator.discovery.discovery import FoundPage
from orchestrator.ingest.earlier_results import OlderVersions, take_over
from orchestrator.ingest.page_rows import StoredPages
from orchestrator.page_runs.decisions import REMOVED, SUPERSEDED, TAKEN_BACK, is_taken_back
from workers.errors import ChangedSource, MissingSource, PageError, StorageError

# What failed was the way to the bytes, and the ingest that asks has just found them.
_MENDED = (MissingSource.code, ChangedSource.code, StorageError.code)
_WITHOUT_RESULT = (PageRunState.READY, PageRunState.QUEUED, PageRunState.QUARANTINED, PageRunState.CANCELLED)
NONE_OLDER = OlderVersions()
_MESSAGES = {
    SUPERSEDED: "The file has changed; its new bytes are a page of their own.",
    REMOVED: "The file is no longer there.",
}


@dataclass(frozen=True, slots=True)
class StoredRuns:
    """How many page runs are new, how many pages keep results of older versions, and got those of the same bytes.

    Of those that are kept, `stale` went through a stage whose code has changed.
    """

    new: int
    kept: int
    taken_over: int
    stale: int = 0


def store(
    connection: Connection, pipeline_id: int, priority: int, pages: StoredPages, older: OlderVersions = NONE_OLDER
) -> StoredRuns:
    """Begin the page runs that do not exist yet, and those again that can go on.

    Not of pages that keep results of one of the `older` pipelines, or whose bytes have some elsewhere.
    """
    cancel(connection, pages.gone, SUPERSEDED)
    runs = _existing(connection, set(pages.present) - pages.inserted)
    _begin_again(connection, [run for run in runs if _can_go_on(run, pages.present[run.page_id])])
    _refuse_again(connection, runs, pages.present)
    with_run = {run.page_id for run in runs if run.pipeline_id == pipeline_id}
    results = [run for run in runs if run.pipeline_id in older.changed and run.state == PageRunState.DONE]
    stale_runs = older.stale(connection, [run for run in results if run.page_id not in with_run])
    fresh = {run.page_id for run in results if run.page_run_id not in stale_runs} - with_run
    stale = {run.page_id for run in results} - with_run - fresh
    kept = fresh if older.refresh else fresh | stale
    without = {page_id: page for page_id, page in pages.present.items() if page_id not in with_run | kept}
    readable = [page_id for page_id, page in without.items() if not page.error]
    taken_over = take_over(connection, {pipeline_id, *older.to_take_over}, readable)
    new = [
        _page_run_row(page_id, pipeline_id, priority, page)
        for page_id, page in without.items()
        if page_id not in taken_over
    ]
    if new:
        insert_new_rows(connection, PageRun, new, PageRun.page_run_id)
        if any(row["error_code"] for row in new):
            _stamp_broken(connection)
    return StoredRuns(len(new), len(kept), len(taken_over), len(stale & kept))


def cancel(connection: Connection, page_ids: Collection[int], code: str) -> None:
    """Cancel what has no result, since its bytes are gone; what a worker is busy with ends by itself."""
    if page_ids:
        connection.execute(
            update(PageRun)
            .where(is_one_of(connection, PageRun.page_id, page_ids), PageRun.state.in_(_WITHOUT_RESULT))
            .where(~is_taken_back())
            .values(
                state=PageRunState.CANCELLED,
                finished_at=database_now(),
                error_code=code,
                error_message=_MESSAGES[code],
            )
        )


def _existing(connection: Connection, page_ids: Collection[int]) -> Sequence[Row[*tuple[Any, ...]]]:
    if not page_ids:
        return []
    columns = (PageRun.page_run_id, PageRun.page_id, PageRun.pipeline_id)
    state = (PageRun.state, PageRun.error_code, PageRun.attempts)
    return connection.execute(select(*columns, *state).where(is_one_of(connection, PageRun.page_id, page_ids))).all()


def _can_go_on(run: Any, page: FoundPage) -> bool:
    """Return whether a page run that has ended without a result may have one, now that its bytes are there."""
    if page.error:
        return False
    if run.state == PageRunState.CANCELLED:
        return run.error_code in TAKEN_BACK
    # without an attempt it was an ingest that found the page broken, and this one does not
    if page.address.canvas and run.attempts:
        return False  # its manifest still names it, which says nothing of its picture
    return run.state == PageRunState.QUARANTINED and (run.attempts == 0 or run.error_code in _MENDED)


def _begin_again(connection: Connection, runs: Sequence[Any]) -> None:
    if runs:
        connection.execute(
            update(PageRun)
            .where(is_one_of(connection, PageRun.page_run_id, [run.page_run_id for run in runs]))
            .values(
                state=PageRunState.READY,
                attempts_forgiven=PageRun.attempts,
                error_code=None,
                error_message=None,
                not_before=None,
                finished_at=None,
            )
        )


def _refuse_again(connection: Connection, runs: Sequence[Any], present: Mapping[int, FoundPage]) -> None:
    """Quarantine what was taken back, is there again and is broken still."""
    for run in runs:
        error = present[run.page_id].error
        if error and run.state == PageRunState.CANCELLED and run.error_code in TAKEN_BACK:
            again = update(PageRun).where(PageRun.page_run_id == run.page_run_id)
            connection.execute(again.values(state=PageRunState.QUARANTINED, **_fault(error)))


def _page_run_row(page_id: int, pipeline_id: int, priority: int, page: FoundPage) -> dict[str, Any]:
    """Return a page run: ready, or quarantined at once when discovery already found it broken."""
    return {
        "page_id": page_id,
        "pipeline_id": pipeline_id,
        "priority": priority,
        "host": page.host,
        "state": PageRunState.QUARANTINED if page.error else PageRunState.READY,
        **_fault(page.error),
    }


def _fault(error: PageError | None) -> dict[str, str | None]:
    return {"error_code": error.code if error else None, "error_message": str(error) if error else None}


def _stamp_broken(connection: Connection) -> None:
    connection.execute(
        update(PageRun)
        .where(PageRun.state == PageRunState.QUARANTINED, PageRun.finished_at.is_(None))
        .values(finished_at=database_now())
    )
