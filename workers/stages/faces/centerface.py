"""CenterFace, a small neural face detector (Xu et al. 2019, MIT), through OpenCV's dnn.

It sees three-quarter heads, profiles and pale screened portraits, which the cascade does not.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from workers.stages.faces.cascade import NO_WINDOWS
from workers.stages.raster.arrays import FloatBoxes, Grey, Strength

CENTERFACE_MULTIPLE_PX = 32  # px: the network halves its input five times
STRIDE_PX = 4  # px of its input for one of its outputs
OUTPUTS = ("537", "538", "539")  # how probably a face's middle lies here, the logarithms of its sides, its offset
CENTERFACE_NMS_IOU = 0.3  # IoU above which two boxes are the same face
MAX_FACE_PX = 320  # px: a portrait that fills its picture is seen at this size


def detect(grey: Grey, weights: Path, min_confidence: float) -> FloatBoxes:
    """Find faces in `grey` (h, w) at its own size and reduced; confidences are 0 to 1.

    Raises:
        cv2.error: the file is no ONNX network of this kind.
    """
    factors = {1.0, min(1.0, MAX_FACE_PX / max(grey.shape))}
    found = np.concatenate([NO_WINDOWS, *(_detect_at(grey, weights, factor, min_confidence) for factor in factors)])
    kept = (
        cv2.dnn.NMSBoxes(_as_xywh(found), found[:, 4].tolist(), min_confidence, CENTERFACE_NMS_IOU)
        if len(found)
        else []
    )
    return found[np.asarray(kept, int)]


def _detect_at(grey: Grey, weights: Path, factor: float, min_confidence: float) -> FloatBoxes:
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    picture = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    below, right = -size[1] % CENTERFACE_MULTIPLE_PX, -size[0] % CENTERFACE_MULTIPLE_PX
    whole = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE)
    net = cv2.dnn.readNetFromONNX(str(weights))  # one net gives wrong numbers when it is fed a second shape
    net.setInput(cv2.dnn.blobFromImage(cv2.cvtColor(whole, cv2.COLOR_GRAY2BGR)))
    heat, sides, offsets = (np.asarray(output) for output in net.forward(OUTPUTS))
    return _decoded(heat[0, 0], sides[0], offsets[0], min_confidence) / np.array([factor] * 4 + [1.0])


def _decoded(heat: Strength, sides: Strength, offsets: Strength, min_confidence: float) -> FloatBoxes:
    """Return the boxes (n, 5) of the places of the map of middles that are sure enough."""
    row, column = np.nonzero(heat >= min_confidence)
    height, width = np.exp(sides[:, row, column]) * STRIDE_PX
    y = (row + offsets[0, row, column] + 0.5) * STRIDE_PX - height / 2
    x = (column + offsets[1, row, column] + 0.5) * STRIDE_PX - width / 2
    return np.stack([x, y, x + width, y + height, heat[row, column]], axis=1).astype(np.float64)


def _as_xywh(found: FloatBoxes) -> list[list[float]]:
    rows: list[list[float]] = np.column_stack([found[:, :2], found[:, 2:4] - found[:, :2]]).tolist()
    return rows
