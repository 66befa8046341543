"""From seeds to boxes: every letter goes to the seed it touches, what remains to the nearest seed."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.kraken_core.boxes import Boxes, Indices, groups, meeting_pairs, paint, ragged
from workers.stages.kraken_core.components import Labels, Mask
from workers.stages.kraken_core.seeds import TILE, lowest_fill
from workers.stages.kraken_core.strips import as_words

FAR = np.iinfo(np.int32).max


def line_boxes(ink: Mask, letters: Boxes, seeds: Mask, scale: float) -> NDArray[np.int32]:
    """Return (n, 4) x_min, y_min, x_max, y_max of the ink of each seed, in the order of the seeds' first pixels.

    Letters whose boxes meet are one; if they touch one seed, they belong to it. Other ink, and letters that touch
    several seeds, belong to the nearest seed less than `scale` away. Lines less than two scales wide or one high
    are dropped. (kraken's `propagate_labels`, `spread_labels` and `compute_lines`.)

    Args:
        ink: (h, w) uint8, contiguous, w a multiple of 4.
        letters: (m, 4) x, y, width, height of the letters' boxes.
        seeds: (h, w) uint8, contiguous.
        scale: text size in pixels.
    """
    count, labels = cv2.connectedComponents(seeds, connectivity=4, ltype=cv2.CV_32S)
    owner = owners_of_letters(letters, labels, scale)
    unclaimed = ink.copy()
    paint(unclaimed, letters[owner > 0], 0)
    x, y, nearest = _nearest_seeds(unclaimed, seeds, labels, scale)
    left, top, width, height = letters.T
    bounds = _bounds(
        count,
        np.concatenate([owner, nearest]),
        np.concatenate([left, x]),
        np.concatenate([top, y]),
        np.concatenate([left + width, x + 1]),
        np.concatenate([top + height, y + 1]),
    )
    wide = (bounds[:, 2] - bounds[:, 0] >= 2 * scale) & (bounds[:, 3] - bounds[:, 1] >= scale)
    return bounds[wide & (bounds[:, 2] > 0)]


def owners_of_letters(letters: Boxes, labels: Labels, scale: float) -> Labels:
    """Return (m,): the label of the only seed that a letter, or a letter that hangs together with it, touches, else 0.

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
    seed = labels[y, x]
    touching = np.flatnonzero(seed)
    seed, touched = seed[touching], group[letter[touching]]
    owner = np.zeros(len(letters), np.int32)
    owner[touched] = seed
    owner[touched[owner[touched] != seed]] = 0
    return owner[group]


def _nearest_seeds(ink: Mask, seeds: Mask, labels: Labels, scale: float) -> tuple[Labels, Labels, Labels]:
    """Return x, y and the label of the nearest seed, for each pixel of ink that has one closer than `scale`.

    The distance is exact: down the columns first, then along the row.
    """
    reach = math.ceil(scale) - 1
    rows_away = cv2.copyMakeBorder(_rows_to_next(seeds, reach), 0, 0, reach, reach, cv2.BORDER_CONSTANT, value=255)
    x, y = _pixels_near(ink, cv2.erode(rows_away, np.ones((1, 2 * reach + 1), np.uint8))[:, reach:-reach], reach)
    windows = np.lib.stride_tricks.sliding_window_view(rows_away.ravel(), 2 * reach + 1)
    squares = np.minimum(np.arange(256, dtype=np.int64) ** 2, 1 << 14).astype(np.uint16)
    aside = np.arange(-reach, reach + 1)
    away = windows[y * rows_away.shape[1] + x]
    distance = squares[away] + (aside**2).astype(np.uint16)
    best = distance.argmin(axis=1)
    close = np.flatnonzero(distance[np.arange(len(x)), best] < scale**2)
    x, y, best = x[close], y[close], best[close]
    column, rows = x + aside[best], away[close, best].astype(np.intp)
    above = labels[np.maximum(y - rows, 0), column]
    return x, y, np.where(above > 0, above, labels[np.minimum(y + rows, len(labels) - 1), column])


def _pixels_near(ink: Mask, rows_away: Mask, reach: int) -> tuple[Indices, Indices]:
    """Return x and y of the pixels of `ink` that have a seed within `reach`, looked for word by word."""
    words = as_words(cv2.bitwise_and(ink, cv2.compare(rows_away, reach, cv2.CMP_LE)))
    at = np.flatnonzero(words)
    place, offset = np.nonzero(words.ravel()[at].view(np.uint8).reshape(-1, words.itemsize))
    y, column = np.divmod(at, words.shape[1])
    return (column * words.itemsize)[place] + offset, y[place]


def _rows_to_next(seeds: Mask, reach: int) -> Mask:
    """Return (h, w): how many rows the next seed is above or below; 255 where that is beyond `reach`."""
    height = len(seeds)
    away = np.empty_like(seeds)
    for start in range(0, height, TILE):
        first, last = max(0, start - 2 * reach), min(height, start + TILE + 2 * reach)
        distance = cv2.compare(seeds[first:last], 0, cv2.CMP_EQ)
        step = 1
        while step <= reach and step < len(distance):
            down, up = cv2.add(distance[:-step], step), cv2.add(distance[step:], step)
            np.minimum(distance[step:], down, out=distance[step:])
            np.minimum(distance[:-step], up, out=distance[:-step])
            step *= 2
        away[start : start + TILE] = distance[start - first :][:TILE]
    return away


def _bounds(
    count: int, owner: Labels, x_min: Indices, y_min: Indices, x_max: Indices, y_max: Indices
) -> NDArray[np.int32]:
    """Return for the owners 1 to `count` - 1 the box around all that they own, x_max 0 for none: (count - 1, 4)."""
    start, end = np.full((2, count), FAR, np.int32), np.zeros((2, count), np.int32)
    for axis, (low, high) in enumerate(((x_min, x_max), (y_min, y_max))):
        np.minimum.at(start[axis], owner, low.astype(np.int32))
        np.maximum.at(end[axis], owner, high.astype(np.int32))
    return np.stack([start[0], start[1], end[0], end[1]], axis=1)[1:]
