"""Seeds of text lines: the bands between the upper and the lower edge of the letters' bodies."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.kraken_core.components import Mask
from workers.stages.kraken_core.filters import Float, gaussian, maximum, uniform

THRESHOLD = 0.2  # kraken's, of the strongest edge


def edge_strength(letters: Mask, scale: float) -> Float:
    """Return (h, w): how much darker it gets downwards (kraken's `compute_gradmaps`); its bottom is the negative."""
    blurred = gaussian(letters, (max(4, 0.3 * scale), scale), order=(1, 0))
    return uniform(blurred, (1, 6 * scale))


def line_seeds(strength: Float, separators: Mask, scale: float) -> Mask:
    """Return (h, w), 255 in the bands between top and bottom edges (kraken's `compute_line_seeds`)."""
    open_ground = cv2.bitwise_not(separators)
    bottom, top = np.maximum(-strength, 0), np.maximum(strength, 0)
    bottoms = _ridges(bottom, scale, THRESHOLD * THRESHOLD) & open_ground
    tops = _ridges(top, scale, THRESHOLD * THRESHOLD / 2) & open_ground
    bands = fill_bands(bottoms, maximum(tops, (1, 20)), scale)
    return maximum(bands, (1, int(1 + scale))) & open_ground


def _ridges(strength: Float, scale: float, threshold: float) -> Mask:
    """Return 255 around the local maxima of each column that exceed `threshold` of the greatest of all."""
    peaks = cv2.compare(strength, maximum(strength, (int(scale), 1)), cv2.CMP_EQ)
    strong = cv2.compare(strength, float(strength.max()) * threshold, cv2.CMP_GT)
    return maximum(peaks, (2, 2)) & strong


def fill_bands(bottoms: Mask, tops: Mask, scale: float) -> Mask:
    """Fill, column by column, from each bottom edge upwards.

    Every bottom edge fills max(3, scale / 2) pixels above it. If the next edge above is a top less than five scales
    away, all between is filled; the upper end of the page counts as a top.
    """
    height, width = bottoms.shape
    delta = max(3, int(scale / 2))
    marks = np.ascontiguousarray(cv2.transpose((bottoms & 1) | (tops & 2)))
    at = np.flatnonzero(marks)
    kind = marks.ravel()[at]
    column, y = np.divmod(at, height)
    first = np.ones(len(at), np.bool_)
    first[1:] = column[1:] != column[:-1]
    before = np.zeros_like(at)
    before[1:] = at[:-1]
    before[first] = column[first] * height
    top_before = np.ones(len(at), np.bool_)
    top_before[1:] = kind[:-1] == 2
    top_before |= first
    pair = (kind == 1) & top_before & (at - before < 5 * scale)
    change = np.zeros(marks.size + 1, np.int8)
    change[before[pair]] += 1
    change[at[pair]] -= 1
    filled = np.cumsum(change[:-1], dtype=np.int8).reshape(width, height)
    bands = cv2.transpose(filled.view(np.uint8)) * np.uint8(255)
    upper = bottoms.copy()
    upper[:delta] = 0
    del y
    lifted = np.zeros_like(bottoms)
    reach: NDArray[np.uint8] = cv2.dilate(upper, np.ones((delta, 1), np.uint8), anchor=(0, 0))
    lifted[:-1] = reach[1:]
    return bands | lifted
