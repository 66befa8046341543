"""From values to rows: all of a page's results in one transaction, fenced by the attempt's owner token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Text, bindparam, exists, select, update
from sqlalchemy.orm import aliased

from models import (
    Attempt,
    Face,
    Page,
    PageRun,
    PageRunState,
    Picture,
    Separator,
    StageTiming,
    TextBlock,
    TextLine,
    database_now,
)
from models.base import Base
from models.many import insert_rows
from workers import layout
from workers.lease.claims import Claim
from workers.stages.segmentation.blocks import TextBlock as Block
from workers.stages.segmentation.blocks import text_blocks
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
        if page.sha256 and not claim.known_sha256:
            connection.execute(
                _FILL_HASH, {"run": claim.page_run_id, "claimed": claim.page_sha256, "found": page.sha256}
            )
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


_OF_RUN = select(PageRun.page_id).where(PageRun.page_run_id == bindparam("run")).scalar_subquery()
_SAME = aliased(Page)
# A page of a store gets its hash from who reads it first; not where the same bytes under the same name are known by
# another version: there is one such page.
_FILL_HASH = (
    update(Page)
    .where(Page.page_id == _OF_RUN, Page.sha256 == bindparam("claimed", type_=Text))
    .where(
        ~exists().where(
            _SAME.volume_id == Page.volume_id,
            _SAME.name == Page.name,
            _SAME.sha256 == bindparam("found", type_=Text),
        )
    )
    .values(sha256=bindparam("found", type_=Text))
)


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
        "doubt": page.doubt,
        "columns": page.columns,
        "pictures": len(page.pictures),
        "text_lines": len(page.lines),
        "separators": len(page.separators),
        "faces": len(page.faces),
        "wall_ms": sum(timing.wall_ms for timing in page.timings),
        **_scan_facts(page.scan),
    }


def _scan_facts(scan: layout.ScanFacts | None) -> dict[str, Any]:
    dpi_x, dpi_y = scan.dpi if scan and scan.dpi else (None, None)
    names = ("format", "mode", "bit_depth", "is_colour")
    return {name: getattr(scan, name, None) for name in names} | {"dpi_x": dpi_x, "dpi_y": dpi_y}


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


def result_rows(page_run_id: int, page: layout.PageLayout) -> dict[type[Base], list[dict[str, Any]]]:
    """Return the rows of what was found on a page, by table, numbered from 1."""
    key: dict[str, Any] = {"page_run_id": page_run_id}
    blocks = text_blocks(page)
    of_lines = [number for number, block in enumerate(blocks, 1) for _ in block.lines]
    lines = zip(page.lines, of_lines, strict=True)
    return {
        TextLine: [
            key | _box(line.bbox) | _line(line) | {"line_number": n, "block_number": block}
            for n, (line, block) in enumerate(lines, 1)
        ],
        TextBlock: [key | _box(one.bbox) | _block(one) | {"block_number": n} for n, one in enumerate(blocks, 1)],
        Separator: [key | _box(one.bbox) | _separator(one, n) for n, one in enumerate(page.separators, 1)],
        Picture: [key | _box(one.bbox) | _picture(one, n) for n, one in enumerate(page.pictures, 1)],
        Face: [key | _box(one.bbox) | _face(one, n) for n, one in enumerate(page.faces, 1)],
    }


def _line(line: layout.TextLine) -> dict[str, Any]:
    left, right = layout.straight_baseline(line) or (None, None)
    return {
        "column_number": line.column,
        "kind": line.kind,
        "confidence": line.confidence,
        "baseline_y_left": left,
        "baseline_y_right": right,
        "baseline": None if left is not None else _points(line.baseline),
        "boundary": _points(line.boundary),
    }


def _block(block: Block) -> dict[str, Any]:
    return {"column_number": block.column, "first_line": block.first, "text_lines": len(block.lines)}


def _separator(separator: layout.Separator, number: int) -> dict[str, Any]:
    return {"separator_number": number, "origin": separator.origin, "path": _points(separator.path)}


def _picture(picture: layout.Picture, number: int) -> dict[str, Any]:
    outline = _points(picture.outline)
    return {"picture_number": number, "kind": picture.kind, "outline": outline, "share": picture.share}


def _face(face: layout.Face, number: int) -> dict[str, Any]:
    return {"face_number": number, "label": face.label, "confidence": face.confidence, "level": face.level}


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
