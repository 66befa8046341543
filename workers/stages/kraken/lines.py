"""From seeds to boxes: every letter goes to the seed it touches, what remains to the nearest seed."""

from __future__ import annotations

import math

import cv2
import numpy as np

from workers.stages.kraken.boxes import meeting_pairs, paint
from workers.stages.kraken.seeds import TILE_ROWS, lowest_fill
from workers.stages.kraken.strips import as_words
from workers.stages.raster.arrays import Indices, IntBoxes, Mask, Rectangles
from workers.stages.raster.groups import groups, ragged
from workers.stages.raster.labelling import Labelled, label_sparse

MAX_DISTANCE_PX = (
    180  # pixels, so that squared distances fit into 16 bits: nearest seeds of text larger than this are cut off
)
UNREACHED = 255


def line_boxes(ink: Mask, within: Mask, letters: Rectangles, seeds: Mask, scale: float) -> IntBoxes:
    """Return (n, 4) x_min, y_min, x_max, y_max of the ink of each seed, in the order of the seeds' first pixels.

    Letters whose boxes meet are one; if they touch one seed, they belong to it. Other ink, and letters that touch
    several seeds, belong to the nearest seed less than `scale` away. Lines less than two scales wide or one high
    are dropped. (kraken's `propagate_labels`, `spread_labels` and `compute_lines`.)

    Args:
        ink: (h, w) uint8, 0 is paper; contiguous, w a multiple of 8.
        within: (h, w) uint8, 255 within the letters' boxes. Used up: those of nobody are taken out.
        letters: (m, 4) x, y, width, height of the letters' boxes.
        seeds: (h, w) uint8, contiguous.
        scale: text size in pixels.
    """
    bands = label_sparse(seeds, diagonal=False)
    owner = owners_of_letters(letters, seeds, bands, scale)
    paint(within, letters[owner == 0], 0)  # they meet no letter that has an owner
    left_over = cv2.subtract(ink, within)
    lines = LineBounds(len(bands.stats) - 1)
    left, top, width, height = letters.T
    lines.take_in(owner, left, top, left + width, top + height)
    for start in range(0, len(ink), TILE_ROWS):
        x, y, nearest = _nearest_seeds(left_over, seeds, bands, range(start, min(start + TILE_ROWS, len(ink))), scale)
        lines.take_in(nearest, x, y, x + 1, y + 1)
    return lines.boxes(min_width=2 * scale, min_height=scale)


