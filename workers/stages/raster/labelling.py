"""A mask as runs: the stretches of each row that are inked.

A page of text has thirty pixels for each of its runs, a page of rules some thousands. What is asked of every pixel of a
component (its box, its area) is asked of its runs here, and what is sparse is labelled by its runs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from workers.stages.raster.arrays import Bits, Indices, Mask, Stats, Truths, Window
from workers.stages.raster.bits import WORD_BITS, WORD_SHIFT, filled_between, packed, unpacked
from workers.stages.raster.groups import groups, numbered, ragged

STRIP_ROWS = 128  # rows labelled at a time


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a mask, row after row, each row from left to right.

    Attributes:
        start, end: (n,) first pixel and one past the last, on rows laid end to end, `stride` pixels each.
        stride: more than the mask is wide, so that no run reaches the next row.
    """

    start: Indices
    end: Indices
    stride: int

    @property
    def row(self) -> Indices:
        """Return the row of each run."""
        return self.start // self.stride

    def chosen(self, which: Truths) -> Runs:
        """Return the runs that are True in `which`."""
        at = np.flatnonzero(which)
        return Runs(self.start[at], self.end[at], self.stride)

    def closed(self, gap: int) -> Runs:
        """Return the runs with those of a row joined that are less than `gap` pixels apart."""
        row = self.row
        apart = (self.start[1:] - self.end[:-1] >= gap) | (row[1:] != row[:-1])
        if not len(row):
            return self
        return Runs(self.start[np.append(True, apart)], self.end[np.append(apart, True)], self.stride)

    def bits(self, height: int) -> Bits:
        """Return (height, words), 1 on the runs."""
        change = np.zeros(height * self.stride // WORD_BITS, np.uint64)
        for place in (self.start, self.end):  # no two of them are the same, so that adding sets bits
            np.add.at(change, place >> WORD_SHIFT, np.uint64(1) << (place & (WORD_BITS - 1)).astype(np.uint64))
        return filled_between(change).reshape(height, -1)


def runs_of(mask: Mask) -> Runs:
    """Return the runs of the pixels of `mask` (h, w) that are not 0."""
    return runs_of_bits(packed(mask))


def runs_of_bits(rows: Bits) -> Runs:
    """Return the runs of a mask given as bits, the last of each row 0."""
    bits = rows.ravel()
    change = bits << np.uint64(1)
    change[1:] |= bits[:-1] >> np.uint64(WORD_BITS - 1)
    change ^= bits
    at = np.flatnonzero(change)
    inside = np.flatnonzero(np.unpackbits(change[at].view(np.uint8), bitorder="little").view(bool))
    place = inside + ((at - np.arange(len(at))) << WORD_SHIFT)[inside >> WORD_SHIFT]
    return Runs(place[::2], place[1::2], rows.shape[1] * WORD_BITS)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The connected components of a mask.

    Attributes:
        runs: of the mask.
        label: (n,) the component of each run, from 1.
        stats: (m, 5) int32 x, y, width, height, area; row 0 is the paper.
        shape: of the mask.
    """

    runs: Runs
    label: Indices
    stats: Stats
    shape: tuple[int, ...]

    def mask(self, chosen: Truths) -> Mask:
        """Return (h, w), 1 on the components that are True in `chosen`."""
        return unpacked(self.bits(chosen), self.shape[1])

    def bits(self, chosen: Truths) -> Bits:
        """Return the same as bits."""
        return self.runs.chosen(chosen[self.label]).bits(self.shape[0])

    def at(self, y: Indices, x: Indices) -> Indices:
        """Return the labels of pixels, 0 on paper."""
        return self.of(y * self.runs.stride + x)

    def of(self, place: Indices) -> Indices:
        """Return the labels of pixels, 0 on paper, given where they lie on rows of the runs' stride."""
        run = np.searchsorted(self.runs.start, place, side="right") - 1
        inside = (run >= 0) & (place < np.append(self.runs.end, 0)[run])
        return np.where(inside, np.append(self.label, 0)[run], 0)

    def windows(self, chosen: Indices) -> Iterator[Window]:
        """Yield for each of the components its box (height, width), True on its pixels."""
        by_label = np.argsort(self.label, kind="stable")
        bounds = np.searchsorted(self.label[by_label], np.stack([chosen, chosen + 1], axis=1))
        for label, (first, last) in zip(chosen.tolist(), bounds.tolist(), strict=True):
            x, y, width, height, _ = self.stats[label].tolist()
            own = by_label[first:last]
            row, left = np.divmod(self.runs.start[own], self.runs.stride)
            change = np.zeros((height, width + 1), np.int8)
            change[row - y, left - x] = 1
            change[row - y, left - x + self.runs.end[own] - self.runs.start[own]] = -1
            yield np.cumsum(change, axis=1, dtype=np.int8)[:, :-1].view(np.bool_)


def label_dense(mask: Mask, *, diagonal: bool = True) -> Labelled:
    """Label the pixels of `mask` (h, w) that are not 0; those that share a corner only hang together if `diagonal`.

    For a page of text. OpenCV labels the pixels of a strip of rows at a time, so that they stay in the cache, and the
    strips are joined. It would measure every pixel, which takes longer than labelling them: runs are measured here.
    """
    runs = runs_of(mask)
    label, count = _labelled_in_strips(mask, runs, diagonal)
    edges = np.arange(STRIP_ROWS, len(mask), STRIP_ROWS) * runs.stride
    above, below = np.searchsorted(runs.start, [edges - runs.stride, edges])
    first, place = ragged(below - above)
    upper, lower = _meeting(runs, above[first] + place, diagonal)
    number = numbered(groups(count, label[upper], label[lower]))
    return _measured(runs, number[label], mask.shape)


def label_sparse(mask: Mask, *, diagonal: bool = True) -> Labelled:
    """Do as `label_dense` by runs alone, numbered by first pixels: for rules, bands and pictures."""
    return label_runs(runs_of(mask), mask.shape, diagonal=diagonal)


def label_runs(runs: Runs, shape: tuple[int, ...], *, diagonal: bool = True) -> Labelled:
    """Do the same with the runs of a mask of this shape."""
    every = np.arange(len(runs.start))
    label = numbered(groups(len(every), *_meeting(runs, every, diagonal))) + 1
    return _measured(runs, label, shape)


def _labelled_in_strips(mask: Mask, runs: Runs, diagonal: bool) -> tuple[Indices, int]:
    """Return (n,) the label of each run in its strip of rows, the strips counted on, and how many there are, with 0."""
    height, width = mask.shape
    place = runs.start - runs.row * (runs.stride - width)
    bounds = np.searchsorted(place, np.arange(0, height + STRIP_ROWS, STRIP_ROWS) * width)
    label, count = np.empty(len(place), np.intp), 1
    pixels = np.empty((min(STRIP_ROWS, height), width), np.int32)
    for top, (first, last) in zip(range(0, height, STRIP_ROWS), pairwise(bounds.tolist()), strict=False):
        strip = mask[top : top + STRIP_ROWS]
        # of OpenCV's algorithms the fastest where most is paper
        found, _ = cv2.connectedComponentsWithAlgorithm(
            strip, 8 if diagonal else 4, cv2.CV_32S, cv2.CCL_BBDT, pixels[: len(strip)]
        )
        label[first:last] = pixels.ravel()[place[first:last] - top * width] + (count - 1)
        count += found - 1
    return label, count


def _meeting(runs: Runs, which: Indices, diagonal: bool) -> tuple[Indices, Indices]:
    """Return the pairs of `which` runs with those of the row below that share columns; corners do if `diagonal`."""
    start, end = runs.start[which] + runs.stride, runs.end[which] + runs.stride
    first = np.searchsorted(runs.end, start, side="left" if diagonal else "right")
    last = np.searchsorted(runs.start, end, side="right" if diagonal else "left")
    upper, place = ragged(np.maximum(last - first, 0))
    return which[upper], first[upper] + place


def _measured(runs: Runs, label: Indices, shape: tuple[int, ...]) -> Labelled:
    """Measure the components of a mask of this shape, whose runs have these labels, from 1."""
    count = int(label.max(initial=0)) + 1
    row = runs.row
    left, length = runs.start - row * runs.stride, runs.end - runs.start
    x_min, x_max = np.full(count, shape[1]), np.zeros(count, np.intp)
    np.minimum.at(x_min, label, left)
    np.maximum.at(x_max, label, left + length)
    y_min, y_max = np.zeros((2, count), np.intp)
    y_min[label[::-1]] = row[::-1]  # of several the last one stays: here the first row
    y_max[label] = row
    area = np.bincount(label, length, count)
    stats = np.stack([x_min, y_min, x_max - x_min, y_max - y_min + 1, area], axis=1).astype(np.int32)
    stats[0] = 0, 0, shape[1], shape[0], shape[0] * shape[1] - int(area.sum())
    return Labelled(runs, label, stats, shape)
