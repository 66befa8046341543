"""YuNet, a small neural face detector (Wu, Peng and Yu 2023), through OpenCV's `FaceDetectorYN`.

The file of weights is the user's: OpenCV does not ship it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from workers.errors import TransientError
from workers.stages.faces.cascade import NO_WINDOWS
from workers.stages.raster.arrays import FloatBoxes, Grey

COARSE_SIDE_PX = 320  # YuNet knows faces of 10 to 300 pixels, so a picture is also looked at this small
YUNET_NMS_IOU = 0.3  # IoU above which two boxes are the same face


class FaceWeightsMissing(TransientError):
    """This worker cannot read the YuNet file; another worker, or this one when mended, can."""

    code = "face_weights_missing"


def detect(grey: Grey, weights: str, min_confidence: float) -> FloatBoxes:
    """Find faces in `grey` (h, w) at its own size and reduced.

    Raises:
        FaceWeightsMissing: the file is missing or not a YuNet network.
    """
    network = load_network(weights)
    factors = {1.0, min(1.0, COARSE_SIDE_PX / max(grey.shape))}
    found = np.concatenate([_detect_at(network, grey, factor) for factor in factors])
    return found[found[:, 4] >= min_confidence]


@lru_cache(maxsize=2)
def load_network(weights: str) -> Any:
    """Load the network once a process."""
    if not Path(weights).is_file():
        raise FaceWeightsMissing(
            f"the YuNet file {weights} does not exist: get face_detection_yunet_2023mar.onnx from OpenCV's model zoo "
            "and give its path as faces.weights"
        )
    try:
        return cv2.FaceDetectorYN.create(weights, "", (COARSE_SIDE_PX, COARSE_SIDE_PX), 0.5, YUNET_NMS_IOU)
    except cv2.error as error:
        raise FaceWeightsMissing(f"{weights} is not a YuNet network that OpenCV can read: {error.err}") from error


def _detect_at(network: Any, grey: Grey, factor: float) -> FloatBoxes:
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    network.setInputSize(size)
    picture = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    _, rows = network.detect(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    if rows is None:
        return NO_WINDOWS
    boxes = np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4]]) / factor
    return np.column_stack([boxes, rows[:, -1]]).astype(np.float64)
