"""Seeds of text lines: the bands between the upper and the lower edge of the letters' bodies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from workers.stages.kraken.filters import gaussian_kernel, maximum, minimum, uniform
from workers.stages.raster.arrays import Bits, Floats, Mask, Strength
from workers.stages.raster.bits import extended_up, packed, reached, row_stride, unpacked

EDGE_THRESHOLD_SHARE = 0.2  # kraken's, of the strongest edge
TOP_REACH_PX = 20  # columns over which kraken widens the upper edges
MAX_BAND_SCALES = 5  # scales
TILE_ROWS = 192  # rows worked on at a time, so that they stay in the cache
INTERPOLATED_STRIPS = 6  # strips that decide on the columns between them


def edge_strength(ink: Mask, letters: Mask, scale: float, strip: int) -> Strength:
    """Return (h, strips): how fast it gets darker downwards, averaged along the line, at each strip's first column.

    Kraken's `compute_gradmaps`: the derivative of a Gaussian down the page, a Gaussian and an average over six scales
    along the line; its `top` is the positive part, its `bottom` the negative one, both before they are normalised.
    The average comes first here, it is exact; what is left to filter is so smooth that strips are enough.

    Args:
        ink: (h, w) uint8, 0 is paper; w a multiple of `strip`.
        letters: (h, w) uint8, 255 within the boxes of letters: only their ink counts.
        scale: text size in pixels.
        strip: columns in a strip.
    """
    height, width = ink.shape
    averaged = np.empty((height, width // strip), np.float32)
    for start in range(0, height, TILE_ROWS):
        rows = slice(start, start + TILE_ROWS)
        along_line = uniform(cv2.bitwise_and(ink[rows], letters[rows]), (1, 6 * scale))
        averaged[rows] = cv2.resize(along_line, (width // strip, len(along_line)), interpolation=cv2.INTER_AREA)
    along, down = _kernel_for_strips(scale, strip), gaussian_kernel(max(4, 0.3 * scale), order=1)
    strength: Strength = cv2.sepFilter2D(averaged, cv2.CV_32F, along, down, borderType=cv2.BORDER_REFLECT)
    return strength


def _kernel_for_strips(sigma: float, strip: int) -> Strength:
    """Return the Gaussian that gives the value at a strip's first column from the averages of the strips around.

    The average over a strip has smoothed already; its variance is taken off.
    """
    reach = int(4 * sigma + 0.5) // strip + 1
    centre = strip * np.arange(-reach, reach + 1) + (strip - 1) / 2
    kernel: Floats = np.exp(-0.5 * centre**2 / (sigma**2 - (strip**2 - 1) / 12))
    return np.asarray(kernel / kernel.sum(), np.float32)


def line_seeds(strength: Strength, separators: Mask, scale: float, strip: int) -> Mask:
    """Return (h, w), 1 in the bands between top and bottom edges (kraken's `compute_line_seeds`).

    Args:
        strength: (h, strips), see `edge_strength`.
        separators: (h, w), 255 where no seed may be; w a multiple of 64.
        scale: text size in pixels.
        strip: columns in a strip.
    """
    bands = fill_bands(*_edges(strength, separators, scale, strip), scale)
    seeds = np.empty_like(separators)
    for start in range(0, len(seeds), TILE_ROWS):
        rows = slice(start, start + TILE_ROWS)
        wider = maximum(unpacked(bands[rows], separators.shape[1]), (1, int(1 + scale)))
        seeds[rows] = cv2.subtract(wider, separators[rows])
    return seeds


def _edges(strength: Strength, separators: Mask, scale: float, strip: int) -> tuple[Bits, Bits]:
    """Return the lower edges and the upper ones, these widened along the line, where no separator is."""
    least, greatest, _, _ = cv2.minMaxLoc(strength)
    between = [_between(column / strip) for column in range(1, strip)]
    margin = int(scale) + 1
    bottoms, tops = np.empty((2, len(separators), row_stride(separators.shape[1]) // 64), np.uint64)
    for start in range(0, len(separators), TILE_ROWS):
        above = min(start, margin)
        rows = strength[start - above : start + TILE_ROWS + margin]
        columns = [rows, *(cv2.filter2D(rows, -1, kernel, borderType=cv2.BORDER_REFLECT) for kernel in between)]
        inner, outer = slice(above, above + TILE_ROWS), slice(start, start + TILE_ROWS)
        lower = _strong_extrema(columns, minimum, int(scale), cv2.CMP_LT, least * EDGE_THRESHOLD_SHARE**2)[inner]
        upper = _strong_extrema(columns, maximum, int(scale), cv2.CMP_GT, greatest * EDGE_THRESHOLD_SHARE**2 / 2)[inner]
        bottoms[outer] = packed(cv2.subtract(lower, separators[outer]))
        tops[outer] = packed(maximum(cv2.subtract(upper, separators[outer]), (1, TOP_REACH_PX)))
    return bottoms, tops


def _strong_extrema(
    columns: Sequence[Strength], extreme: Callable[..., Strength], window: int, stronger: int, threshold: float
) -> Mask:
    """Return (rows, w) 255 on the extrema of each column, widened to the pixels below and to the right, where strong.

    Args:
        columns: the first, second, ... columns of all strips, (rows, strips) each.
        extreme: `minimum` or `maximum`.
        window: rows among which an extremum is the greatest.
        stronger: how OpenCV compares a strong edge with `threshold`.
        threshold: of the strength.
    """
    peaks = [maximum(cv2.compare(column, extreme(column, (window, 1)), cv2.CMP_EQ), (2, 1)) for column in columns]
    left = [np.roll(peaks[-1], 1, axis=1), *peaks[:-1]]
    left[0][:, 0] = 0
    found = [
        cv2.bitwise_and(cv2.bitwise_or(peak, beside), cv2.compare(column, threshold, stronger))
        for peak, beside, column in zip(peaks, left, columns, strict=True)
    ]
    return cv2.merge(found).reshape(len(found[0]), -1)


def _between(place: float) -> Strength:
    """Return the kernel (1, 6) that interpolates at `place`, 0 to 1, between a strip and the next (Lagrange)."""
    nodes = np.arange(INTERPOLATED_STRIPS) - (INTERPOLATED_STRIPS - 1) // 2
    weights = np.array([math.prod((place - b) / (a - b) for b in nodes if b != a) for a in nodes])
    return np.append(0, weights)[None].astype(np.float32)  # seven long, so that its middle is the strip itself


def lowest_fill(scale: float) -> int:
    """Return how many pixels above each bottom edge are filled whatever is there: the least height of a band."""
    return max(3, int(scale / 2))


def fill_bands(bottoms: Bits, tops: Bits, scale: float) -> Bits:
    """Fill, column by column, from each bottom edge upwards: (h, words).

    Every bottom edge fills max(3, scale / 2) pixels above it, if the page reaches that far. If the next edge above is
    a top less than five scales away, all between is filled; the upper end of the page counts as a top.
    """
    ground = ~(bottoms | tops)
    only_tops = tops & ~bottoms
    only_tops[0] |= ground[0]
    furthest = math.ceil(MAX_BAND_SCALES * scale) - 1
    under_a_top = reached(only_tops, ground, furthest)
    paired = bottoms & ~tops
    paired[0] = 0
    paired[1:] &= under_a_top[:-1]
    upwards = reached(paired[::-1], ground[::-1], furthest)[::-1]
    bands = upwards & ground
    bands[:-1] |= only_tops[:-1] & upwards[1:]
    high_enough = bottoms.copy()
    high_enough[: lowest_fill(scale)] = 0
    return bands | extended_up(high_enough, lowest_fill(scale))
