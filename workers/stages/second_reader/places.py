"""Where on a page the second reader is to look: the places whose letters the lines do not explain."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Boxes, Counts, Truths
from workers.stages.raster.groups import numbered_groups, ragged
from workers.stages.second_reader.doubt import Judgement
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.separators.components import TEXT

CELL_TS = 6.0  # text scales, side of the cells in which letters are counted, three by three
MIN_DOUBTFUL_LETTERS = 4.0  # in three by three cells
MIN_DOUBTFUL_SHARE = 0.3  # of the letters there
MAX_PLACES_SHARE = 0.6  # of the text's extent: from there on all of it is looked at at once
MARGIN_TS = 4.0  # text scales around a place that the network sees, too: at an edge it sees half a word


def text_extent(evidence: PageEvidence) -> Boxes:
    """Return the box (1, 4) around all that has the size of text and more; what touches the scan's edges is none."""
    c = evidence.components
    boxes = c.boxes[(c.kind >= TEXT) & ~c.on_edge]
    if not len(boxes):
        return np.array([[0, 0, *evidence.ink.shape[::-1]]])
    return widened(np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None], evidence)


def doubtful_places(lines: Boxes, judged: Judgement, evidence: PageEvidence) -> Boxes:
    """Return the boxes (n, 4) that hold the letters which the lines (m, 4) of a page do not explain.

    They hold each line that reaches into them as a whole, and do not overlap.
    """
    middles = np.stack(evidence.components.middle, axis=1)
    against = np.concatenate([middles[judged.doubtful_letters], _along(lines[judged.against], evidence.scale)])
    doubtful = _in_cells(against, evidence)
    letters = doubtful + _in_cells(middles[judged.letter & ~judged.doubtful_letters], evidence)
    cells = (doubtful >= MIN_DOUBTFUL_LETTERS) & (doubtful >= MIN_DOUBTFUL_SHARE * letters)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    x, y, width, height, _ = stats[1:].T
    side = CELL_TS * evidence.scale
    places = np.rint(np.stack([x, y, x + width, y + height], axis=1) * side).astype(np.int64)
    places = _apart(_with_whole_lines(_inside_page(places, evidence), lines))
    extent = text_extent(evidence)
    return extent if _area(places) > MAX_PLACES_SHARE * _area(extent) else places


def within(boxes: Boxes, places: Boxes) -> Truths:
    """Tell which boxes (n, 4) have their middle in one of the places (m, 4)."""
    x, y = ((boxes[:, k] + boxes[:, k + 2]) / 2 for k in (0, 1))
    across = (x[:, None] >= places[:, 0]) & (x[:, None] < places[:, 2])
    return np.asarray((across & (y[:, None] >= places[:, 1]) & (y[:, None] < places[:, 3])).any(axis=1))


def widened(places: Boxes, evidence: PageEvidence) -> Boxes:
    """Return the places (n, 4) with what the network must see around them, inside the page."""
    margin = round(MARGIN_TS * evidence.scale)
    return _inside_page(places + np.array([-margin, -margin, margin, margin]), evidence)


def _along(lines: Boxes, scale: float) -> Counts:
    """Return (n, 2) rows and columns along the middles of lines (m, 4), as far apart as letters stand.

    In a line with something against it that has hardly a letter, they stand for those that it seems to have.
    """
    number, place = ragged(np.ceil((lines[:, 2] - lines[:, 0]) / (2 * scale)).astype(np.int64))
    rows = (lines[number, 1] + lines[number, 3]) // 2
    return np.stack([rows, lines[number, 0] + (place * 2 * scale).astype(np.int64)], axis=1)


def _in_cells(points: Counts, evidence: PageEvidence) -> NDArray[np.float32]:
    """Return for each cell of the page how many of the points (n, 2; rows, columns) lie in it or a neighbour of it."""
    side, (height, width) = CELL_TS * evidence.scale, evidence.ink.shape
    shape = int(height / side) + 1, int(width / side) + 1
    y, x = (points / side).astype(np.int64).T
    count = np.bincount(y * shape[1] + x, minlength=shape[0] * shape[1]).reshape(shape)
    return cv2.boxFilter(count.astype(np.float32), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)


def _with_whole_lines(places: Boxes, lines: Boxes) -> Boxes:
    grown = places.copy()
    for number, row in enumerate(overlap(places, lines)):
        grown[number, :2] = np.minimum(places[number, :2], lines[row, :2].min(axis=0, initial=2**30))
        grown[number, 2:] = np.maximum(places[number, 2:], lines[row, 2:].max(axis=0, initial=0))
    return grown


def overlap(boxes: Boxes, others: Boxes) -> Truths:
    """Tell (n, m) which of the boxes (n, 4) and of the others (m, 4) share an area."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    return np.asarray(((low < others[:, 2:]) & (high > others[:, :2])).all(axis=2))


def _apart(places: Boxes) -> Boxes:
    """Return the boxes with those that overlap joined, until none does."""
    while len(places):
        group = numbered_groups(len(places), *np.nonzero(overlap(places, places)))
        count = int(group.max()) + 1
        if count == len(places):
            break
        joined = np.tile(np.array([2**30, 2**30, 0, 0]), (count, 1))
        np.minimum.at(joined[:, :2], group, places[:, :2])
        np.maximum.at(joined[:, 2:], group, places[:, 2:])
        places = joined
    return places


def _inside_page(places: Boxes, evidence: PageEvidence) -> Boxes:
    height, width = evidence.ink.shape
    return places.clip(0, [width, height, width, height])


def _area(places: Boxes) -> int:
    return int(((places[:, 2] - places[:, 0]) * (places[:, 3] - places[:, 1])).sum())
