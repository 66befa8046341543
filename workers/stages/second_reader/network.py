"""PP-OCRv6's text detector: how probable it is that a pixel belongs to the middle of a text line.

The network (Apache-2.0, ONNX) knows text of any script, colour and direction, and knows nothing of columns and order.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Boxes, Grey

TextMap = NDArray[np.float32]

READER_MULTIPLE_PX = 32  # px: the network halves its input five times
PAPER_GREY = 255
# OpenCV 4.14's dnn ends the whole process on wider pictures: seen from 2,900 px on, 1,000 px high.
MAX_WIDTH_PX = 2048
OVERLAP_PX = 128  # what a strip shares with the next one: at its edge the network sees half a word


def text_map(grey: Grey, weights: Path, places: Boxes | None = None) -> TextMap:
    """Return (h, w) float32, 0 to 1: how probably a pixel of `grey` (h, w; uint8) lies in a text line.

    Of what two places or strips see, the surer one is taken.

    Args:
        grey: the picture.
        weights: of the network.
        places: (n, 4), the parts that are looked at, wide ones in strips that overlap; all of it when None.

    Raises:
        cv2.error: the file is no ONNX network of this kind.
    """
    height, width = grey.shape
    seen = np.zeros((height, width), np.float32)
    whole = np.array([[0, 0, width, height]])
    for x0, y0, x1, y1 in (whole if places is None else places.clip(0, whole[0, [2, 3, 2, 3]])).tolist():
        for left, right in strips_of(x1 - x0):
            part = np.s_[y0:y1, x0 + left : x0 + right]
            if grey[part].size:
                np.maximum(seen[part], _map_of_strip(grey[part], weights), out=seen[part])
    return seen


def strips_of(width: int) -> list[tuple[int, int]]:
    """Return the strips (left, right) of equal width, at most `MAX_WIDTH_PX`, that cover `width` px."""
    count = max(1, math.ceil((width - OVERLAP_PX) / (MAX_WIDTH_PX - OVERLAP_PX)))
    size = math.ceil((width + (count - 1) * OVERLAP_PX) / count)
    lefts = [min(n * (size - OVERLAP_PX), width - size) for n in range(count)]
    return [(left, left + size) for left in lefts]


def _map_of_strip(grey: Grey, weights: Path) -> TextMap:
    """Return the map of a picture that is not too wide.

    A net is read for every picture: OpenCV 4.14 gives wrong numbers when one net is fed a second shape, and reading
    takes 40 ms.
    """
    height, width = grey.shape
    below, right = -height % READER_MULTIPLE_PX, -width % READER_MULTIPLE_PX
    whole = cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_CONSTANT, value=PAPER_GREY)
    net = cv2.dnn.readNetFromONNX(str(weights))
    net.setInput(cv2.dnn.blobFromImage(cv2.cvtColor(whole, cv2.COLOR_GRAY2BGR), 1 / 127.5, mean=(127.5,) * 3))
    return net.forward()[0, 0, :height, :width]
