"""Large pictures made small by area averaging."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def much_reduced(grey: Grey, size: tuple[int, int]) -> Grey:
    """Return `grey` (h, w) reduced to `size` (width, height), each pixel the mean of what it stands for.

    Whole blocks are averaged first, several times faster than parts of pixels. Up to a block less one pixel is left
    out on the right and below: not for what boxes are measured on.
    """
    block = max(1, min(grey.shape[1] // size[0], grey.shape[0] // size[1]))
    height, width = grey.shape[0] // block, grey.shape[1] // block
    blocks = grey[: height * block, : width * block]
    if block > 1:
        blocks = np.asarray(cv2.resize(blocks, (width, height), interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(blocks, size, interpolation=cv2.INTER_AREA))
