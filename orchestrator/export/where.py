"""Pages chosen by a condition in SQL."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from orchestrator.query.query import QueryError, run_query
from orchestrator.results.selection import Selection
from workers.errors import UnreadableInput

SECONDS = 300.0  # so long the database may look for them


def narrowed(engine: Engine, selection: Selection, condition: str | None) -> Selection:
    """Return a selection with the page runs for which a condition on the columns of `page_status` holds.

    The database itself refuses to write (see `run_query`). With a pipeline its results are asked, current or not.

    Raises:
        UnreadableInput: the condition is no SQL, or takes too long.
    """
    if condition is None:
        return selection
    view = "page_status" if selection.pipeline is None else "page_status_all"
    # on lines of its own, so that a comment in it ends nothing else
    sql = f"SELECT page_run_id FROM {view} WHERE state = 'done' AND (\n{condition}\n)"
    parameters = {}
    if selection.pipeline is not None:
        sql, parameters = f"{sql} AND pipeline = :pipeline", {"pipeline": selection.pipeline}
    try:
        with run_query(engine, sql, parameters, SECONDS) as answer:
            runs = tuple(int(run) for batch in answer.batches for (run,) in batch)
    except (QueryError, TypeError, ValueError) as error:
        raise UnreadableInput(f"--where {condition!r} is no condition on page_status: {error}") from error
    return replace(selection, page_runs=runs)
