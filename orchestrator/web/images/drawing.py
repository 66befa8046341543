"""A part of a scan as a picture of the size that is asked for. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.web.images.asked import Asked

JPEG_QUALITY = 82
# OpenCV's codes for clockwise quarter turns
_TURNS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


def draw(pixels: NDArray[np.uint8], size: tuple[int, int], asked: Asked) -> bytes:
    """Return the encoded picture.

    Args:
        pixels: the upright scan or a smaller one, uint8 (height, width) grey or (height, width, 3) RGB.
        size: width and height of the scan itself, in whose pixels `asked.box` is.
        asked: what is wanted.
    """
    across, down = pixels.shape[1] / size[0], pixels.shape[0] / size[1]
    left, right = _ends(asked.box[0] * across, asked.box[2] * across, pixels.shape[1])
    top, bottom = _ends(asked.box[1] * down, asked.box[3] * down, pixels.shape[0])
    part = pixels[top:bottom, left:right]
    if part.shape[:2] != (asked.height, asked.width):
        part = cv2.resize(part, (asked.width, asked.height), interpolation=cv2.INTER_AREA)
    return encoded(_of_quality(part, asked), asked.form)


def _ends(begin: float, end: float, length: int) -> tuple[int, int]:
    first = min(round(begin), length - 1)
    return first, max(first + 1, min(round(end), length))


def _of_quality(part: NDArray[np.uint8], asked: Asked) -> NDArray[np.uint8]:
    if asked.turns:
        part = cv2.rotate(part, _TURNS[asked.turns])
    if asked.quality in ("gray", "bitonal") and part.ndim == 3:
        part = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    if asked.quality == "bitonal":
        part = cv2.threshold(part, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    return part


def encoded(part: NDArray[np.uint8], form: str) -> bytes:
    """Return a picture, grey or RGB, as a file of `form`: jpg or png."""
    if part.ndim == 3:
        part = cv2.cvtColor(part, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if form == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 4]
    return bytes(cv2.imencode(f".{form}", part, options)[1])
