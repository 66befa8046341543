"""Boxes that lie near each other, found block by block so that a page of noise does not fill the memory."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes, Floats, Indices

PAIRS_AT_ONCE = 1 << 22  # pairs looked at at once


def horizontal_neighbours(boxes: Boxes, gap: Floats) -> tuple[Indices, Indices]:
    """Return the pairs a < b of boxes that share rows and are no further apart sideways than the larger `gap`.

    Args:
        boxes: (n, 4) x_min, y_min, x_max, y_max.
        gap: (n,) how far each box reaches.
    """
    x0, y0, x1, y1 = boxes.T.astype(np.int32)
    step = max(1, PAIRS_AT_ONCE // max(1, len(boxes)))
    first, second = [], []
    for start in range(0, len(boxes), step):
        block = slice(start, start + step)
        near = np.minimum(y1[block, None], y1) > np.maximum(y0[block, None], y0)
        apart = np.maximum(x0[block, None], x0) - np.minimum(x1[block, None], x1)
        near &= apart <= np.maximum(gap[block, None], gap)
        a, b = np.nonzero(near)
        later = b > a + start
        first.append(a[later] + start)
        second.append(b[later])
    nothing = np.zeros(0, np.intp)
    return np.concatenate([nothing, *first]), np.concatenate([nothing, *second])
