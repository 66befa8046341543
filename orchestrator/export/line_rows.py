"""Text lines in bulk: there are millions of them, and a Python object for each value would cost most of an export.

All numbers are read into one array of floats, which hold them exactly. The few lines whose baseline or outline is a
list of points are asked for besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Float, Select, case, cast, func, or_, select

from models import TextLine
from workers.layout import LineKind

NONE = -(2.0**31)  # what stands for NULL: no pixel, number or confidence is so low
_KINDS: tuple[str, ...] = get_args(LineKind)
_WHOLE = {
    "block_number": TextLine.block_number,
    "column_number": TextLine.column_number,
    "baseline_y_left": TextLine.baseline_y_left,
    "baseline_y_right": TextLine.baseline_y_right,
}
_POINTS = {"baseline": TextLine.baseline, "outline": TextLine.boundary}
_HAS_POINTS = or_(*(column.is_not(None) for column in _POINTS.values()))
_BOX = (TextLine.page_run_id, TextLine.line_number, TextLine.x_min, TextLine.y_min, TextLine.x_max, TextLine.y_max)
_NUMBERS = (
    *_BOX,
    *(func.coalesce(column, int(NONE)) for column in _WHOLE.values()),
    cast(func.coalesce(TextLine.confidence, NONE), Float),
    # two in one, since each column costs: the kind, and whether there are points
    case({kind: 2 * code for code, kind in enumerate(_KINDS)}, value=TextLine.kind, else_=2 * len(_KINDS))
    + case((_HAS_POINTS, 1), else_=0),
)

# runs a statement on the lines of some page runs, in their order, with the driver's own cursor
Ask = Callable[[Select[Any], Sequence[int]], Any]


def read_lines(ask: Ask, ids: Sequence[int]) -> tuple[NDArray[np.int64], Mapping[str, pa.Array]]:
    """Return the boxes of the lines of some page runs, as `Boxes.rows`, and what else is told of them."""
    rows = ask(select(*_NUMBERS), ids)
    table = np.fromiter(chain.from_iterable(rows), np.float64).reshape(-1, len(_NUMBERS))
    *whole, confidences, kinds = table[:, 6:].T
    boxes = table[:, :6].astype(np.int64)
    more = {
        name: pa.array(values.astype(np.int32), mask=values == NONE) for name, values in zip(_WHOLE, whole, strict=True)
    }
    more["confidence"] = pa.array(confidences, mask=confidences == NONE)
    codes = kinds.astype(np.int32) // 2
    more["label"] = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == len(_KINDS)), pa.array(_KINDS))
    return boxes, more | _points(ask, boxes, kinds % 2 > 0)


def _points(ask: Ask, boxes: NDArray[np.int64], pointed: NDArray[np.bool_]) -> dict[str, pa.Array]:
    if not pointed.any():
        return {}
    runs = np.unique(boxes[pointed, 0]).tolist()
    statement = select(*_BOX[:2], *_POINTS.values()).where(_HAS_POINTS)
    said = {(run, number): points for run, number, *points in ask(statement, runs)}
    nothing = (None,) * len(_POINTS)
    columns = zip(*(said.get((run, number), nothing) for run, number in boxes[:, :2].tolist()), strict=True)
    return {name: pa.array(values, pa.string()) for name, values in zip(_POINTS, columns, strict=True)}
