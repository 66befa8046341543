"""Connected components of the ink: the size of the text, its letters, long horizontal lines.

Components are connected by their edges (not their corners), as `scipy.ndimage.label` has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from workers.stages.kraken.boxes import meeting_pairs, overlapping
from workers.stages.raster.arrays import Floats, Mask, Rectangles, Truths
from workers.stages.raster.labelling import Labelled, label_dense

MIN_TEXT_SIZE, MAX_TEXT_SIZE = 3, 100  # kraken's limits of sqrt(box area) for what can be a letter, in pixels
MIN_LETTER, MAX_LETTER = 0.5, 4  # kraken's limits for letters, in scales
MAX_LINE_SCALES = 10  # kraken's `maxsize` of horizontal lines, in scales


@dataclass(frozen=True, slots=True)
class KrakenComponents:
    """The components of an image; `boxes` (n, 4) are x, y, width, height of the components 1 to n."""

    labelled: Labelled

    @property
    def boxes(self) -> Rectangles:
        """Their boxes."""
        return self.labelled.stats[1:, :4]

    @property
    def size(self) -> Floats:
        """Square root of each box's area in pixels: (n,)."""
        size: Floats = np.sqrt(self.boxes[:, 2].astype(np.int64) * self.boxes[:, 3])
        return size


def find_kraken_components(binary: Mask) -> KrakenComponents:
    """Return the components of the pixels of `binary` (h, w) that are not 0, numbered by their first pixel."""
    return KrakenComponents(label_dense(binary, diagonal=False))


def estimate_scale(ink: Mask) -> float | None:
    """Return the size of the text in pixels as kraken estimates it, or None where nothing has the size of text.

    Each component weighs with the area of its box; a box that overlaps one smaller than itself does not count. The
    estimate is the median of sqrt(area) over all pixels of the boxes with 3 < sqrt(area) < 100.

    Args:
        ink: (h, w) uint8, 0 is paper.
    """
    return scale_of(find_kraken_components(ink))


def scale_of(components: KrakenComponents) -> float | None:
    """Return kraken's estimate of the text size (`estimate_scale`) from components already found."""
    # What is larger than text neither counts nor can it displace what is smaller.
    size = components.size
    chosen = np.flatnonzero(size < MAX_TEXT_SIZE)
    chosen = chosen[np.argsort(size[chosen], kind="stable")]
    kept = chosen[_free_of_smaller(components.boxes[chosen])]
    kept = kept[size[kept] > MIN_TEXT_SIZE]
    if not len(kept):
        return None
    pixels = np.cumsum(components.boxes[kept, 2].astype(np.int64) * components.boxes[kept, 3])
    low, high = np.searchsorted(pixels, [(pixels[-1] - 1) // 2, pixels[-1] // 2], side="right")
    return float((size[kept[low]] + size[kept[high]]) / 2)


def _free_of_smaller(boxes: Rectangles) -> Truths:
    """Return for `boxes` sorted by size which of them remain when each gives way to a smaller one that remains."""
    kept = [True] * len(boxes)
    smaller, larger = meeting_pairs(boxes)
    shared = overlapping(boxes, smaller, larger)
    smaller, larger = smaller[shared], larger[shared]
    by_larger = np.argsort(larger, kind="stable")
    for i, j in zip(smaller[by_larger].tolist(), larger[by_larger].tolist(), strict=True):
        if kept[i]:
            kept[j] = False
    return np.array(kept, dtype=np.bool_)


def erase_long_lines(ink: Mask, components: KrakenComponents, scale: float) -> tuple[Mask, Truths]:
    """Return `ink` without the components wider than ten times `scale`, and which remain: (n,)."""
    remains = components.boxes[:, 2] <= MAX_LINE_SCALES * scale
    if remains.all():
        return ink, remains
    long = components.labelled.mask(np.append(False, ~remains))
    return cv2.subtract(ink, long * np.uint8(255)), remains


def letter_boxes(components: KrakenComponents, remains: Truths | None, scale: float) -> Rectangles:
    """Return the boxes (n, 4) of the components (of those that remain) that are 0.5 to 4 times `scale` large."""
    size = components.size
    chosen = (size >= MIN_LETTER * scale) & (size <= MAX_LETTER * scale)
    return components.boxes[chosen if remains is None else chosen & remains]
