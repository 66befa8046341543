"""Boxes in bulk, as arrays, a block of pages at a time: for COCO, Parquet and CSV of millions of boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, bindparam, select

from models import Face, Separator, TextLine
from orchestrator.results.pages import page_block
from orchestrator.results.selection import Selection

KINDS = ("line", "separator", "face")

# (boxes, 6): page run, number, x_min, y_min, x_max, y_max
BoxRows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a table of boxes says about the page of a box."""

    page_run_id: int
    volume: str
    page: str
    page_number: int
    width: int
    height: int
    sha256: str
    pipeline: str
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class BoxBlock:
    """Some pages and all of their boxes: `rows[0]` text lines, `rows[1]` separators, `rows[2]` faces.

    `labels[1]` are the separators' origins and `labels[2]` the faces' labels, in the order of the rows; `confidences`
    belong to the faces.
    """

    pages: tuple[PageFacts, ...]
    rows: tuple[BoxRows, BoxRows, BoxRows]
    labels: tuple[Sequence[str], Sequence[str], Sequence[str]]
    confidences: Sequence[float]


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
    )


def _block(connection: Connection, pages: tuple[PageFacts, ...]) -> BoxBlock:
    ids = [page.page_run_id for page in pages]
    lines = _numbers(_rows(connection, TextLine, TextLine.line_number, ids))
    separators = list(_rows(connection, Separator, Separator.separator_number, ids, Separator.origin))
    faces = list(_rows(connection, Face, Face.face_number, ids, Face.label, Face.confidence))
    return BoxBlock(
        pages,
        (lines, _numbers(row[:6] for row in separators), _numbers(row[:6] for row in faces)),
        ((), [row[6] for row in separators], [row[6] for row in faces]),
        [row[7] for row in faces],
    )


def _numbers(rows: Iterator[Sequence[int]]) -> BoxRows:
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 6)


def _rows(connection: Connection, table: Any, number: Any, ids: Sequence[int], *more: Any) -> Iterator[Any]:
    """Read with the driver's own cursor: these are the rows there are millions of."""
    wanted = (table.page_run_id, number, table.x_min, table.y_min, table.x_max, table.y_max, *more)
    statement = select(*wanted).where(table.page_run_id.in_(bindparam("ids", expanding=True)))
    compiled = (
        statement.order_by(table.page_run_id, number)
        .params(ids=list(ids))
        .compile(connection, compile_kwargs={"literal_binds": True})
    )
    driver: Any = connection.connection.driver_connection
    return iter(driver.execute(str(compiled)))
