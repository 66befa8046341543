"""The reading order of the text lines of one block, identical to kraken's and without its cost.

Kraken (`kraken.lib.segmentation.reading_order`, after Breuel's OCRopus) asks for every pair of lines whether a
third line separates them, in pure Python: cubic time, and a recursive topological sort that fails beyond about
1,000 lines. Here the question is answered for a block of lines at once with prefix minima, in quadratic time, and
the sort keeps its own stack.

A line u comes before a line v when

- their columns overlap and u starts above v, or
- their columns do not overlap, u lies on the side where reading begins, and no third line w separates them: one
  that reaches into the rows of either and into the columns between u's right and v's left edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import IntCoordinates, Truths

BLOCK_ELEMENTS = 1 << 16  # pairs decided at once: few enough for the working arrays to stay in the cache

NO_NEIGHBOUR = np.iinfo(np.int32).max

Columns = tuple[IntCoordinates, IntCoordinates, IntCoordinates, IntCoordinates]


class HasBBox(Protocol):
    """A line as kraken hands it to its `reading_order_fn`: `bbox` is x_min, y_min, x_max, y_max."""

    bbox: tuple[int, int, int, int]


def kraken_reading_order(
    lines: Sequence[HasBBox], text_direction: Literal["lr", "rl"] = "lr", regions: object = None
) -> list[int]:
    """Take the place of kraken's function: `kraken.pageseg.segment(..., reading_order_fn=kraken_reading_order)`.

    `regions` is part of kraken's signature; kraken does not use it for box lines either.
    """
    return reading_order(np.array([line.bbox for line in lines], dtype=np.int64).reshape(-1, 4), text_direction)


def reading_order(boxes: NDArray[np.integer], text_direction: Literal["lr", "rl"] = "lr") -> list[int]:
    """Return the indices of `boxes` in reading order, exactly as kraken orders them.

    Args:
        boxes: (n, 4) integers: x_min, y_min, x_max, y_max of each line, the latter two exclusive.
        text_direction: whether columns follow each other from left to right (`lr`) or from right to left (`rl`).

    Raises:
        ValueError: `boxes` is not (n, 4), a box has no area, or the direction is unknown.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes must be an array of shape (n, 4), this one is {boxes.shape}")
    if (boxes[:, 0] >= boxes[:, 2]).any() or (boxes[:, 1] >= boxes[:, 3]).any():
        raise ValueError("every box needs an area: x_min < x_max and y_min < y_max")
    if text_direction not in ("lr", "rl"):
        raise ValueError(f"text_direction must be lr or rl, not {text_direction!r}")
    if not len(boxes):
        return []
    if boxes[:, 0].max() < boxes[:, 2].min():  # every line shares columns with every other: a column of text
        downwards: list[int] = np.argsort(boxes[:, 1], kind="stable").tolist()
        return downwards
    # Kraken takes lines with equal boxes for the same line; so each distinct box is looked at once.
    distinct, place = np.unique(boxes, axis=0, return_inverse=True)
    x_min, y_min, x_max, y_max = np.ascontiguousarray(distinct.astype(np.int32).T)
    predecessors: list[int] = []
    for before in _before((x_min, y_min, x_max, y_max), text_direction):
        packed = np.packbits(before[:, place.ravel()], axis=1, bitorder="little")
        predecessors += [int.from_bytes(row.tobytes(), "little") for row in packed]
    return topological_order([predecessors[k] for k in place.ravel()])


def topological_order(predecessors: Sequence[int]) -> list[int]:
    """Return the depth-first order that lists every item after its predecessors, the first items first.

    Bit i of `predecessors[k]` says that i comes before k. A circle is cut where the walk meets it again, as the
    recursive sort of kraken does; unlike that one it can be of any depth.
    """
    order: list[int] = []
    unvisited = (1 << len(predecessors)) - 1
    while unvisited:
        stack = [_lowest_bit(unvisited)]
        unvisited &= ~(1 << stack[-1])
        while stack:
            waiting = predecessors[stack[-1]] & unvisited
            if waiting:
                stack.append(_lowest_bit(waiting))
                unvisited &= ~(1 << stack[-1])
            else:
                order.append(stack.pop())
    return order


