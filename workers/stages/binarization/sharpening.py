"""Soft scans: where letters hang together because the scan is out of focus, and hang together no more once sharpened.

On a soft scan the strokes of neighbouring letters flow into each other, so components are words, and everything that is
measured from them (text scale, pitch, strokes) is too large. A joined hand or Arabic hangs together too, but stays so.
"""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.binarization.text_size import like_text, weighted_median
from workers.stages.raster.arrays import Grey, Stats

MIN_WORD_RATIO = 0.95  # width by height of the usual component: letters are narrower, words wider
MAX_SHARPENED_RATIO = 0.85  # of the text scale: what sharpening makes of it on a soft scan
RADIUS_TS = 0.15
SHARPENING_FACTOR = 2.5


def has_touching_characters(stats: Stats) -> bool:
    """Tell whether the usual component is as wide as tall, or wider.

    Args:
        stats: rows of x, y, width, height, area, without the paper.
    """
    width, height = stats[:, 2].astype(np.float64), stats[:, 3].astype(np.float64)
    text = like_text(width, height)
    if not text.any():
        return False
    return weighted_median((width / height)[text], np.sqrt(width * height)[text]) > MIN_WORD_RATIO


def sharpened(grey: Grey, scale: float) -> Grey:
    """Return a page (h, w) with its edges made steeper (an unsharp mask).

    Args:
        grey: (h, w) uint8.
        scale: text scale in pixels.
    """
    soft = cv2.GaussianBlur(grey, (0, 0), RADIUS_TS * scale)
    return cv2.addWeighted(grey, 1 + SHARPENING_FACTOR, soft, -SHARPENING_FACTOR, 0)
