"""What a line is, as far as its size tells: body text, a headline, or a drop capital."""

from __future__ import annotations

import numpy as np

from workers.layout import LineKind
from workers.stages.raster.arrays import Boxes

MIN_HEADLINE_RATIO = 1.7  # heights of the page's median line
MIN_DROP_CAPITAL_RATIO = 1.5  # the same, of a drop capital
MAX_DROP_CAPITAL_WIDTH_RATIO = 1.6  # its width by its height, at most
MAX_DISTANCE_WIDTHS = 1.0  # of its width: where the lines beside it begin


def line_kinds(lines: Boxes) -> list[LineKind]:
    """Return the kind of each line (n, 4) on the upright page.

    A drop capital is no longer than tall, and two lines or more begin beside it, or one that it is far taller than.
    """
    if not len(lines):
        return []
    width, height = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    usual = float(np.median(height))
    kinds: list[LineKind] = ["headline" if tall else "body" for tall in height > MIN_HEADLINE_RATIO * usual]
    for n in np.flatnonzero(
        (height > MIN_DROP_CAPITAL_RATIO * usual) & (width <= MAX_DROP_CAPITAL_WIDTH_RATIO * height)
    ):
        if _stands_before_lines(lines, int(n)):
            kinds[int(n)] = "drop_capital"
    return kinds


def _stands_before_lines(lines: Boxes, n: int) -> bool:
    x0, y0, x1, y1 = (int(value) for value in lines[n])
    near = (lines[:, 0] >= x1 - (x1 - x0) // 4) & (lines[:, 0] <= x1 + MAX_DISTANCE_WIDTHS * (x1 - x0))
    level = (lines[:, 1] < y1) & (lines[:, 3] > y0) & (lines[:, 3] - lines[:, 1] < (y1 - y0) / 1.3)
    return bool((near & level).any())
