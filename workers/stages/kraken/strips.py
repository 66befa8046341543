"""An image in strips of 1, 2 or 4 columns, in words of 8 pixels, and as single bits: cheap passes over a whole page.

What changes slowly along a text line is computed once for a strip; whether there is anything is asked of a word; and
where only yes or no is known, 64 pixels of a row are one integer.
"""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Bits, Mask

WIDTH_UNIT = 64  # widths are padded to this many pixels
STRIPS_IN_SCALE = 2  # a strip is at most half a letter wide
EVERYWHERE = ~np.uint64(0)


def strip_width(scale: float) -> int:
    """Return how many columns make a strip for text of this size."""
    return max(width for width in (1, 2, 4) if width == 1 or width * STRIPS_IN_SCALE <= scale)


def padded(image: Mask) -> Mask:
    """Return a copy of `image` (h, w), with paper added on the right up to a multiple of `WIDTH_UNIT`."""
    missing = -image.shape[1] % WIDTH_UNIT
    wider: Mask = cv2.copyMakeBorder(image, 0, 0, 0, missing, cv2.BORDER_CONSTANT, value=0)
    return wider


def as_words(image: Mask) -> Bits:
    """Return (h, w / 8): eight pixels of `image` as one integer."""
    return image.view(np.uint64)


def to_bits(image: Mask) -> Bits:
    """Return (h, w / 64): the pixels that are not 0 as bits."""
    return np.packbits(image, axis=1, bitorder="little").view(np.uint64)


def from_bits(bits: Bits) -> Mask:
    """Return (h, w) uint8 with 1 for each bit."""
    return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")


def reached(start: Bits, ground: Bits, reach: int) -> Bits:
    """Return `start` and what can be reached from it downwards in less than `reach` steps, all of them on `ground`.

    Steps are taken by doubling: what is reached within 1, 2, 4, ... rows is put together to any number.
    """
    reach = min(reach, len(start))
    total, clear, done = np.zeros_like(start), np.full_like(ground, EVERYWHERE), 0
    size = 1
    while True:
        if reach & size and done < len(start):  # below the last row nothing is left to be reached
            total[done:] |= clear[done:] & start[: len(start) - done]
            clear[done:] &= ground[: len(ground) - done]
            done += size
        if 2 * size > reach:
            return total
        further, free = start.copy(), ground.copy()
        further[size:] |= ground[size:] & start[:-size]
        free[size:] &= ground[:-size]
        start, ground, size = further, free, 2 * size


def extended_up(bits: Bits, reach: int) -> Bits:
    """Return the bits in the `reach` rows above each bit of `bits`."""
    lifted = np.zeros_like(bits)
    lifted[:-1] = bits[1:]
    return reached(lifted[::-1], np.full_like(bits, EVERYWHERE), reach)[::-1]
