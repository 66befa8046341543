"""An image in strips of 1, 2 or 4 columns and in words of 8 pixels: cheap passes over a whole page.

What changes slowly along a text line is computed once for a strip; whether there is anything is asked of a word.
"""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Bits, Mask

WIDTH_UNIT = 64  # widths are padded to this many pixels
STRIPS_IN_SCALE = 2  # a strip is at most half a letter wide


def strip_width(scale: float) -> int:
    """Return how many columns make a strip for text of this size."""
    return max(width for width in (1, 2, 4) if width == 1 or width * STRIPS_IN_SCALE <= scale)


def padded_to_words(image: Mask) -> Mask:
    """Return a copy of `image` (h, w), with paper added on the right up to a multiple of `WIDTH_UNIT`."""
    missing = -image.shape[1] % WIDTH_UNIT
    wider: Mask = cv2.copyMakeBorder(image, 0, 0, 0, missing, cv2.BORDER_CONSTANT, value=0)
    return wider


def as_words(image: Mask) -> Bits:
    """Return (h, w / 8): eight pixels of `image` as one integer."""
    return image.view(np.uint64)