def owners_of_letters(letters: Rectangles, seeds: Mask, bands: Labelled, scale: float) -> Indices:
    """Return (m,): the label of the only seed that a letter, or a letter that hangs together with it, touches, else 0.

    `bands` are the components of `seeds` (h, w).
    Bands are at least `lowest_fill` pixels high and wider than that, so a grid of this width finds them in a box.
    """
    group = groups(len(letters), *meeting_pairs(letters))
    step = lowest_fill(scale)
    left, top, width, height = letters.T
    columns, rows = -(-(width - 1) // step) + 1, -(-(height - 1) // step) + 1
    letter, place = ragged(columns * rows)
    row, column = np.divmod(place, columns[letter])
    y = top[letter] + np.minimum(row * step, height[letter] - 1)
    x = left[letter] + np.minimum(column * step, width[letter] - 1)
    touching = np.flatnonzero(seeds[y, x])
    seed, touched = bands.at(y[touching], x[touching]), group[letter[touching]]
    owner = np.zeros(len(letters), np.intp)
    owner[touched] = seed
    owner[touched[owner[touched] != seed]] = 0
    return owner[group]


def _nearest_seeds(
    ink: Mask, seeds: Mask, bands: Labelled, rows: range, scale: float
) -> tuple[Indices, Indices, Indices]:
    """Return x, y and the label of the nearest seed for the ink in `rows` that has one closer than `scale`.

    The distance is exact: down the columns first, then along the row.
    """
    reach = min(math.ceil(scale) - 1, MAX_DISTANCE_PX)
    away = _rows_to_next(seeds, rows, reach)
    x, y = _pixels_near(ink[rows.start : rows.stop], away, reach)
    away = cv2.copyMakeBorder(away, 0, 0, reach, reach, cv2.BORDER_CONSTANT, value=UNREACHED)
    beside = np.lib.stride_tricks.sliding_window_view(away.ravel(), 2 * reach + 1)[y * away.shape[1] + x]
    squares = np.arange(UNREACHED + 1, dtype=np.uint16) ** 2
    squares[reach + 1 :] = MAX_DISTANCE_PX**2 + 1
    steps = np.arange(-reach, reach + 1)
    distance = squares[beside] + (steps**2).astype(np.uint16)
    best = distance.argmin(axis=1)
    # scales are square roots of areas: squared again, they would not equal distances that are equal to them
    close = np.flatnonzero(np.sqrt(distance[np.arange(len(x)), best], dtype=np.float64) < scale)
    x, y, best, down = x[close], y[close] + rows.start, best[close], beside[close, best[close]].astype(np.intp)
    above = bands.at(np.maximum(y - down, 0), x + steps[best])
    below = bands.at(np.minimum(y + down, len(seeds) - 1), x + steps[best])
    return x, y, np.where(above > 0, above, below)


def _pixels_near(ink: Mask, away: Mask, reach: int) -> tuple[Indices, Indices]:
    """Return x and y of the pixels of `ink` with a seed at most `reach` aside and at most `reach` above or below."""
    closest = cv2.erode(away, np.ones((1, 2 * reach + 1), np.uint8))
    words = as_words(cv2.bitwise_and(ink, cv2.compare(closest, reach, cv2.CMP_LE)))
    at = np.flatnonzero(words)
    place, offset = np.nonzero(words.ravel()[at].view(np.uint8).reshape(-1, words.itemsize))
    y, column = np.divmod(at[place], words.shape[1])
    return column * words.itemsize + offset, y


def _rows_to_next(seeds: Mask, rows: range, reach: int) -> Mask:
    """Return (rows, w): how many rows the next seed is above or below; more than `reach` where it is beyond that."""
    first, last = max(0, rows.start - 2 * reach), min(len(seeds), rows.stop + 2 * reach)
    distance: Mask = cv2.compare(seeds[first:last], 0, cv2.CMP_EQ)  # 255: UNREACHED
    step = 1
    while step <= reach and step < len(distance):
        down, up = cv2.add(distance[:-step], step), cv2.add(distance[step:], step)
        np.minimum(distance[step:], down, out=distance[step:])
        np.minimum(distance[:-step], up, out=distance[:-step])
        step *= 2
    return distance[rows.start - first : rows.stop - first]


class LineBounds:
    """The boxes of lines 1 to `count` while ink is still given to them."""

    def __init__(self, count: int) -> None:
        self._start = np.full((2, count + 1), np.iinfo(np.int32).max, np.int32)
        self._end = np.zeros((2, count + 1), np.int32)

    def take_in(self, owner: Indices, x_min: Indices, y_min: Indices, x_max: Indices, y_max: Indices) -> None:
        """Widen the lines by boxes that belong to them; `owner` 0 is nobody's."""
        for axis, (low, high) in enumerate(((x_min, x_max), (y_min, y_max))):
            np.minimum.at(self._start[axis], owner, low.astype(np.int32))
            np.maximum.at(self._end[axis], owner, high.astype(np.int32))

    def boxes(self, min_width: float, min_height: float) -> IntBoxes:
        """Return (n, 4) x_min, y_min, x_max, y_max of the lines that have ink and are not smaller than this."""
        start, end = self._start[:, 1:], self._end[:, 1:]
        inked = end[0] > 0
        large = (end[0] - min_width >= start[0]) & (end[1] - min_height >= start[1])
        return np.concatenate([start, end])[:, inked & large].T.copy()
