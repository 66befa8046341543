"""Other finders of text lines, as they come, for a comparison: PP-OCRv6's detector and tesseract.

Each takes the path of a scan and returns boxes (n, 4), x0, y0, x1, y1, and the processor time it took in seconds, or
None where it is not installed.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from functools import cache
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orchestrator.evaluation.matching import as_boxes
from workers.stages.second_reader.network import text_map
from workers.weights import TEXT_DETECTOR, find_weights

Boxes = NDArray[np.float64]
Reading = tuple[Boxes, float]

# the defaults of rapidocr 3.10, and the size that is usual for pages
LONGEST_SIDE = 2000
IN_TEXT = 0.3
LEAST_SCORE = 0.5
UNCLIP = 1.6
LEAST_SIDE = 3


def paddle(path: Path) -> Reading | None:
    """Read with PP-OCRv6's text detector and its own way from map to boxes (differentiable binarization)."""
    weights = find_weights(TEXT_DETECTOR)
    if weights is None:
        return None
    with Image.open(path) as image:
        grey = np.asarray(image.convert("RGB").convert("L"))
    started = process_time()
    factor = min(1.0, LONGEST_SIDE / max(grey.shape))
    size = (round(grey.shape[1] * factor), round(grey.shape[0] * factor))
    boxes = boxes_of_map(text_map(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA)), weights))
    return boxes / np.tile([size[0] / grey.shape[1], size[1] / grey.shape[0]], 2), process_time() - started


def boxes_of_map(probability: NDArray[np.float32]) -> Boxes:
    """Return the boxes around what is text in a map (h, w), grown back as the network shrank them in training."""
    inside = cv2.dilate((probability > IN_TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = [box for contour in contours if (box := _unclipped(contour, probability)) is not None]
    return np.clip(as_boxes(boxes), 0, np.tile(probability.shape[::-1], 2))


def _unclipped(contour: NDArray[np.int32], probability: NDArray[np.float32]) -> tuple[float, ...] | None:
    middle, (width, height), angle = cv2.minAreaRect(contour)
    corners = cv2.boxPoints((middle, (width, height), angle))
    if min(width, height) < LEAST_SIDE or _mean_inside(corners, probability) < LEAST_SCORE:
        return None
    grown = 2 * width * height * UNCLIP / (2 * (width + height))
    around = cv2.boxPoints((middle, (width + grown, height + grown), angle))
    return (*around.min(axis=0), *around.max(axis=0))


def _mean_inside(corners: NDArray[np.float32], probability: NDArray[np.float32]) -> float:
    x, y, width, height = cv2.boundingRect(corners)
    x0, y0 = max(x, 0), max(y, 0)
    part = probability[y0 : y + height, x0 : x + width]
    mask = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(mask, [(corners - [x0, y0]).astype(np.int32)], 1)
    return cv2.mean(part, mask)[0]


def tesseract(path: Path) -> Reading | None:
    """Read with `tesseract --psm 1`; it reads the words as well, so its time is that of an OCR engine."""
    if not shutil.which("tesseract"):
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["tesseract", str(path), "-", "--psm", "1", "tsv"]
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    table = subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [row.split("\t") for row in table.splitlines()[1:]]
    lines = [[int(value) for value in row[6:10]] for row in rows if row[0] == "4"]
    boxes = as_boxes([(x, y, x + width, y + height) for x, y, width, height in lines])
    return boxes, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@cache
def installed() -> dict[str, bool]:
    """Tell which of them can be measured here."""
    return {"PP-OCRv6": find_weights(TEXT_DETECTOR) is not None, "tesseract": shutil.which("tesseract") is not None}
