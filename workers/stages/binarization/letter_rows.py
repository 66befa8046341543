"""Letters that follow each other in rows: what tells where the text of a page leads, before any line is found.

Each letter is linked with the next one on its right (links between nearest neighbours: O'Gorman, "The Document Spectrum
for Page Layout Analysis", 1993); linked letters are a row. Columns that are out of step, rules, pictures and borders
have no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.stages.binarization.text_size import is_text
from workers.stages.raster.arrays import Floats, Places, Stats, Truths
from workers.stages.raster.groups import numbered_groups

LETTER_HEIGHT_TS = (0.5, 2.5)  # of letters; what is lower are stops and accents
MAX_SPACE_TS = 2.0  # the widest space between letters of a row
MIN_COMMON_SHARE = 0.5  # of the lower letter's height that neighbours have in common
MAX_UNEVEN_TS = 0.25  # so near to each other are their feet, or their tops
MAX_NEIGHBOUR_HEIGHT_RATIO = 2.5  # greatest ratio of heights of neighbours
BAND_TS = 0.5  # letters are looked up in bands of this height
MIN_ROW_LETTERS = 8  # of a row that counts
MIN_ROW_TS = 8.0  # its least length


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of a page, (n,) each: left and right edges, tops and feet, in pixels."""

    left: Places
    right: Places
    top: Floats
    foot: Floats

    @property
    def middle(self) -> Floats:
        """Where they stand."""
        return (self.left + self.right) / 2.0


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of letters.

    Attributes:
        letter: (k,) the letters that have a neighbour on their right.
        neighbour: (k,) that neighbour.
        row: (n,) for each letter the number of its row.
        letters: (m,) of each row.
        long: (m,) whether a row has enough letters, and is long enough, to count.
        length: (m,) in pixels.
    """

    letter: Places
    neighbour: Places
    row: Places
    letters: Places
    long: Truths
    length: Floats


def letters_of(stats: Stats, scale: float) -> Letters:
    """Return what has the size of letters.

    Args:
        stats: of the components of the page, rows of x, y, width, height, area, the paper first.
        scale: text scale in pixels.
    """
    text = stats[is_text(stats, scale)].astype(np.int64)
    low, high = (factor * scale for factor in LETTER_HEIGHT_TS)
    x, y, width, height, _ = text[(text[:, 3] >= low) & (text[:, 3] <= high)].T
    return Letters(x, x + width, y.astype(np.float64), (y + height).astype(np.float64))


def rows_of(letters: Letters, scale: float) -> Rows:
    """Return the rows in which at least one letter stands; `scale` is the text scale in pixels."""
    letter, neighbour = _next_letters(letters, scale)
    row = numbered_groups(len(letters.left), letter, neighbour)
    number = np.bincount(row)
    first, last = np.full(len(number), np.inf), np.full(len(number), -np.inf)
    np.minimum.at(first, row, letters.middle)
    np.maximum.at(last, row, letters.middle)
    length = last - first
    return Rows(letter, neighbour, row, number, (number >= MIN_ROW_LETTERS) & (length >= MIN_ROW_TS * scale), length)


def _next_letters(letters: Letters, scale: float) -> tuple[Places, Places]:
    """Return the letters that have another on their right in the same row, and that one.

    Letters are sorted by bands of rows and by their left edges, so that the next one of a band is found by bisection.
    """
    left, right, top, foot = letters.left, letters.right, letters.top, letters.foot
    if not len(left):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    height = foot - top
    band = np.floor((top + foot) / 2 / (BAND_TS * scale)).astype(np.int64)
    band -= band.min() - 1
    stride = int(right.max() + MAX_SPACE_TS * scale) + 2
    order = np.argsort(band * stride + left)
    place = (band * stride + left)[order]
    best, nearest = np.full(len(left), -1), np.full(len(left), np.iinfo(np.int64).max)
    for aside in (-1, 0, 1):
        at = np.searchsorted(place, (band + aside) * stride + left, side="right")
        other = order[np.minimum(at, len(order) - 1)]
        common = np.minimum(foot, foot[other]) - np.maximum(top, top[other])
        lower, taller = np.minimum(height, height[other]), np.maximum(height, height[other])
        fits = (at < len(order)) & (band[other] == band + aside) & (left[other] - right <= MAX_SPACE_TS * scale)
        fits &= (
            (common >= MIN_COMMON_SHARE * lower)
            & (taller <= MAX_NEIGHBOUR_HEIGHT_RATIO * lower)
            & (left[other] < nearest)
        )
        step = np.minimum(np.abs(foot - foot[other]), np.abs(top - top[other]))
        fits &= step <= MAX_UNEVEN_TS * scale  # a letter of the next column is seldom level
        best[fits], nearest[fits] = other[fits], left[other][fits]
    letter = np.flatnonzero(best >= 0)
    return letter, best[letter]
