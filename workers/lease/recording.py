"""From values to rows: all of a page's results in one transaction, fenced by the attempt's owner token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from models import Attempt, Face, PageRun, PageRunState, Separator, StageTiming, TextLine, database_now
from models.many import insert_rows
from workers import layout
from workers.lease.claims import Claim
from workers.telemetry.timing import StageClock


def record(engine: Engine, claim: Claim, page: layout.PageLayout) -> bool:
    """Store a page's results and mark its page run done, in one transaction.

    Returns False, with nothing stored, when the attempt no longer owns the page run. Safe to repeat by the same attempt
    when the answer to its commit was lost.
    """
    clock = StageClock()
    with engine.begin() as connection:
        if not _finish(connection, claim, page):
            return _is_recorded(connection, claim)
        with clock.stage("record") as items:
            rows = result_rows(claim.page_run_id, page)
            for table, values in rows.items():
                insert_rows(connection, table, values)
            items.count = sum(map(len, rows.values()))
        timings = (*page.timings, *clock.timings)
        insert_rows(connection, StageTiming, timing_rows(claim.page_run_id, timings))
    return True


def _finish(connection: Connection, claim: Claim, page: layout.PageLayout) -> bool:
    """End the page run and its attempt; False when the attempt no longer owns the page run."""
    values = {f"found_{name}": value for name, value in _found(page).items()}
    values |= {"run": claim.page_run_id, "attempt": claim.attempt_number, "holder": claim.owner}
    values["peak"] = max((timing.peak_rss_kib for timing in page.timings), default=None)
    if connection.dialect.name == "postgresql":
        return connection.execute(_END_BOTH, values).rowcount == 1
    return connection.execute(_END_RUN, values).rowcount == 1 == connection.execute(_END_ATTEMPT, values).rowcount


def _is_recorded(connection: Connection, claim: Claim) -> bool:
    """Return whether this very attempt has stored its results before."""
    attempt = (Attempt.page_run_id == claim.page_run_id, Attempt.attempt_number == claim.attempt_number)
    done = select(Attempt.owner).where(*attempt, Attempt.owner == claim.owner, Attempt.outcome == "done")
    return connection.execute(done).first() is not None


def _found(page: layout.PageLayout) -> dict[str, Any]:
    return {
        "empty_reason": page.empty_reason,
        "width": page.width,
        "height": page.height,
        "skew_degrees": page.skew_degrees,
        "picture_hash": page.picture_hash,
        "text_lines": len(page.lines),
        "separators": len(page.separators),
        "faces": len(page.faces),
        "wall_ms": sum(timing.wall_ms for timing in page.timings),
    }


# The statements of every page are built once: that takes as long as to execute them.
_END_RUN = (
    update(PageRun)
    .where(
        PageRun.page_run_id == bindparam("run"),
        PageRun.owner == bindparam("holder"),
        PageRun.state == PageRunState.RUNNING,
    )
    .values(
        state=PageRunState.DONE,
        owner=None,
        lease_until=None,
        finished_at=database_now(),
        error_code=None,
        error_message=None,
        **{name: bindparam(f"found_{name}") for name in _found(layout.PageLayout(0, 0, ()))},
    )
)
_END_ATTEMPT = (
    update(Attempt)
    .where(Attempt.page_run_id == bindparam("run"), Attempt.attempt_number == bindparam("attempt"))
    .values(outcome="done", finished_at=database_now(), peak_rss_kib=bindparam("peak"))
)
_RUN_ENDED = _END_RUN.returning(PageRun.page_run_id).cte("ended")
# one round trip, on PostgreSQL
_END_BOTH = _END_ATTEMPT.where(Attempt.page_run_id == _RUN_ENDED.c.page_run_id)


def result_rows(
    page_run_id: int, page: layout.PageLayout
) -> dict[type[TextLine] | type[Separator] | type[Face], list[dict[str, Any]]]:
    """Return the rows of a page's lines, separators and faces, numbered from 1."""
    key: dict[str, Any] = {"page_run_id": page_run_id}
    lines = [
        key
        | _box(line.bbox)
        | {"line_number": n, "baseline": _points(line.baseline), "boundary": _points(line.boundary)}
        for n, line in enumerate(page.lines, 1)
    ]
    separators = [
        key | _box(item.bbox) | {"separator_number": n, "origin": item.origin, "path": _points(item.path)}
        for n, item in enumerate(page.separators, 1)
    ]
    faces = [
        key | _box(face.bbox) | {"face_number": n, "label": face.label, "confidence": face.confidence}
        for n, face in enumerate(page.faces, 1)
    ]
    return {TextLine: lines, Separator: separators, Face: faces}


def timing_rows(page_run_id: int, timings: Sequence[layout.StageTiming]) -> list[dict[str, Any]]:
    """Return the rows of stage timings, in the order the page went through them."""
    return [
        {
            "page_run_id": page_run_id,
            "stage_number": n,
            "stage": timing.stage,
            "wall_ms": timing.wall_ms,
            "cpu_ms": timing.cpu_ms,
            "peak_rss_kib": timing.peak_rss_kib,
            "items": timing.items,
        }
        for n, timing in enumerate(timings, 1)
    ]


def _box(bbox: layout.BoundingBox) -> dict[str, int]:
    return {"x_min": bbox.x_min, "y_min": bbox.y_min, "x_max": bbox.x_max, "y_max": bbox.y_max}


def _points(points: Sequence[layout.Point] | None) -> str | None:
    return None if points is None else json.dumps([[int(x), int(y)] for x, y in points], separators=(",", ":"))
