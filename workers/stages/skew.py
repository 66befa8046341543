"""How far a page is turned, measured on its lines of letters.

Each letter is linked with the next one on its right (links between nearest neighbours: O'Gorman, "The Document Spectrum
for Page Layout Analysis", 1993); a straight line is laid through the feet of each chain, and the median of their slopes
is the skew. Columns that are out of step, rules, pictures and borders have no part in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from workers.stages.kraken_core.runs import Stats
from workers.stages.text_size import is_text, weighted_median

Places = NDArray[np.int64]
Floats = NDArray[np.float64]

LIMIT_DEGREES = 8.0  # links would lead from line to line beyond this
HEIGHT = (0.5, 2.5)  # text scales: of letters; what is lower are stops and accents
NEXT = 2.0  # text scales: the widest space between letters of a line
LEVEL = 0.5  # share of the lower letter's height that neighbours have in common
STEP = 0.25  # text scales: so near to each other are their feet, or their tops
ALIKE = 2.5  # greatest ratio of heights of neighbours
BAND = 0.5  # text scales: letters are looked up in bands of this height
LETTERS = 8  # of a chain that tells a slope
LONG = 8.0  # text scales: its least length
STEEP = 1.0  # degrees: turned by more than this, a page is measured again when it is nearly straight
SPREAD = 1.5  # degrees: where the slopes differ by more, there are no lines


def skew_degrees(stats: Stats, scale: float) -> float:
    """Return by how many degrees the text lines fall to the right (positive: clockwise), 0 where there are none.

    Args:
        stats: of the components of the page, rows of x, y, width, height, area, the paper first.
        scale: text scale in pixels.
    """
    text = stats[is_text(stats, scale)].astype(np.int64)
    low, high = (factor * scale for factor in HEIGHT)
    x, y, width, height, _ = text[(text[:, 3] >= low) & (text[:, 3] <= high)].T
    middle, foot = x + width / 2.0, (y + height).astype(np.float64)
    degrees = _median_slope(x, width, height, middle, foot, scale)
    if abs(degrees) > STEEP:
        straight = foot - np.tan(np.radians(degrees)) * middle
        degrees += _median_slope(x, width, height, middle, straight, scale)
    return degrees if abs(degrees) <= LIMIT_DEGREES else 0.0


def _median_slope(x: Places, width: Places, height: Places, middle: Floats, foot: Floats, scale: float) -> float:
    """Return the median of the slopes of the lines in degrees, each with the weight of its length.

    Args:
        x: left edges of the letters.
        width: of the letters.
        height: of the letters.
        middle: where they stand.
        foot: and how low.
        scale: text scale in pixels.
    """
    count = len(x)
    if count < LETTERS:
        return 0.0
    letter, following = _next_letters(x, x + width, foot - height, foot, scale)
    links = coo_matrix((np.ones(len(letter)), (letter, following)), shape=(count, count))
    line = connected_components(links, directed=False)[1]
    letters = np.bincount(line)
    across = middle - (np.bincount(line, middle) / letters)[line]
    down = foot - (np.bincount(line, foot) / letters)[line]
    left, right = np.full(len(letters), np.inf), np.full(len(letters), -np.inf)
    np.minimum.at(left, line, middle)
    np.maximum.at(right, line, middle)
    length = right - left
    chosen = (letters >= LETTERS) & (length >= LONG * scale)
    if not chosen.any():
        return 0.0
    slopes = (np.bincount(line, across * down) / np.maximum(np.bincount(line, across * across), 1.0))[chosen]
    degrees = np.degrees(np.arctan(slopes))
    median = weighted_median(degrees, length[chosen])
    return median if weighted_median(np.abs(degrees - median), length[chosen]) <= SPREAD else 0.0


def _next_letters(left: Places, right: Places, top: Floats, foot: Floats, scale: float) -> tuple[Places, Places]:
    """Return the letters that have another on their right in the same line, and that one.

    Letters are sorted by bands of rows and by their left edges, so that the next one of a band is found by bisection.
    """
    height = foot - top
    band = np.floor((top + foot) / 2 / (BAND * scale)).astype(np.int64)
    band -= band.min() - 1
    stride = int(right.max() + NEXT * scale) + 2
    order = np.argsort(band * stride + left)
    place = (band * stride + left)[order]
    best, nearest = np.full(len(left), -1), np.full(len(left), np.iinfo(np.int64).max)
    for aside in (-1, 0, 1):
        at = np.searchsorted(place, (band + aside) * stride + left, side="right")
        other = order[np.minimum(at, len(order) - 1)]
        common = np.minimum(foot, foot[other]) - np.maximum(top, top[other])
        lower, taller = np.minimum(height, height[other]), np.maximum(height, height[other])
        fits = (at < len(order)) & (band[other] == band + aside) & (left[other] - right <= NEXT * scale)
        fits &= (common >= LEVEL * lower) & (taller <= ALIKE * lower) & (left[other] < nearest)
        step = np.minimum(np.abs(foot - foot[other]), np.abs(top - top[other]))
        fits &= step <= STEP * scale  # a letter of the next column is seldom level
        best[fits], nearest[fits] = other[fits], left[other][fits]
    letter = np.flatnonzero(best >= 0)
    return letter, best[letter]
