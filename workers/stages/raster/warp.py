"""A picture under an affine map, also one longer than OpenCV can map in one piece: a scroll, a strip of film."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Grey, Matrix

Picture = TypeVar("Picture", Grey, NDArray[np.float32])

MAX_SIDE_PX = 32_767  # OpenCV counts the pixels of a map in 16 bits
MARGIN_PX = 3  # of the picture around what a tile is made of, for the interpolation


def warped(
    grey: Picture, inverse: Matrix, size: tuple[int, int], border: int, value: int = 0, longest: int = MAX_SIDE_PX
) -> Picture:
    """Return `grey` (h, w) mapped to a canvas, bilinear.

    Args:
        grey: (h, w) uint8, or float32 for a map of what a network saw.
        inverse: (2, 3), leads from the canvas to the picture.
        size: width and height of the canvas in pixels.
        border: what lies beside the picture, as `cv2.BORDER_CONSTANT` and its like.
        value: the grey level of a constant border.
        longest: side in pixels from which picture and canvas are mapped in tiles.
    """
    if max(*size, *grey.shape) < longest:
        return _mapped(grey, inverse, size, border, value)
    width, height = size
    canvas: Picture = np.empty((height, width), grey.dtype)
    tile = longest // 2
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            own: Picture = canvas[top : top + tile, left : left + tile]
            start = inverse[:, :2] @ [left, top] + inverse[:, 2]
            corners = inverse[:, :2] @ np.array([[0, own.shape[1], 0, own.shape[1]], [0, 0, *own.shape[:1] * 2]])
            low = np.floor(corners.min(axis=1) + start).astype(int) - MARGIN_PX
            high = np.ceil(corners.max(axis=1) + start).astype(int) + MARGIN_PX
            x0, y0 = np.clip(low, 0, np.array(grey.shape[::-1]) - 1).tolist()
            x1, y1 = np.clip(high, [x0 + 1, y0 + 1], grey.shape[::-1]).tolist()
            moved = np.column_stack([inverse[:, :2], start - [x0, y0]])
            own[:] = _mapped(grey[y0:y1, x0:x1], moved, own.shape[::-1], border, value)
    return canvas


def _mapped(grey: Picture, inverse: Matrix, size: tuple[int, ...], border: int, value: int) -> Picture:
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grey, inverse, size, flags=way, borderMode=border, borderValue=value)
