"""Boxes in bulk, as columns, a block of pages at a time: for COCO, Parquet and CSV of millions of boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Select, bindparam, select

from models import Face, Picture, Separator, TextLine
from orchestrator.export.line_rows import read_lines
from orchestrator.results.pages import page_block
from orchestrator.results.scans import scan_file
from orchestrator.results.selection import Selection
from workers.sources.escape import unescaped

# (boxes, 6): page run, number, x_min, y_min, x_max, y_max
BoxRows = NDArray[np.int64]

# Of each kind of box but lines: its table, the column that numbers it, what else is told of it by the name it gets.
_TABLES: Mapping[str, tuple[Any, Any, Mapping[str, Any]]] = {
    "separator": (Separator, Separator.separator_number, {"label": Separator.origin}),
    "face": (Face, Face.face_number, {"label": Face.label, "confidence": Face.confidence}),
    "picture": (Picture, Picture.picture_number, {"label": Picture.kind, "outline": Picture.outline}),
}
KINDS = ("line", *_TABLES)


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
    outline, as far as the kind has them and any box of these pages too. `baseline` and `outline` are JSON.
    """

    rows: BoxRows
    more: Mapping[str, pa.Array]

    def values(self, name: str) -> Iterable[Any]:
        """Return what is told of the boxes under a name, one value after the other, None where nothing is."""
        return self.more[name].to_pylist() if name in self.more else repeat(None, len(self.rows))


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
    lines = Boxes(*read_lines(partial(_ask, connection, TextLine, TextLine.line_number), ids))
    return BoxBlock(pages, {"line": lines, **{kind: _boxes(connection, *of, ids) for kind, of in _TABLES.items()}})


def _boxes(connection: Connection, table: Any, number: Any, more: Mapping[str, Any], ids: Sequence[int]) -> Boxes:
    wanted = (table.page_run_id, number, table.x_min, table.y_min, table.x_max, table.y_max, *more.values())
    columns = list(zip(*_ask(connection, table, number, select(*wanted), ids), strict=True)) or [()] * len(wanted)
    told = {name: pa.array(values) for name, values in zip(more, columns[6:], strict=True)}
    return Boxes(np.array(columns[:6], np.int64).T, told)


def _ask(connection: Connection, table: Any, number: Any, statement: Select[Any], ids: Sequence[int]) -> Any:
    """Ask for rows of some page runs with the driver's own cursor: these are the rows there are millions of."""
    compiled = (
        statement.where(table.page_run_id.in_(bindparam("ids", expanding=True)))
        .order_by(table.page_run_id, number)
        .params(ids=list(ids))
        .compile(connection, compile_kwargs={"literal_binds": True})
    )
    driver: Any = connection.connection.driver_connection
    return driver.execute(str(compiled))
