"""Boxes in bulk, as columns, a block of pages at a time: for COCO, Parquet and CSV of millions of boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, bindparam, select

from models import Face, Picture, Separator, TextLine
from orchestrator.results.pages import page_block
from orchestrator.results.scans import scan_file
from orchestrator.results.selection import Selection
from workers.sources.escape import unescaped

# (boxes, 6): page run, number, x_min, y_min, x_max, y_max
BoxRows = NDArray[np.int64]

# Of each kind of box: its table, the column that numbers it, and what else is told of it, by the name it gets.
_TABLES: Mapping[str, tuple[Any, Any, Mapping[str, Any]]] = {
    "line": (
        TextLine,
        TextLine.line_number,
        {
            "label": TextLine.kind,
            "confidence": TextLine.confidence,
            "block_number": TextLine.block_number,
            "column_number": TextLine.column_number,
            "baseline_y_left": TextLine.baseline_y_left,
            "baseline_y_right": TextLine.baseline_y_right,
            "baseline": TextLine.baseline,
            "outline": TextLine.boundary,
        },
    ),
    "separator": (Separator, Separator.separator_number, {"label": Separator.origin}),
    "face": (Face, Face.face_number, {"label": Face.label, "confidence": Face.confidence}),
    "picture": (Picture, Picture.picture_number, {"label": Picture.kind, "outline": Picture.outline}),
}
KINDS = tuple(_TABLES)
FETCHED_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a table of boxes says about the page of a box; `file` is its scan, None where that is no file of its own."""

    page_run_id: int
    volume: str
    page: str
    page_number: int
    width: int
    height: int
    sha256: str
    pipeline: str
    finished_at: datetime
    file: str | None


@dataclass(frozen=True, slots=True)
class Boxes:
    """All boxes of one kind on some pages: `rows`, and in `more` what else is told of them, a value a row.

    `more` has the names label, confidence, block_number, column_number, baseline_y_left, baseline_y_right, baseline,
    outline, as far as the kind has them; values may be None. `baseline` and `outline` are JSON.
    """

    rows: BoxRows
    more: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class BoxBlock:
    """Some pages and all of their boxes, by kind in the order of `KINDS`."""

    pages: tuple[PageFacts, ...]
    boxes: Mapping[str, Boxes]


def box_blocks(
    engine: Engine, selection: Selection, wanted: Callable[[tuple[PageFacts, ...]], bool] | None = None
) -> Iterator[BoxBlock]:
    """Yield the selected pages with their boxes, leaving out the blocks of pages that are not `wanted`."""
    place = None
    with engine.connect() as connection:
        while True:
            rows, place = page_block(connection, selection, place)
            pages = tuple(_facts(row) for row in rows)
            block = _block(connection, pages) if wanted is None or wanted(pages) else None
            connection.rollback()
            if block is not None:
                yield block
            if place is None:
                return


def _facts(row: Any) -> PageFacts:
    return PageFacts(
        row.page_run_id,
        row.source,
        row.name,
        row.page_number,
        row.width,
        row.height,
        row.sha256,
        row.fingerprint,
        row.finished_at,
        scan_file(unescaped(row.location), row.kind, row.address),
    )


def _block(connection: Connection, pages: tuple[PageFacts, ...]) -> BoxBlock:
    ids = [page.page_run_id for page in pages]
    return BoxBlock(
        pages, {kind: _boxes(_cursor(connection, *table, ids), table[2]) for kind, table in _TABLES.items()}
    )


def _boxes(cursor: Any, more: Mapping[str, Any]) -> Boxes:
    """Read some rows at a time, so that a block of pages is never held twice."""
    numbers, columns = [np.empty((0, 6), np.int64)], [list[Any]() for _ in more]
    while rows := cursor.fetchmany(FETCHED_ROWS):
        parts = list(zip(*rows, strict=True))
        numbers.append(np.array(parts[:6], np.int64).T)
        for column, part in zip(columns, parts[6:], strict=True):
            column.extend(part)
    return Boxes(np.concatenate(numbers), dict(zip(more, columns, strict=True)))


def _cursor(connection: Connection, table: Any, number: Any, more: Mapping[str, Any], ids: Sequence[int]) -> Any:
    """Ask with the driver's own cursor: these are the rows there are millions of."""
    wanted = (table.page_run_id, number, table.x_min, table.y_min, table.x_max, table.y_max, *more.values())
    statement = select(*wanted).where(table.page_run_id.in_(bindparam("ids", expanding=True)))
    compiled = (
        statement.order_by(table.page_run_id, number)
        .params(ids=list(ids))
        .compile(connection, compile_kwargs={"literal_binds": True})
    )
    driver: Any = connection.connection.driver_connection
    return driver.execute(str(compiled))
