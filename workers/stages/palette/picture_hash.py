"""A number that says what a picture looks like: scans of one picture are a few bits apart. Pure.

The difference hash: N. Krawetz, "Kind of Like That" (2013). Nine by eight mean grey values, and for each pair of
neighbours in a row one bit that says whether it gets brighter.
"""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Grey
from workers.stages.raster.resize import much_reduced

# A first step that keeps whole cells apart: means of bytes are rounded to bytes, and 32 x 32 of them average that out.
_FINE, _COLUMNS, _ROWS = 32, 9, 8


def picture_hash(grey: Grey) -> int:
    """Return the 64-bit difference hash of `grey` (height, width) uint8 as a signed number, as databases keep it.

    An even page gives 0.
    """
    fine = much_reduced(grey, (_COLUMNS * _FINE, _ROWS * _FINE))
    cells = fine.reshape(_ROWS, _FINE, _COLUMNS, _FINE).mean(axis=(1, 3))
    bits = cells[:, 1:] > cells[:, :-1]
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def differing_bits(a: int, b: int) -> int:
    """Return in how many of their 64 bits two picture hashes differ."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
