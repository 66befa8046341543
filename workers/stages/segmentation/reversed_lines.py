"""White letters on black bars: headings, section names, boxed notices."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Mask, Truths
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.separators.components import LARGE

BAR_HEIGHT_TS = (1.5, 8.0)  # text scales: lower ones are rules, taller ones pictures
MIN_BAR_RATIO = 2.0  # width by height
MIN_BAR_FILL_SHARE = 0.5  # of its box that is black: letters leave more white in their own
LETTER_HEIGHT_SHARE = (0.25, 0.9)  # of the bar's height
MIN_LETTER_TS = 0.6  # text scales of height
MIN_LETTERS = 4  # white ones that stand in one row
MAX_OFF_ROW_SHARE = 0.15  # of the letters' height by which their feet differ
MIN_ROW_SHARE = 0.7  # of all white spots of that height: in a picture they lie anywhere


def add_reversed(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Add the lines of white letters on black bars.

    Without this step such a heading is one large component, and no line.
    """
    found = [row for bar in _bars(evidence) if (row := _row_in(bar, evidence)) is not None]
    return np.concatenate([lines, np.array(found, np.int64).reshape(-1, 4)])


def _bars(evidence: PageEvidence) -> Boxes:
    """Return the boxes (n, 4) of components that are mostly black and of the shape of a bar."""
    c = evidence.components
    low, high = (bound * c.scale for bound in BAR_HEIGHT_TS)
    bar = (c.kind == LARGE) & ~c.on_edge & (c.height >= low) & (c.height <= high)
    bar &= (c.width >= MIN_BAR_RATIO * c.height) & (c.area >= MIN_BAR_FILL_SHARE * c.width * c.height)
    return c.boxes[bar]


def _row_in(bar: Counts, evidence: PageEvidence) -> Counts | None:
    """Return the box around the white letters in a bar that stand in one row; None where there are none."""
    x0, y0, x1, y1 = bar.tolist()
    white = cv2.bitwise_xor(evidence.ink[y0:y1, x0:x1], 1)
    stats = cv2.connectedComponentsWithStats(white)[2][1:].astype(np.int64)
    tall = stats[:, 3] >= max(LETTER_HEIGHT_SHARE[0] * (y1 - y0), MIN_LETTER_TS * evidence.scale)
    spots = stats[_inside(stats, white) & tall]
    if len(spots) < MIN_LETTERS:
        return None
    feet, height = spots[:, 1] + spots[:, 3], np.median(spots[:, 3])
    row = spots[np.abs(feet - np.median(feet)) <= MAX_OFF_ROW_SHARE * height]
    if len(row) < max(MIN_LETTERS, MIN_ROW_SHARE * len(spots)):
        return None
    left, top = row[:, :2].min(axis=0)
    right, bottom = (row[:, :2] + row[:, 2:4]).max(axis=0)
    return np.array([x0 + left, y0 + top, x0 + right, y0 + bottom])


def _inside(stats: Counts, white: Mask) -> Truths:
    """Tell which white spots do not touch the edge of the bar's box and are no taller than letters in it."""
    height, width = white.shape
    x, y = stats[:, 0], stats[:, 1]
    free = (x > 0) & (y > 0) & (x + stats[:, 2] < width) & (y + stats[:, 3] < height)
    return np.asarray(free & (stats[:, 3] <= LETTER_HEIGHT_SHARE[1] * height))
