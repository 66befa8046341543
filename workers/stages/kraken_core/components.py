"""Connected components of the ink: the size of the text, the boxes of its letters, long horizontal lines.

Components are connected by their edges (not their corners), as `scipy.ndimage.label` has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_TEXT_SIZE, MAX_TEXT_SIZE = 3, 100  # kraken's limits of sqrt(box area) for what can be a letter, in pixels
CELL = 32  # side of the cells in which overlapping boxes are looked for, in pixels

Mask = NDArray[np.uint8]
Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Components:
    """The components of an image: `labels` (h, w), 0 is background; `boxes` (n, 4) x, y, width, height of 1 to n."""

    labels: Labels
    boxes: NDArray[np.int32]

    @property
    def size(self) -> NDArray[np.float64]:
        """Square root of each box's area in pixels: (n,)."""
        size: NDArray[np.float64] = np.sqrt(self.boxes[:, 2].astype(np.int64) * self.boxes[:, 3])
        return size


def find_components(binary: Mask) -> Components:
    """Return the components of the non-zero pixels of `binary` (h, w), numbered by their first pixel."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=4, ltype=cv2.CV_32S)
    return Components(labels, stats[1:, : cv2.CC_STAT_AREA])


def estimate_scale(ink: Mask) -> float | None:
    """Return the size of the text in pixels as kraken estimates it, or None where nothing has the size of text.

    Each component weighs with the area of its box; a box that overlaps one smaller than itself does not count. The
    estimate is the median of sqrt(area) over all pixels of the boxes with 3 < sqrt(area) < 100.

    Args:
        ink: (h, w) uint8, 0 is paper.
    """
    return scale_of(find_components(ink))


def scale_of(components: Components) -> float | None:
    """Return kraken's estimate of the text size (`estimate_scale`) from components already found."""
    # What is larger than text neither counts nor can it displace what is smaller.
    size = components.size
    chosen = np.flatnonzero(size < MAX_TEXT_SIZE)
    chosen = chosen[np.argsort(size[chosen], kind="stable")]
    kept = chosen[_free_of_smaller(components.boxes[chosen])]
    kept = kept[size[kept] > MIN_TEXT_SIZE]
    if not len(kept):
        return None
    pixels = np.cumsum(components.boxes[kept, 2] * components.boxes[kept, 3])
    low, high = np.searchsorted(pixels, [(pixels[-1] - 1) // 2, pixels[-1] // 2], side="right")
    return float((size[kept[low]] + size[kept[high]]) / 2)


def _free_of_smaller(boxes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return for `boxes` sorted by size which of them remain when each gives way to a smaller one that remains."""
    kept = [True] * len(boxes)
    smaller, larger = _overlapping_pairs(boxes)
    by_larger = np.lexsort((smaller, larger))
    for i, j in zip(smaller[by_larger].tolist(), larger[by_larger].tolist(), strict=True):
        if kept[i]:
            kept[j] = False
    return np.array(kept, dtype=np.bool_)


def _overlapping_pairs(boxes: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices i < j of boxes (x, y, width, height) that share a pixel; a pair may be given twice.

    Boxes are listed under the cells of a grid that they touch; only those of one cell are compared.
    """
    x_min, y_min = boxes[:, 0], boxes[:, 1]
    x_max, y_max = x_min + boxes[:, 2], y_min + boxes[:, 3]
    columns = (x_max - 1) // CELL - x_min // CELL + 1
    count = columns * ((y_max - 1) // CELL - y_min // CELL + 1)
    owner = np.repeat(np.arange(len(boxes)), count)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    cell_x = x_min[owner] // CELL + place % columns[owner]
    cell_y = y_min[owner] // CELL + place // columns[owner]
    cell = cell_y.astype(np.int64) * (1 << 31) + cell_x
    order = np.argsort(cell, kind="stable")  # within a cell the owners stay in ascending order
    cell, owner = cell[order], owner[order]
    pairs = []
    step = 1
    while True:
        first = np.flatnonzero(cell[step:] == cell[:-step])
        if not len(first):
            break
        i, j = owner[first], owner[first + step]
        hit = (x_min[i] < x_max[j]) & (x_min[j] < x_max[i]) & (y_min[i] < y_max[j]) & (y_min[j] < y_max[i])
        pairs.append((i[hit], j[hit]))
        step += 1
    if not pairs:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    return np.concatenate([i for i, _ in pairs]), np.concatenate([j for _, j in pairs])


def without_long_lines(ink: Mask, components: Components, scale: float) -> tuple[Mask, NDArray[np.bool_]]:
    """Return `ink` without the components wider than ten times `scale`, and which components remain: (n,)."""
    remains = components.boxes[:, 2] <= 10 * scale
    cleaned = ink.copy()
    for number in np.flatnonzero(~remains):
        x, y, width, height = components.boxes[number]
        window = slice(y, y + height), slice(x, x + width)
        cleaned[window][components.labels[window] == number + 1] = 0
    return cleaned, remains


def letter_boxes(components: Components, remains: NDArray[np.bool_], scale: float) -> Mask:
    """Return (h, w) uint8, 255 within the boxes of the components between 0.5 and 4 times `scale` large."""
    size = components.size
    chosen = components.boxes[remains & (size >= 0.5 * scale) & (size <= 4 * scale)]
    return paint_boxes(chosen, components.labels.shape)


def paint_boxes(boxes: NDArray[np.int32], shape: tuple[int, ...]) -> Mask:
    """Return an image of `shape` with 255 within `boxes` (x, y, width, height).

    The corners of each box are marked and summed up along both axes; the sum is the number of boxes above a pixel.
    """
    height, width = shape
    corners = np.zeros((height + 1) * (width + 1), np.int16)
    x_min, y_min = boxes[:, 0], boxes[:, 1]
    top, bottom = y_min * (width + 1), (y_min + boxes[:, 3]) * (width + 1)
    for start, end, sign in ((top, bottom, 1), (bottom, top, -1)):
        np.add.at(corners, start + x_min, sign)
        np.add.at(corners, start + x_min + boxes[:, 2], -sign)
        del end
    depth = corners.reshape(height + 1, width + 1)
    np.cumsum(depth, axis=1, out=depth)
    np.cumsum(depth, axis=0, out=depth)
    return np.where(depth[:height, :width] > 0, np.uint8(255), np.uint8(0))
