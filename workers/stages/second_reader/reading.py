"""The second look at a page: the network's map in the frame of the upright working page, and its lines with ours."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from workers.stages.binarization.working_page import WorkingPage
from workers.stages.raster.arrays import Boxes, Grey
from workers.stages.raster.quarter_turns import turned
from workers.stages.raster.warp import warped
from workers.stages.second_reader.doubt import DOUBTFUL, doubt_in, judge, measure_doubt
from workers.stages.second_reader.joining import join
from workers.stages.second_reader.map_lines import lines_of_map
from workers.stages.second_reader.network import TextMap, text_map
from workers.stages.second_reader.places import doubtful_places, text_extent, widened, within
from workers.stages.segmentation.noise import drop_facing_page, drop_show_through
from workers.stages.segmentation.text_lines import Reading

READING_SCALE_PX = 9.0  # the text scale at which the network reads well; at 6 px it runs rows of small type together
VERTICAL_READING_SCALE_PX = 14.0  # the characters of vertical scripts have more strokes
MAX_READ_PIXELS = 3e6  # about two seconds of one processor
NOWHERE = np.zeros((0, 4), np.int64)


@dataclass(frozen=True, slots=True)
class Doubts:
    """How doubtful a first reading is, 0 to 1, None on a page with nothing of the size of text; where to read again."""

    total: float | None
    places: Boxes


def doubts_of(reading: Reading, when: Literal["auto", "always", "never"]) -> Doubts:
    """Return how doubtful a first reading is, and the places (n, 4) that are to be read again.

    A page that is doubtful as a whole is read again as far as its text extends, any other where its lines do not
    explain its letters.
    """
    evidence = reading.evidence
    if evidence is None:
        return Doubts(None, NOWHERE)
    judged = judge(reading.lines, evidence)
    doubt = doubt_in(judged).total
    if when == "never":
        return Doubts(doubt, NOWHERE)
    if when == "always" or doubt >= DOUBTFUL:
        return Doubts(doubt, text_extent(evidence))
    return Doubts(doubt, doubtful_places(reading.lines, judged, evidence))


def doubt_left(reading: Reading) -> float | None:
    """Return how doubtful a page is that was read again, 0 to 1: letters in no line, and lines over a gutter.

    The other signs were what the second look decided on: rows of advertisements do begin in the midst of others, and
    the boxes of the second reader are higher than ours.
    """
    if reading.evidence is None:
        return None
    doubt = measure_doubt(reading.lines, reading.evidence)
    return 1.0 - (1.0 - doubt.left_out) * (1.0 - doubt.over_gaps)


def read_again(grey: Grey, page: WorkingPage, first: Reading, places: Boxes, weights: Path) -> Reading:
    """Return the lines of both readers of a page, of which at least a first reading gave evidence.

    Args:
        grey: (h, w) uint8, the scan: show-through is paler there than on a page made even.
        page: the upright page at working size.
        first: the first reading.
        places: (n, 4) in working pixels; outside of them the first reading stays.
        weights: of the network.
    """
    evidence = first.evidence
    assert evidence is not None
    theirs = lines_of_map(upright_map(grey, page, widened(places, evidence), weights), evidence.barrier)
    asked = within(first.lines, places)
    theirs = theirs[within(theirs, places) & ~within(theirs, first.lines[~asked])]
    joined = join(first.lines[asked], theirs, evidence)
    joined = drop_facing_page(np.concatenate([first.lines[~asked], joined]), evidence)
    lines = drop_show_through(joined, evidence)
    return Reading(lines, None if len(lines) else first.reason or "no_text_lines", evidence)


def upright_map(grey: Grey, page: WorkingPage, places: Boxes, weights: Path) -> TextMap:
    """Return the network's map of a scan, turned and cut as the working page is, at the size the network read.

    It is 0 outside of the places (n, 4) of the working page.
    """
    matrix = np.array(page.placement.to_original)
    pixel = float(np.hypot(*matrix[:, 0]))
    standing = abs(matrix[0, 0]) < abs(matrix[1, 0]) and not page.turns
    factor = reading_factor(grey.size, page.scale * pixel, VERTICAL_READING_SCALE_PX if standing else READING_SCALE_PX)
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    # a scan that lies on its side is read upright; vertical text stands on the scan as it is read
    upright = np.ascontiguousarray(np.rot90(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), page.turns))
    on_scan = np.array([astuple(box) for box in page.placement.boxes(places.astype(np.float64))]).reshape(-1, 4)
    read = turned(np.rint(on_scan * factor).astype(np.int64), page.turns, *size)
    seen = np.ascontiguousarray(np.rot90(text_map(upright, weights, read), -page.turns))
    step = pixel * factor
    to_map = np.diag([size[0] / grey.shape[1], size[1] / grey.shape[0]]) @ matrix @ np.diag([1 / step, 1 / step, 1])
    wanted = max(1, round(page.ink.shape[1] * step)), max(1, round(page.ink.shape[0] * step))
    return warped(seen, to_map[:2], wanted, cv2.BORDER_CONSTANT)


def reading_factor(pixels: int, scale: float, wanted: float = READING_SCALE_PX) -> float:
    """Return the factor to the size the network reads at, from a scan's size in pixels and its text scale."""
    enough = wanted / scale if scale else 1.0
    return min(1.0, enough, float(np.sqrt(MAX_READ_PIXELS / pixels)))
