"""scipy's filters by OpenCV, with scipy's windows, kernels and borders, in float32 and uint8.

A window of n pixels reaches n // 2 to the left and up; borders are mirrored with the edge repeated
(`mode="reflect"`), which for maxima and minima is the same as leaving out what lies beyond.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Strength


def gaussian_kernel(sigma: float, order: int = 0) -> Strength:
    """Return the kernel of `scipy.ndimage.gaussian_filter1d`, cut at four sigma; `order` 1 is the derivative."""
    radius = int(4 * sigma + 0.5)
    x = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    kernel /= kernel.sum()
    return (kernel * x / sigma**2 if order else kernel).astype(np.float32)


def gaussian(image: NDArray[Any], sigma: tuple[float, float], order: tuple[int, int] = (0, 0)) -> Strength:
    """Filter (h, w) by Gaussians of `sigma` (y, x), or their derivatives, as `scipy.ndimage.gaussian_filter` does."""
    ky, kx = (gaussian_kernel(s, o) for s, o in zip(sigma, order, strict=True))
    filtered: Strength = cv2.sepFilter2D(image, cv2.CV_32F, kx, ky, borderType=cv2.BORDER_REFLECT)
    return filtered


def uniform(image: NDArray[Any], size: tuple[float, float]) -> Strength:
    """Average (h, w) over windows of `size` (y, x), as `scipy.ndimage.uniform_filter` does."""
    height, width = max(1, int(size[0])), max(1, int(size[1]))
    averaged: Strength = cv2.boxFilter(
        image, cv2.CV_32F, (width, height), anchor=(width // 2, height // 2), borderType=cv2.BORDER_REFLECT
    )
    return averaged


def maximum(image: NDArray[Any], size: tuple[float, float]) -> NDArray[Any]:
    """Return the maximum over windows of `size` (y, x), as `scipy.ndimage.maximum_filter` does."""
    return cv2.dilate(image, _window(size))


def minimum(image: NDArray[Any], size: tuple[float, float]) -> NDArray[Any]:
    """Return the minimum over windows of `size` (y, x), as `scipy.ndimage.minimum_filter` does."""
    return cv2.erode(image, _window(size))


def _window(size: tuple[float, float]) -> NDArray[np.uint8]:
    return np.ones((max(1, int(size[0])), max(1, int(size[1]))), np.uint8)
