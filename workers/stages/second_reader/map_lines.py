"""From a map of text to boxes of lines, as differentiable binarization has it (Liao et al. 2020)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Boxes, Mask
from workers.stages.second_reader.network import TextMap

MIN_PIXEL_PROBABILITY = 0.3  # probability: the published threshold of a pixel
MIN_LINE_PROBABILITY = 0.5  # and of the mean of a box
UNCLIP_RATIO = 1.6  # the published ratio by which boxes are grown back: area by outline
JOINED_ALONG_PX = 3  # px of the map: pieces of one line are joined over so much less one
MIN_SIDE_PX = 2  # px of the map: less is no letter


def lines_of_map(probability: TextMap, barrier: Mask) -> Boxes:
    """Return the boxes (n, 4) of text lines of a map (h, w), in pixels of a page that `barrier` parts (1 on it).

    The network is trained on outlines that were shrunk, so that lines do not touch in its map; the boxes are grown
    back. Pieces a pixel apart along the line are one, as they are not across it.
    """
    parted = cv2.resize(barrier, probability.shape[::-1], interpolation=cv2.INTER_AREA)
    inside = cv2.dilate((probability > MIN_PIXEL_PROBABILITY).astype(np.uint8), np.ones((1, JOINED_ALONG_PX), np.uint8))
    inside[parted > 0] = 0
    contours, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = [box for contour in contours if (box := _box(contour, probability)) is not None]
    factor = np.tile([barrier.shape[1] / inside.shape[1], barrier.shape[0] / inside.shape[0]], 2)
    limit = np.tile(np.array(barrier.shape[::-1]), 2)
    boxes = np.clip(np.rint(np.array(found, np.float64).reshape(-1, 4) * factor), 0, limit).astype(np.int64)
    return _within_separators(boxes, barrier)


def _within_separators(boxes: Boxes, barrier: Mask) -> Boxes:
    """Return the boxes cut at the separators beside their middles, over which growing back may have led."""
    cut = boxes.copy()
    for number, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        middle = (x0 + x1) // 2 - x0
        crossed = np.flatnonzero(barrier[(y0 + y1) // 2, x0:x1])
        cut[number, 0] += crossed[crossed < middle].max(initial=-1) + 1
        cut[number, 2] = x0 + crossed[crossed > middle].min(initial=x1 - x0)
    return cut


def _box(contour: NDArray[np.int32], probability: TextMap) -> tuple[float, ...] | None:
    """Return the upright box around a line of the map, which may be slanted; None where it is none."""
    middle, (width, height), angle = cv2.minAreaRect(contour)
    corners = cv2.boxPoints((middle, (width, height), angle))
    if min(width, height) < MIN_SIDE_PX or _mean_inside(corners, probability) < MIN_LINE_PROBABILITY:
        return None
    grown = UNCLIP_RATIO * width * height / (width + height)
    around = cv2.boxPoints((middle, (width + grown, height + grown), angle))
    return (*around.min(axis=0), *around.max(axis=0))


def _mean_inside(corners: NDArray[np.float32], probability: TextMap) -> float:
    """Return the mean of the map inside a slanted box."""
    x, y, width, height = cv2.boundingRect(corners)
    x, y = max(x, 0), max(y, 0)
    part = probability[y : y + height, x : x + width]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, [(corners - [x, y]).astype(np.int32)], 1)
    return cv2.mean(part, inside)[0]
