"""Boxes (x, y, width, height) in large numbers: which meet, which hang together, where they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Indices, Rectangles, Truths
from workers.stages.raster.groups import ragged

CELL_PX = 24  # side of the cells in which boxes that meet are looked for, in pixels: about two letters


def meeting_pairs(boxes: Rectangles) -> tuple[Indices, Indices]:
    """Return the indices i < j of the boxes that overlap or share an edge; a pair may be given more than once.

    Boxes are listed under the cells of a grid that they touch; only those listed together are compared.
    """
    x_min, y_min = boxes[:, 0], boxes[:, 1]
    x_max, y_max = x_min + boxes[:, 2], y_min + boxes[:, 3]
    cell, owner = _listed_by_cell(x_min // CELL_PX, y_min // CELL_PX, x_max // CELL_PX, y_max // CELL_PX)
    smaller: list[Indices] = [np.empty(0, np.intp)]
    larger: list[Indices] = [np.empty(0, np.intp)]
    for step in range(1, len(cell)):
        first = np.flatnonzero(cell[step:] == cell[:-step])
        if not len(first):
            break
        i, j = owner[first], owner[first + step]
        across = np.minimum(x_max[i], x_max[j]) - np.maximum(x_min[i], x_min[j])
        down = np.minimum(y_max[i], y_max[j]) - np.maximum(y_min[i], y_min[j])
        meet = (np.minimum(across, down) >= 0) & (np.maximum(across, down) > 0)
        smaller.append(i[meet])
        larger.append(j[meet])
    return np.concatenate(smaller), np.concatenate(larger)


def _listed_by_cell(
    left: Rectangles, top: Rectangles, right: Rectangles, bottom: Rectangles
) -> tuple[Indices, Indices]:
    """Return cells in ascending order and the box listed there, boxes of one cell in ascending order."""
    columns = right - left + 1
    owner, place = ragged(columns * (bottom - top + 1))
    row, column = np.divmod(place, columns[owner])
    cell = (top[owner] + row).astype(np.int64) * (int(right.max(initial=0)) + 1) + left[owner] + column
    order = np.argsort(cell, kind="stable")
    return cell[order], owner[order]


def overlapping(boxes: Rectangles, i: Indices, j: Indices) -> Truths:
    """Return for pairs of boxes whether they share a pixel."""
    start, end = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    shared: Truths = np.all((start[i] < end[j]) & (start[j] < end[i]), axis=1)
    return shared


def paint(image: NDArray[np.uint8], boxes: Rectangles, value: int) -> None:
    """Set the pixels within `boxes` to `value`."""
    for x, y, width, height in boxes.tolist():
        image[y : y + height, x : x + width] = value
