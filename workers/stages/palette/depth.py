"""From samples of any depth to 8 bits. Pure.

What scales deep images (16-bit, 32-bit, float): the depth their values really use. A 12-bit scan stored in 16
bits has its white at 4095, so it is divided by 4095; the darkest and brightest value of a page do not decide,
since that would turn the noise of a blank page into ink. Only values with no such depth (negative, tiny or
huge floats) are stretched from their minimum to their maximum.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]

_OVERSHOOT = 1.01
_LEAST_INK = 255  # the deepest black of an ink that is counted in more than 8 bits


def eight_bits(values: Samples, *, is_ink: bool = False) -> Pixels:
    """Return `values` (height, width) or (height, width, channels) of any number type as uint8 of the same shape.

    All channels share one scale, so that colours stay what they are. `is_ink` marks values whose 0 is paper (CMYK,
    MinIsWhite): they stay so, but it is then the darkest ink that tells the depth.
    """
    is_float = values.dtype.kind == "f"
    values = _finite(_plain(values))
    lowest, highest = float(values.min()), float(values.max())
    black, white = value_range(lowest, highest, is_float)
    if is_ink and not is_float and black == 0:
        white = _ink_range(white, values)
    return _scaled(values, black, white)


def value_range(lowest: float, highest: float, is_float: bool) -> tuple[float, float]:
    """Return the values that mean black and white in a deep image whose pixels lie from `lowest` to `highest`.

    Integers and floats above 1 count from 0 to the largest value of the bits they use, floats up to 1 from 0 to 1;
    floats may overshoot that a little. What fits neither is stretched.
    """
    if lowest < 0 or highest >= 2**32 or (is_float and highest < 1 / 255):
        return lowest, highest
    if is_float and highest <= 1.5:
        return 0.0, max(1.0, highest)
    tolerated = highest / _OVERSHOOT if is_float else highest
    return 0.0, max(highest, float(2 ** math.ceil(tolerated).bit_length() - 1))


def _ink_range(white: float, values: Samples) -> float:
    """Return the full ink of values that count from 0 up to at most `white`; most of a page is light.

    A blank page has no ink that tells the depth: without this its noise would be spread over all greys.
    """
    typical = float(np.median(values.max(axis=-1) if values.ndim == 3 else values))
    white = max(white, _LEAST_INK)
    while typical > white / 2 and white < np.iinfo(values.dtype).max:
        white = 2 * white + 1
    return white


def _plain(values: Samples) -> Samples:
    """Return the values in the byte order of the machine and a type that OpenCV takes."""
    if values.dtype.kind == "u" and values.dtype.itemsize > 2:
        return values.astype(np.float64)
    if values.dtype.kind == "f" and values.dtype.itemsize == 2:
        return values.astype(np.float32)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _finite(values: Samples) -> Samples:
    """Put paper where a float image has no number, and the brightest and darkest value for the infinities."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    if finite.all():
        return values
    numbers = values[finite] if finite.any() else np.ones(1, values.dtype)
    highest, lowest = numbers.max(), numbers.min()
    return np.where(finite, values, np.where(values == -np.inf, lowest, highest))


def _scaled(values: Samples, black: float, white: float) -> Pixels:
    if white <= black:
        return np.zeros(values.shape, np.uint8)
    if black == 0 and white >= 1:
        pixels: Pixels = cv2.convertScaleAbs(values, alpha=255 / white)
        return pixels.reshape(values.shape)  # OpenCV drops the axis of a single channel
    stretched = (values.astype(np.float64) - black) / (white - black)
    return np.rint(stretched * 255).astype(np.uint8)
