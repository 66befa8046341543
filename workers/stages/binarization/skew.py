"""How far a page is turned, measured on its rows of letters.

A straight line is laid through the feet of each row, and the median of their slopes is the skew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workers.stages.binarization.letter_rows import Letters, letters_of, rows_of
from workers.stages.binarization.text_size import weighted_median
from workers.stages.raster.arrays import Stats

MAX_SKEW_DEGREES = 8.0  # links would lead from line to line beyond this
MIN_REMEASURED_DEGREES = 1.0  # degrees: turned by more than this, a page is measured again when it is nearly straight
MAX_SPREAD_DEGREES = 1.5  # degrees: where the slopes differ by more, there are no lines


def skew_degrees(stats: Stats, scale: float) -> float:
    """Return by how many degrees the text lines fall to the right (positive: clockwise), 0 where there are none.

    Args:
        stats: of the components of the page, rows of x, y, width, height, area, the paper first.
        scale: text scale in pixels.
    """
    letters = letters_of(stats, scale)
    degrees = _median_slope(letters, scale)
    if abs(degrees) > MIN_REMEASURED_DEGREES:
        fall = np.tan(np.radians(degrees)) * letters.middle
        degrees += _median_slope(replace(letters, top=letters.top - fall, foot=letters.foot - fall), scale)
    return degrees if abs(degrees) <= MAX_SKEW_DEGREES else 0.0


def _median_slope(letters: Letters, scale: float) -> float:
    """Return the median of the slopes of the rows in degrees, each with the weight of its length."""
    rows = rows_of(letters, scale)
    if not rows.long.any():
        return 0.0
    row = rows.row
    across = letters.middle - (np.bincount(row, letters.middle) / rows.letters)[row]
    down = letters.foot - (np.bincount(row, letters.foot) / rows.letters)[row]
    slopes = (np.bincount(row, across * down) / np.maximum(np.bincount(row, across * across), 1.0))[rows.long]
    degrees, length = np.degrees(np.arctan(slopes)), rows.length[rows.long]
    median = weighted_median(degrees, length)
    return median if weighted_median(np.abs(degrees - median), length) <= MAX_SPREAD_DEGREES else 0.0
