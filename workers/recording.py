"""From values to rows: all of a page's results in one transaction, fenced by the attempt's owner token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, update

from models import Attempt, Face, PageRun, PageRunState, Separator, StageTiming, TextLine, database_now
from workers import layout
from workers.claims import Claim
from workers.timing import StageClock


def record(engine: Engine, claim: Claim, page: layout.PageLayout) -> bool:
    """Store a page's results and mark its page run done, in one transaction.

    What an earlier pipeline of the same page run left is replaced, so that a repeated write ends the same. Returns
    False, with nothing stored, when the attempt no longer owns the page run.
    """
    clock = StageClock()
    with engine.begin() as connection:
        if not _finish(connection, claim, page):
            return False
        with clock.stage("record") as items:
            rows = result_rows(claim.page_run_id, page)
            if claim.attempt_number > 1:
                _clear(connection, claim.page_run_id)
            for table, values in rows.items():
                if values:
                    connection.execute(insert(table), values)
            items.count = sum(map(len, rows.values()))
        timings = (*page.timings, *clock.timings)
        connection.execute(insert(StageTiming), timing_rows(claim.page_run_id, timings))
    return True


def _clear(connection: Connection, page_run_id: int) -> None:
    for table in (TextLine, Separator, Face, StageTiming):
        connection.execute(delete(table).where(table.page_run_id == page_run_id))


def _finish(connection: Connection, claim: Claim, page: layout.PageLayout) -> bool:
    done = connection.execute(
        update(PageRun)
        .where(
            PageRun.page_run_id == claim.page_run_id,
            PageRun.owner == claim.owner,
            PageRun.state == PageRunState.RUNNING,
        )
        .values(
            state=PageRunState.DONE,
            owner=None,
            lease_until=None,
            finished_at=database_now(),
            error_code=None,
            error_message=None,
            empty_reason=page.empty_reason,
            width=page.width,
            height=page.height,
            skew_degrees=page.skew_degrees,
            picture_hash=page.picture_hash,
            text_lines=len(page.lines),
            separators=len(page.separators),
            faces=len(page.faces),
            wall_ms=sum(timing.wall_ms for timing in page.timings),
        )
    )
    if done.rowcount != 1:
        return False
    connection.execute(
        update(Attempt)
        .where(Attempt.page_run_id == claim.page_run_id, Attempt.attempt_number == claim.attempt_number)
        .values(
            outcome="done",
            finished_at=database_now(),
            peak_rss_kib=max((timing.peak_rss_kib for timing in page.timings), default=None),
        )
    )
    return True


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
