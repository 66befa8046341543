"""Viola and Jones' cascades of Haar features (CVPR 2001) as OpenCV runs them, with a confidence for each face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.parameters import CASCADES

Grey = NDArray[np.uint8]
Found = NDArray[np.float64]
"""What a detector found, shape (n, 5), float64: x_min, y_min, x_max, y_max, confidence."""

NOTHING: Found = np.empty((0, 5))
GROUPING = 0.2  # OpenCV's own tolerance for windows of the same face
SAME_FACE = 0.5  # IoU of a window with the face it speaks for


@dataclass(frozen=True, slots=True)
class CascadeSettings:
    """What OpenCV's `detectMultiScale` takes; `min_size` is the shorter side of the smallest window in pixels."""

    label: str
    scale_factor: float
    min_neighbors: int
    min_size: int
    min_confidence: float


@cache
def load_cascade(label: str) -> Any:
    """Load a cascade that OpenCV ships, once a process."""
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / f"haarcascade_{CASCADES[label]}.xml"))


def window_side(label: str) -> int:
    """Return the shorter side of the cascade's window in pixels: it finds nothing smaller."""
    return int(min(load_cascade(label).getOriginalWindowSize()))


def detect(grey: Grey, settings: CascadeSettings) -> Found:
    """Return what `detectMultiScale` returns on `grey` (h, w), with confidences, weaker ones left out.

    Every window that passes the whole cascade has the weight of its last stage; the confidence of a face is the sum of
    the positive weights of its windows, so that it grows with their number and with their certainty. On 130 faces in
    photographs and printed pictures that ranks true before false better than the number of windows or the best weight.
    """
    cascade = load_cascade(settings.label)
    width, height = cascade.getOriginalWindowSize()
    scale = settings.min_size / min(width, height)
    smallest = (round(width * scale), round(height * scale))
    windows, _, weights = cascade.detectMultiScale3(
        grey, settings.scale_factor, 0, minSize=smallest, outputRejectLevels=True
    )
    if not len(windows):
        return NOTHING
    groups = np.asarray(cv2.groupRectangles(windows.tolist(), settings.min_neighbors, GROUPING)[0])
    if not len(groups):
        return NOTHING
    boxes = _corners(groups)
    confidence = (_iou(boxes, _corners(windows)) > SAME_FACE) @ np.maximum(np.ravel(weights), 0)
    found = np.column_stack([boxes, confidence])
    return np.asarray(found[confidence >= settings.min_confidence])


def _corners(rectangles: NDArray[np.int32]) -> NDArray[np.float64]:
    corners = rectangles.astype(np.float64)
    corners[:, 2:] += corners[:, :2]
    return corners


def _iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return intersection over union of every pair of boxes, shape (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None, :] - shared))
