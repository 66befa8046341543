"""What a scan's file says of it: format, bits, resolution; and whether it has colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.layout import ScanFacts

POSSIBLE_DPI = (20.0, 5_000.0)  # what lies outside is a default of some program: 1, or 72000
PLAIN_DPI = 72.0  # what programs write that know nothing; on a scan of a page's size it is no resolution
SCAN_PIXELS = 2_000_000
SAMPLE_SIDE_PX = 128  # pixels in the longer direction at which colours are looked at
MIN_COLOUR_LEVELS = 40  # levels by which the channels of a coloured pixel differ, beyond the tint of the paper
MIN_COLOURED_SHARE = 0.01  # share of such pixels
_BITS = {"1": 1, "I;16": 16, "I;16L": 16, "I;16B": 16, "I;16N": 16, "I": 32, "F": 32}


def scan_facts(image: Image.Image, rgb: NDArray[np.uint8]) -> ScanFacts:
    """Return the facts of a scan.

    Args:
        image: as it was opened.
        rgb: (h, w, 3) uint8, the same upright; of a grey one all channels are one array.
    """
    turned = rgb.shape[0] == image.width != image.height
    dpi = stated_dpi(image)
    return ScanFacts(
        image.format,
        image.mode,
        _BITS.get(image.mode, 8),
        (dpi[1], dpi[0]) if dpi and turned else dpi,
        rgb.strides[2] != 0 and has_colours(rgb),
    )


def stated_dpi(image: Image.Image) -> tuple[float, float] | None:
    """Return the dots per inch along x and y that the file states; None where it states none, or none that can be."""
    stated = image.info.get("dpi")
    try:
        x, y = (float(value) for value in stated)  # type: ignore[union-attr]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    low, high = POSSIBLE_DPI
    if not (low <= x <= high and low <= y <= high):
        return None
    if x == y == PLAIN_DPI and image.width * image.height > SCAN_PIXELS:
        return None
    return round(x, 2), round(y, 2)


def has_colours(rgb: NDArray[np.uint8]) -> bool:
    """Tell whether a page (h, w, 3) has colours beside the tint of its paper and the grey of its ink."""
    factor = SAMPLE_SIDE_PX / max(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else rgb
    levels = small.reshape(-1, 3).astype(np.float64)
    # the paper's tint darkens with the ink: each pixel is compared with paper of its own brightness
    tint = np.median(levels, axis=0)
    expected = levels.mean(axis=1, keepdims=True) * tint / max(1.0, float(tint.mean()))
    return bool((np.abs(levels - expected).max(axis=1) > MIN_COLOUR_LEVELS).mean() > MIN_COLOURED_SHARE)
