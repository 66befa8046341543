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

BLOCK_ELEMENTS = 1 << 18  # pairs decided at once: few enough for the working arrays to stay in the cache

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


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
    # Kraken takes lines with equal boxes for the same line; so each distinct box is looked at once.
    distinct, place = np.unique(boxes, axis=0, return_inverse=True)
    x_min, y_min, x_max, y_max = distinct.astype(np.int64).T
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


def _before(boxes: Columns, text_direction: str) -> Iterator[NDArray[np.bool_]]:
    """Yield, block by block of v, the rows `before[v, u]`: u comes before v."""
    x_min, y_min, x_max, _ = boxes
    step = max(1, BLOCK_ELEMENTS // len(x_min))
    crowd = _crowd(boxes, step)
    for start in range(0, len(x_min), step):
        block = slice(start, start + step)
        v_min, v_max = x_min[block, None], x_max[block, None]
        overlap = (x_min < v_max) & (x_max > v_min)
        above = y_min < y_min[block, None]
        left = x_max < v_min
        aside = left if text_direction == "lr" else ~left
        yield np.where(overlap, above, aside & ~_separated(boxes, block, crowd))


def _separated(boxes: Columns, block: slice, crowd: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return `separated[v, u]`: some w other than u and v lies between u and v, for each v of the block.

    Only pairs whose columns do not overlap have a meaning. The rows that w must touch run from the upper of both
    tops to the lower of both bottoms. Where v gives one of the two, the lines sorted by the other leave a prefix
    to search, whose leftmost line decides; where u gives both, the rightmost line near u does.
    """
    x_min, y_min, x_max, y_max = boxes
    top, bottom, left = y_min[block, None], y_max[block, None], x_min[block, None]
    candidate = x_max > left
    candidate[np.arange(len(left)), np.arange(block.start, block.start + len(left))] = False  # w is not v
    u_between = x_max > left  # then u itself is found as well and the second best counts

    downwards = np.argsort(y_min, kind="stable")
    reach = np.searchsorted(y_min[downwards], y_max, side="right")  # lines that start above the end of each line
    by_start = _leftmost(x_min, candidate & (y_max >= top), downwards, np.maximum(reach, reach[block, None]), u_between)
    upwards = np.argsort(-y_max, kind="stable")
    reach = np.searchsorted(-y_max[upwards], -y_min, side="right")  # lines that end below the start of each line
    by_end = _leftmost(x_min, candidate & (y_min <= bottom), upwards, np.maximum(reach, reach[block, None]), u_between)
    near_u = np.where(x_max > left, crowd[1], crowd[0]) > left

    return np.where(y_min >= top, by_start < x_max, np.where(y_max <= bottom, by_end < x_max, near_u))


def _leftmost(
    x_min: NDArray[np.int64],
    candidate: NDArray[np.bool_],
    order: NDArray[np.intp],
    count: NDArray[np.intp],
    second: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return the least x_min among the first `count[v, u]` candidates in `order`, or the second least."""
    nothing = np.iinfo(np.int64).max
    values = np.full((len(candidate), len(order) + 1), nothing)
    values[:, 1:] = np.where(candidate[:, order], x_min[order], nothing)
    least = np.minimum.accumulate(values, axis=1)
    values[:, 1:] = np.maximum(values[:, 1:], least[:, :-1])
    runner_up = np.minimum.accumulate(values, axis=1)
    rows = np.arange(len(candidate))[:, None]
    return np.where(second, runner_up[rows, count], least[rows, count])


def _crowd(boxes: Columns, step: int) -> NDArray[np.int64]:
    """Return (2, n): the greatest and second greatest x_max among the others in u's rows that start left of its end."""
    x_min, y_min, x_max, y_max = boxes
    nothing = np.iinfo(np.int64).min
    crowd = np.full((2, len(x_min)), nothing)
    for start in range(0, len(x_min), step):
        block = slice(start, start + step)
        near = (x_min < x_max[block, None]) & (y_max >= y_min[block, None]) & (y_min <= y_max[block, None])
        rows = np.arange(len(near))
        near[rows, rows + start] = False
        values = np.where(near, x_max, nothing)
        best = values.argmax(axis=1)
        crowd[0, block] = values[rows, best]
        values[rows, best] = nothing
        crowd[1, block] = values.max(axis=1)
    return crowd
