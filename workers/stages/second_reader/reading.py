"""The second look at a page: the network's map in the frame of the upright working page, and its lines with ours."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from workers.stages.binarization.working_page import WorkingPage
from workers.stages.raster.arrays import Grey
from workers.stages.raster.warp import warped
from workers.stages.second_reader.doubt import DOUBTFUL, measure_doubt
from workers.stages.second_reader.joining import join
from workers.stages.second_reader.map_lines import lines_of_map
from workers.stages.second_reader.network import TextMap, text_map
from workers.stages.segmentation.noise import drop_facing_page, drop_low_contrast
from workers.stages.segmentation.text_lines import Reading

READING_SCALE_PX = 9.0  # the text scale at which the network reads well; at 6 px it runs rows of small type together
VERTICAL_READING_SCALE_PX = 14.0  # the characters of vertical scripts have more strokes
MAX_READ_PIXELS = 3e6  # about two seconds of one processor


def asks(doubt: float, when: Literal["auto", "always", "never"]) -> bool:
    """Tell whether a page with something of the size of text on it is to be read again."""
    return when == "always" or (when == "auto" and doubt >= DOUBTFUL)


def doubt_of(reading: Reading) -> float | None:
    """Return how doubtful a first reading is, 0 to 1; None on a page with nothing of the size of text."""
    return None if reading.evidence is None else measure_doubt(reading.lines, reading.evidence).total


def doubt_left(reading: Reading) -> float | None:
    """Return how doubtful a page is that was read again, 0 to 1: the share of its letters in no line.

    The other signs were what the second look decided on: rows of advertisements do begin in the midst of others, and
    the boxes of the second reader are higher than ours.
    """
    return None if reading.evidence is None else measure_doubt(reading.lines, reading.evidence).left_out


def read_again(grey: Grey, page: WorkingPage, first: Reading, weights: Path) -> Reading:
    """Return the lines of both readers of a page, of which at least a first reading gave evidence.

    Args:
        grey: (h, w) uint8, the scan: show-through is paler there than on a page made even.
        page: the upright page at working size.
        first: the first reading.
        weights: of the network.
    """
    assert first.evidence is not None
    theirs = lines_of_map(upright_map(grey, page, weights), first.evidence.barrier)
    joined = drop_facing_page(join(first.lines, theirs, first.evidence), first.evidence)
    lines = drop_low_contrast(joined, first.evidence)
    return Reading(lines, None if len(lines) else first.reason or "no_text_lines", first.evidence)


def upright_map(grey: Grey, page: WorkingPage, weights: Path) -> TextMap:
    """Return the network's map of a scan, turned and cut as the working page is, at the size the network read."""
    matrix = np.array(page.placement.to_original)
    pixel = float(np.hypot(*matrix[:, 0]))
    standing = abs(matrix[0, 0]) < abs(matrix[1, 0]) and not page.turns
    factor = reading_factor(grey.size, page.scale * pixel, VERTICAL_READING_SCALE_PX if standing else READING_SCALE_PX)
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    # a scan that lies on its side is read upright; vertical text stands on the scan as it is read
    upright = np.ascontiguousarray(np.rot90(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), page.turns))
    seen = np.ascontiguousarray(np.rot90(text_map(upright, weights), -page.turns))
    step = pixel * factor
    to_map = np.diag([size[0] / grey.shape[1], size[1] / grey.shape[0]]) @ matrix @ np.diag([1 / step, 1 / step, 1])
    wanted = max(1, round(page.ink.shape[1] * step)), max(1, round(page.ink.shape[0] * step))
    return warped(seen, to_map[:2], wanted, cv2.BORDER_CONSTANT)


def reading_factor(pixels: int, scale: float, wanted: float = READING_SCALE_PX) -> float:
    """Return the factor to the size the network reads at, from a scan's size in pixels and its text scale."""
    enough = wanted / scale if scale else 1.0
    return min(1.0, enough, float(np.sqrt(MAX_READ_PIXELS / pixels)))
