"""Which way a scan lies, and which of its colours is the ink.

The letters of a page that lies upright stand in rows; hardly any do once it is turned by a quarter, or where its ink is
lighter than its paper. So both are asked only where few letters stand in rows, and trusted only where clearly more do
the other way.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from workers.parameters import BinarizationParameters
from workers.stages.binarization.letter_rows import Letters, Rows, letters_of, rows_of
from workers.stages.binarization.survey import estimate_text_size
from workers.stages.raster.arrays import Grey, Stats

MIN_UPRIGHT_SHARE = 0.4  # of the letters in rows: print has 0.55 to 0.95, pages on their side 0.0 to 0.17
MIN_IN_ROWS_SHARE = 0.15  # at least: a joined hand has 0.2
MIN_LETTERS_IN_ROWS = 60  # letters in rows that tell how a page lies; photographs have 46 at most
MIN_LIGHT_LETTERS_IN_ROWS = 150  # light ones; their bright spots, up to 95
MIN_TURNED_RATIO = 3.0  # times the share of letters in rows
MAX_DARK_GREY = 128  # grey level: where most of a scan is lighter, so is its paper
MIN_HEIGHT_DIFFERENCE_TS = 0.25  # the heights of a short and a tall letter differ by more
MIRRORED = [1, 0, 3, 2, 4]  # columns of component stats about the diagonal: x is y, width is height
SAMPLE_STEP_PX = 8  # one pixel in so many tells whether a scan is dark


def quarter_turns(stats: Stats, scale: float) -> int:
    """Return how many counter-clockwise quarter turns bring a page upright: 0, 1 or 3.

    Latin letters rise above their neighbours more often than they hang below them (at least 2.2 times as often in print
    and in hands), which tells the top of a page that lies on its side; an upright page is never turned upside down.

    Args:
        stats: of the components of the page, rows of x, y, width, height, area, the paper first.
        scale: text scale in pixels, 0.0 where there is nothing like text.
    """
    if scale == 0:
        return 0
    upright = letters_of(stats, scale)
    standing = _in_rows(upright, rows_of(upright, scale))
    if standing.share >= MIN_UPRIGHT_SHARE:
        return 0
    mirrored = letters_of(stats[:, MIRRORED], scale)
    rows = rows_of(mirrored, scale)
    if not _is_text(_in_rows(mirrored, rows), standing, MIN_LETTERS_IN_ROWS):
        return 0
    return 3 if _tops_differ(mirrored, rows, scale) else 1


def is_negative(grey: Grey, parameters: BinarizationParameters) -> bool:
    """Tell whether a dark scan (h, w) is a negative: light letters on dark paper, as on microfilm."""
    if np.median(grey[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX]) >= MAX_DARK_GREY:
        return False
    as_it_is = _either_way(grey, parameters)
    if as_it_is.share >= MIN_UPRIGHT_SHARE:
        return False
    return _is_text(_either_way(cv2.bitwise_not(grey), parameters), as_it_is, MIN_LIGHT_LETTERS_IN_ROWS)


class _InRows(NamedTuple):
    """How many letters stand in rows, as a share of all and as a number."""

    share: float
    number: int


def _is_text(seen: _InRows, otherwise: _InRows, enough: int) -> bool:
    """Tell whether letters stand in rows as those of a text do, and clearly more than when looked at otherwise."""
    return seen.number >= enough and seen.share >= max(MIN_IN_ROWS_SHARE, MIN_TURNED_RATIO * otherwise.share)


def _either_way(grey: Grey, parameters: BinarizationParameters) -> _InRows:
    """Return what stands in rows on a scan that lies upright or on its side, whichever is more."""
    look, _ = estimate_text_size(grey, parameters)
    if look.scale == 0:
        return _InRows(0.0, 0)
    stats = look.labelled.stats
    ways = [letters_of(turned, look.scale) for turned in (stats, stats[:, MIRRORED])]
    return max(_in_rows(letters, rows_of(letters, look.scale)) for letters in ways)


def _in_rows(letters: Letters, rows: Rows) -> _InRows:
    number = int(rows.letters[rows.long].sum())
    return _InRows(number / max(1, len(letters.left)), number)


def _tops_differ(letters: Letters, rows: Rows, scale: float) -> bool:
    """Tell whether neighbours of different height differ at their tops more often than at their feet."""
    counted = rows.long[rows.row[rows.letter]]
    one, other = rows.letter[counted], rows.neighbour[counted]
    above, below = np.abs(letters.top[one] - letters.top[other]), np.abs(letters.foot[one] - letters.foot[other])
    unlike = np.abs(above - below) > MIN_HEIGHT_DIFFERENCE_TS * scale
    return bool(np.count_nonzero(unlike & (above > below)) >= np.count_nonzero(unlike & (below > above)))