def _lowest_bit(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _before(boxes: Columns, text_direction: str) -> Iterator[Truths]:
    """Yield, block by block of v, the rows `before[v, u]`: u comes before v."""
    x_min, y_min, x_max, y_max = boxes
    step = max(1, BLOCK_ELEMENTS // len(x_min))
    from_top, from_bottom = _Prefixes(boxes, y_min, y_max), _Prefixes(boxes, -y_max, -y_min)
    crowd = _crowd(boxes, step)
    for start in range(0, len(x_min), step):
        block = slice(start, start + step)
        v_min, v_max = x_min[block, None], x_max[block, None]
        left = x_max < v_min
        beyond = x_max > v_min if text_direction == "rl" else None  # then u too reaches between, and does not count
        by_top = from_top.leftmost(block, beyond) < x_max
        by_bottom = from_bottom.leftmost(block, beyond) < x_max
        near_u = (crowd[0] if beyond is None else np.where(beyond, crowd[1], crowd[0])) > v_min
        # The rows that w must touch run from the upper top to the lower bottom: v gives one of them, or u both.
        spanned = np.where(y_max <= y_max[block, None], by_bottom, near_u)
        separated = np.where(y_min >= y_min[block, None], by_top, spanned)
        aside = left if beyond is None else ~left
        overlap = (x_min < v_max) & (x_max > v_min)
        yield np.where(overlap, y_min < y_min[block, None], aside & ~separated)


class _Prefixes:
    """The lines sorted by where they start, so that those which reach into some rows are a prefix.

    Seen from the top, a line starts at `start` and ends at `end`; from the bottom with the signs changed.
    """

    def __init__(self, boxes: Columns, start: IntCoordinates, end: IntCoordinates) -> None:
        order = np.argsort(start, kind="stable")
        self._left, self._right, self._end = boxes[0][order], boxes[2][order], end[order]
        self._own_left, self._own_start = boxes[0][:, None], start[:, None]
        self._place = np.argsort(order)
        self._reach = np.searchsorted(start[order], end, side="right")  # lines that start above each line's end

    def leftmost(self, block: slice, second: Truths | None) -> IntCoordinates:
        """Return the least x_min, (v, u), of the lines other than v that reach right of v's x_min and into given rows.

        These are the rows from v's start to the later end of v and u. Where `second` says so, the second least.
        """
        among = (self._right > self._own_left[block]) & (self._end >= self._own_start[block])
        rows = np.arange(len(among))
        among[rows, self._place[block]] = False
        values = np.full((len(among), len(self._left) + 1), NO_NEIGHBOUR, np.int32)
        np.copyto(values[:, 1:], self._left, where=among)
        count = np.maximum(self._reach, self._reach[block, None])
        least = np.minimum.accumulate(values, axis=1)
        first = np.take_along_axis(least, count, axis=1)
        if second is None:
            return first
        np.maximum(values[:, 1:], least[:, :-1], out=values[:, 1:])
        runner_up = np.minimum.accumulate(values, axis=1)
        return np.where(second, np.take_along_axis(runner_up, count, axis=1), first)


def _crowd(boxes: Columns, step: int) -> IntCoordinates:
    """Return (2, n): the greatest and second greatest x_max among the others in u's rows that start left of its end."""
    x_min, y_min, x_max, y_max = boxes
    crowd = np.full((2, len(x_min)), -NO_NEIGHBOUR, np.int32)
    for start in range(0, len(x_min), step):
        block = slice(start, start + step)
        near = (x_min < x_max[block, None]) & (y_max >= y_min[block, None]) & (y_min <= y_max[block, None])
        rows = np.arange(len(near))
        near[rows, rows + start] = False
        values = np.where(near, x_max, np.int32(-NO_NEIGHBOUR))
        best = values.argmax(axis=1)
        crowd[0, block] = values[rows, best]
        values[rows, best] = -NO_NEIGHBOUR
        crowd[1, block] = values.max(axis=1)
    return crowd
