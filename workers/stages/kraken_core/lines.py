"""From seeds to boxes: every letter goes to the seed it touches, what remains to the nearest seed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.kraken_core.components import Labels, Mask

Indices = NDArray[np.intp]


def line_boxes(ink: Mask, letters: Mask, seeds: Mask, scale: float) -> NDArray[np.int32]:
    """Return (n, 4) x_min, y_min, x_max, y_max of the ink of each seed, in the order of the seeds' first pixels.

    A letter box (component of `letters`) that touches one seed belongs to it. Ink elsewhere, or in a box that
    touches several, belongs to the nearest seed less than `scale` away. Lines less than two scales wide or one high
    are dropped. (kraken's `propagate_labels`, `spread_labels` and `compute_lines`.)
    """
    count, seed_labels = cv2.connectedComponents(seeds, connectivity=4, ltype=cv2.CV_32S)
    at = np.flatnonzero(ink)
    owner = _owner_by_letter(letters, seed_labels).ravel()[at]
    orphans = np.flatnonzero(owner == 0)
    owner[orphans] = _nearest_seed(seed_labels, at[orphans], scale)
    at, owner = at[owner > 0], owner[owner > 0]
    boxes = _bounds(at, owner, count, ink.shape[1])
    wide = (boxes[:, 2] - boxes[:, 0] >= 2 * scale) & (boxes[:, 3] - boxes[:, 1] >= scale)
    return boxes[wide]


def _owner_by_letter(letters: Mask, seed_labels: Labels) -> Labels:
    """Return (h, w): within each component of `letters` the label of the only seed it touches, else 0."""
    count, letter_labels = cv2.connectedComponents(letters, connectivity=4, ltype=cv2.CV_32S)
    touching = np.flatnonzero((letters > 0) & (seed_labels > 0))
    letter, seed = letter_labels.ravel()[touching], seed_labels.ravel()[touching]
    owner = np.zeros(count, np.int32)
    owner[letter] = seed
    owner[letter[owner[letter] != seed]] = 0
    return owner[letter_labels]


def _nearest_seed(seed_labels: Labels, at: Indices, scale: float) -> Labels:
    """Return for the pixels `at` (flat indices) the label of the nearest seed closer than `scale`, else 0."""
    background = (seed_labels == 0).view(np.uint8)
    distance, nearest = cv2.distanceTransformWithLabels(
        background, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(nearest.max()) + 1, np.int32)
    inside = np.flatnonzero(seed_labels)
    label_of[nearest.ravel()[inside]] = seed_labels.ravel()[inside]
    return np.where(distance.ravel()[at] < scale, label_of[nearest.ravel()[at]], 0)


def _bounds(at: Indices, owner: Labels, count: int, width: int) -> NDArray[np.int32]:
    """Return the bounding boxes of the pixels of each label 1 to count - 1 that has any."""
    y, x = np.divmod(at, width)
    boxes = np.zeros((count, 4), np.int32)
    boxes[:, :2] = np.iinfo(np.int32).max
    np.minimum.at(boxes[:, 0], owner, x)
    np.minimum.at(boxes[:, 1], owner, y)
    np.maximum.at(boxes[:, 2], owner, x + 1)
    np.maximum.at(boxes[:, 3], owner, y + 1)
    return boxes[boxes[:, 2] > 0]
