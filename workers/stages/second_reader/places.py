"""Where on a page the second reader is to look: the places whose letters the lines do not explain."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Boxes, Mask, Truths
from workers.stages.raster.groups import numbered_groups
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
    doubtful, letters = (_in_cells(chosen, evidence) for chosen in (judged.doubtful_letters, judged.letter))
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


def _in_cells(chosen: Truths, evidence: PageEvidence) -> Mask:
    """Return for each cell of the page how many of the chosen components lie in it and in its eight neighbours."""
    side, (height, width) = CELL_TS * evidence.scale, evidence.ink.shape
    shape = int(height / side) + 1, int(width / side) + 1
    y, x = (np.asarray(middle[chosen] / side, np.int64) for middle in evidence.components.middle)
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
