"""Boxes of one line that stand side by side: pieces of it, or its letters."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Floats, Indices, Mask, Truths
from workers.stages.raster.groups import numbered_groups
from workers.stages.raster.neighbours import horizontal_neighbours


def level_neighbours(boxes: Boxes, reach: Floats, level: float) -> tuple[Indices, Indices, Counts, Counts]:
    """Return the pairs of boxes side by side that share `level` of the lower one's height.

    With them come the heights of the lower and of the taller box of each pair.

    Args:
        boxes: (n, 4).
        reach: (n,) px, how far each looks to its sides.
        level: share of the lower height.
    """
    _, y0, _, y1 = boxes.T
    height = y1 - y0
    a, b = horizontal_neighbours(boxes, reach)
    common = np.minimum(y1[a], y1[b]) - np.maximum(y0[a], y0[b])
    lower, taller = np.minimum(height[a], height[b]), np.maximum(height[a], height[b])
    shared = common >= level * lower
    return a[shared], b[shared], lower[shared], taller[shared]


def joined(boxes: Boxes, a: Indices, b: Indices, barrier: Mask) -> Indices:
    """Return for each box the number of its group, where the pairs `a`, `b` belong together unless one is barred."""
    free = ~_barred(boxes[a], boxes[b], barrier)
    return numbered_groups(len(boxes), a[free], b[free])


def _barred(a: Boxes, b: Boxes, barrier: Mask) -> Truths:
    """Tell for each pair of boxes whether a separator lies between their middles."""
    middles = (a[:, 0] + a[:, 2]) // 2, (b[:, 0] + b[:, 2]) // 2
    row = (np.maximum(a[:, 1], b[:, 1]) + np.minimum(a[:, 3], b[:, 3])) // 2
    crossed = [
        barrier[y, x0:x1].any() for y, x0, x1 in zip(row, np.minimum(*middles), np.maximum(*middles), strict=True)
    ]
    return np.array(crossed, bool)
