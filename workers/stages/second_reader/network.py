"""PP-OCRv6's text detector: how probable it is that a pixel belongs to the middle of a text line.

The network (Apache-2.0, ONNX) knows text of any script, colour and direction, and knows nothing of columns and order.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Grey

TextMap = NDArray[np.float32]

MULTIPLE = 32  # px: the network halves its input five times
PAPER = 255


def text_map(grey: Grey, weights: Path) -> TextMap:
    """Return (h, w) float32, 0 to 1: how probably a pixel of `grey` (h, w; uint8) lies in a text line.

    A net is read for every picture: OpenCV 4.14 gives wrong numbers when one net is fed a second shape, and reading
    takes 40 ms.

    Raises:
        cv2.error: the file is no ONNX network of this kind.
    """
    height, width = grey.shape
    below, right = -height % MULTIPLE, -width % MULTIPLE
    whole = cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_CONSTANT, value=PAPER)
    net = cv2.dnn.readNetFromONNX(str(weights))
    net.setInput(cv2.dnn.blobFromImage(cv2.cvtColor(whole, cv2.COLOR_GRAY2BGR), 1 / 127.5, mean=(127.5,) * 3))
    return net.forward()[0, 0, :height, :width]
