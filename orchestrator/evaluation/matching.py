"""One-to-one matching of boxes and the scores made from it.

Boxes are arrays of shape (n, 4), float64 or integers: x_min, y_min, x_max, y_max in pixels, maxima exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Boxes = NDArray[np.float64]

_ROWS_AT_ONCE = 512  # bounds the memory of the pairwise overlaps: 512 x 20,000 boxes are 80 MB


@dataclass(frozen=True, slots=True)
class Score:
    """Counts that can be added up over pages, and the rates they make.

    Where nothing was found there is no false one (precision 1); where there is nothing to find, recall is 1.
    """

    true_positives: int = 0
    false_positives: int = 0
    misses: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.misses + other.misses,
        )

    @property
    def precision(self) -> float:
        """Share of what was found that is true."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the truth that was found."""
        return _share(self.true_positives, self.true_positives + self.misses)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.misses)


@dataclass(frozen=True, slots=True)
class Matching:
    """Which found box is which true box: `pairs` has shape (k, 2), indices into found and truth, sorted by found."""

    pairs: NDArray[np.intp]
    found: int
    truth: int

    @property
    def score(self) -> Score:
        """The counts of this matching."""
        hits = len(self.pairs)
        return Score(hits, self.found - hits, self.truth - hits)


def as_boxes(rows: object) -> Boxes:
    """Return `rows` (a sequence of four numbers each, may be empty) as an array of shape (n, 4)."""
    return np.asarray(rows, dtype=np.float64).reshape(-1, 4)


def match_boxes(found: Boxes, truth: Boxes, iou_threshold: float = 0.5) -> Matching:
    """Match boxes one to one where their intersection over union reaches `iou_threshold`.

    The matching has the most pairs possible and, among those, the largest sum of overlaps (Hungarian method on each
    group of boxes that compete), so the order of the boxes does not decide.

    Raises:
        ValueError: the threshold is not above 0 and at most 1.
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"the IoU threshold must be above 0 and at most 1, not {iou_threshold}")
    rows, columns, ious = _candidates(found, truth, iou_threshold)
    pairs = _most_pairs(rows, columns, ious, len(found), len(truth))
    return Matching(pairs, len(found), len(truth))


def pad_boxes(boxes: Boxes, share: float) -> Boxes:
    """Return the boxes grown on all sides by `share` of their own height.

    Truth drawn as polygons is taller than the ink; padding what was found takes that style out of a comparison.
    """
    pad = share * (boxes[:, 3:4] - boxes[:, 1:2])
    return np.hstack([boxes[:, :2] - pad, boxes[:, 2:] + pad])


def pairwise_overlap(first: Boxes, second: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the widths and heights, each of shape (n, m) and never negative, that boxes of both arrays share."""
    width = np.minimum(first[:, None, 2], second[None, :, 2]) - np.maximum(first[:, None, 0], second[None, :, 0])
    height = np.minimum(first[:, None, 3], second[None, :, 3]) - np.maximum(first[:, None, 1], second[None, :, 1])
    return np.maximum(width, 0), np.maximum(height, 0)


def pairwise_iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return intersection over union of every pair, shape (n, m)."""
    width, height = pairwise_overlap(first, second)
    shared = width * height
    union = _area(first)[:, None] + _area(second)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def lines_across_columns(found: Boxes, truth: Boxes, share: float = 0.25) -> NDArray[np.bool_]:
    """Tell which found lines run across columns: over two or more true lines that stand side by side.

    A found line takes a true line in when it covers half its height and `share` of its width; two of those stand
    side by side when they share half the lower one's height and next to none (a tenth) of the narrower one's width.

    Returns:
        Shape (n,), one truth value per found line.
    """
    across = np.zeros(len(found), dtype=np.bool_)
    for start in range(0, len(found), _ROWS_AT_ONCE):
        part = found[start : start + _ROWS_AT_ONCE]
        width, height = pairwise_overlap(part, truth)
        taken = (width >= share * (truth[:, 2] - truth[:, 0])) & (height >= 0.5 * (truth[:, 3] - truth[:, 1]))
        for row in np.flatnonzero(taken.sum(axis=1) > 1):
            across[start + row] = _any_side_by_side(truth[taken[row]])
    return across


def _any_side_by_side(boxes: Boxes) -> bool:
    width, height = pairwise_overlap(boxes, boxes)
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    beside = (width <= 0.1 * np.minimum.outer(widths, widths)) & (height >= 0.5 * np.minimum.outer(heights, heights))
    return bool(beside.any())


def _candidates(
    found: Boxes, truth: Boxes, threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    rows, columns, ious = [], [], []
    for start in range(0, len(found), _ROWS_AT_ONCE):
        iou = pairwise_iou(found[start : start + _ROWS_AT_ONCE], truth)
        row, column = np.nonzero(iou >= threshold)
        rows.append(row + start)
        columns.append(column)
        ious.append(iou[row, column])
    if not rows:
        return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(ious)


def _most_pairs(
    rows: NDArray[np.intp], columns: NDArray[np.intp], ious: NDArray[np.float64], found: int, truth: int
) -> NDArray[np.intp]:
    if not len(rows):
        return np.empty((0, 2), dtype=np.intp)
    nodes = found + truth
    graph = coo_array((np.ones(len(rows)), (rows, columns + found)), shape=(nodes, nodes))
    labels = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    pairs = np.concatenate([_assign(rows[group], columns[group], ious[group]) for group in groups])
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def _assign(rows: NDArray[np.intp], columns: NDArray[np.intp], ious: NDArray[np.float64]) -> NDArray[np.intp]:
    left, row = np.unique(rows, return_inverse=True)
    right, column = np.unique(columns, return_inverse=True)
    gain = np.zeros((len(left), len(right)))
    gain[row, column] = 1 + ious / (min(gain.shape) + 1)  # one more pair outweighs any sum of overlaps
    chosen_row, chosen_column = linear_sum_assignment(gain, maximize=True)
    real = gain[chosen_row, chosen_column] > 0
    return np.stack([left[chosen_row[real]], right[chosen_column[real]]], axis=1)


def _area(boxes: Boxes) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
