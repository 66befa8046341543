"""Which column a line stands in, and how many columns a page has: the one definition of both."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Floats

MIN_APART_SHARE = 0.02  # of the page's width: separators nearer to each other are the two sides of one rule


def number_columns(lines: Boxes, separators: Boxes, width: int, right_to_left: bool) -> tuple[Counts, int]:
    """Return the column of each line, from 1 in the direction of reading, and how many the page has.

    A line's column is its place between the separators that pass beside it at its height; a separator counts where
    lines stand on both of its sides. The page has as many columns as there are side by side where most are.

    Args:
        lines: (n, 4) boxes on the upright page.
        separators: (m, 4) boxes on the upright page.
        width: of the upright page, in the same pixels.
        right_to_left: the first column is the rightmost.
    """
    if not len(lines):
        return np.zeros(0, np.int64), 0
    middle_x, middle_y = (lines[:, 0] + lines[:, 2]) / 2, (lines[:, 1] + lines[:, 3]) / 2
    parting = _parting(lines, separators)
    beside = (parting[:, 1] <= middle_y[:, None]) & (middle_y[:, None] < parting[:, 3])
    at = (parting[:, 0] + parting[:, 2]) / 2
    before, passing = (
        np.array([_distinct(at[chosen], MIN_APART_SHARE * width) for chosen in which], np.int64)
        for which in (beside & (at < middle_x[:, None]), beside)
    )
    return 1 + (passing - before if right_to_left else before), int(passing.max()) + 1


def _parting(lines: Boxes, separators: Boxes) -> Boxes:
    """Return the separators that have a line on either side."""
    at = (separators[:, 0] + separators[:, 2])[:, None] / 2
    middle_y = (lines[:, 1] + lines[:, 3]) / 2
    level = (separators[:, 1:2] <= middle_y) & (middle_y < separators[:, 3:4])
    middle_x = (lines[:, 0] + lines[:, 2]) / 2
    left, right = (level & (middle_x < at)).any(axis=1), (level & (middle_x > at)).any(axis=1)
    return separators[left & right]


def _distinct(places: Floats, apart: float) -> int:
    """Return how many of the places lie further than `apart` from the one before."""
    if not len(places):
        return 0
    return 1 + int(np.count_nonzero(np.diff(np.sort(places)) > apart))
