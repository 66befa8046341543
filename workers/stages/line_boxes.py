"""What is done to the boxes of lines after they were found: pieces joined, words that were left over picked up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from workers.stages.components import LARGE, SMALL, TEXT, Components
from workers.stages.text_size import component_stats

Boxes = NDArray[np.int64]
Mask = NDArray[np.uint8]

GAP = 2.0  # text scales: widest space between pieces of one line
LEVEL = 0.6  # share of the lower piece's height that both have in common
WORD_SPACE = 1.0  # text scales: letters so near to each other are one word
WORD_HEIGHT = (0.8, 3.0)  # text scales
WORD_WIDTH = 0.8
WORD_INK = 0.15  # share of a word's box that is ink


def joined(boxes: Boxes, barrier: Mask, scale: float) -> Boxes:
    """Join boxes that lie side by side on one line with no separator between them."""
    if not len(boxes):
        return boxes
    x0, y0, x1, y1 = boxes.T
    height = y1 - y0
    a, b = _neighbours(boxes, GAP * scale)
    common = np.minimum(y1[a], y1[b]) - np.maximum(y0[a], y0[b])
    level = (common >= LEVEL * np.minimum(height[a], height[b])) & (np.maximum(height[a], height[b]) < 1.8 * np.minimum(height[a], height[b]))
    overlap = np.minimum(x1[a], x1[b]) - np.maximum(x0[a], x0[b])
    level &= overlap < 0.5 * np.minimum(x1[a] - x0[a], x1[b] - x0[b])
    a, b = a[level], b[level]
    free = [not _barred(boxes[i], boxes[j], barrier) for i, j in zip(a, b, strict=True)]
    a, b = a[free], b[free]
    links = coo_matrix((np.ones(len(a)), (a, b)), shape=(len(boxes), len(boxes)))
    count, group = connected_components(links, directed=False)
    merged = np.full((count, 4), [2**30, 2**30, 0, 0], np.int64)
    np.minimum.at(merged[:, :2], group, boxes[:, :2])
    np.maximum.at(merged[:, 2:], group, boxes[:, 2:])
    return merged


def _neighbours(boxes: Boxes, gap: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of boxes that share rows and are no further apart than `gap`."""
    x0, y0, x1, y1 = boxes.T
    shared = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    apart = np.maximum(x0[:, None], x0) - np.minimum(x1[:, None], x1)
    return np.nonzero(np.triu((shared > 0) & (apart <= gap), 1))


def _barred(a: NDArray[np.int64], b: NDArray[np.int64], barrier: Mask) -> bool:
    """Tell whether a separator lies between the middles of two boxes."""
    left, right = sorted((int(a[0] + a[2]) // 2, int(b[0] + b[2]) // 2))
    row = int(max(a[1], b[1]) + min(a[3], b[3])) // 2
    return bool(barrier[row, left:right].any())


def stray_words(components: Components, found: Boxes, excluded: NDArray[np.bool_], barrier: Mask) -> Boxes:
    """Return boxes of words that no line covers: page numbers, signatures, short last lines.

    Args:
        components: of the page without rules.
        found: (n, 4) boxes of the lines that were found.
        excluded: components that belong to pictures.
        barrier: (h, w), 1 where no word may cross.
    """
    c, scale = components, components.scale
    covered = np.zeros(c.labels.shape, np.uint8)
    for x0, y0, x1, y1 in found:
        covered[y0:y1, x0:x1] = 1
    middle = (c.y + c.height // 2, c.x + c.width // 2)
    low, high = WORD_HEIGHT
    left_over = (c.kind >= SMALL) & ~excluded & (covered[middle] == 0) & (c.height < high * scale) & (c.kind < LARGE)
    if not left_over.any():
        return np.zeros((0, 4), np.int64)
    ink = c.mask(left_over)
    words = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, max(3, round(WORD_SPACE * scale))), np.uint8))
    words &= 1 - barrier
    labels, stats = component_stats(words)
    area = np.bincount(labels[ink > 0], minlength=len(stats))
    letters = np.bincount(labels[middle][left_over & (c.kind == TEXT)], minlength=len(stats))
    x, y, width, height, _ = stats.astype(np.int64).T
    good = (height >= low * scale) & (height <= high * scale) & (width >= WORD_WIDTH * scale)
    good &= (area >= WORD_INK * width * height) & (letters >= 2) & (width >= height)
    good[0] = False
    return np.stack([x, y, x + width, y + height], axis=1)[good]
