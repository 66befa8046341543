"""Large pictures made small by area averaging."""

from __future__ import annotations

import cv2

from workers.stages.raster.arrays import Grey


def reduce_by(grey: Grey, factor: int) -> Grey:
    """Return `grey` (h, w) reduced by a whole factor, each pixel the mean of a block of `factor` x `factor`.

    What is left over on the right and below, less than a block, is left out: OpenCV averages whole blocks several times
    faster than parts of pixels.
    """
    factor = min(factor, *grey.shape)
    if factor <= 1:
        return grey
    height, width = grey.shape[0] // factor, grey.shape[1] // factor
    blocks = grey[: height * factor, : width * factor]
    return cv2.resize(blocks, (width, height), interpolation=cv2.INTER_AREA)


def much_reduced(grey: Grey, size: tuple[int, int]) -> Grey:
    """Return `grey` (h, w) reduced to `size` (width, height), each pixel the mean of what it stands for.

    Up to a block less one pixel is left out on the right and below: not for what boxes are measured on.
    """
    blocks = reduce_by(grey, min(grey.shape[1] // size[0], grey.shape[0] // size[1]))
    return cv2.resize(blocks, size, interpolation=cv2.INTER_AREA)
