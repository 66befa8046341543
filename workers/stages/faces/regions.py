"""Where on a page a face can be: in pictures, not in type.

Text lines exclude, but only those that look like type, since a line finder sees lines in photographs too. What is left
must show texture: paper, margins and black borders hold no face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from workers.layout import BoundingBox
from workers.stages.raster.arrays import Grey, Mask, Window

LINE_HEIGHT_PX = 6.0  # the size lines are reduced to; the lengths below are in line heights
MIN_LONG_LINE_HEIGHTS = 4.0  # lines at least this long tell a page of type: those seen in photographs are short
MIN_TYPE_LINES = 5  # a page with fewer long lines of type is a picture
MIN_TYPE_SHARE = 0.6  # of the long lines; where fewer look like type, the line finder has worked on a picture
MAX_PAPER_SPREAD_SHARE = 0.25  # of a line's contrast: its brightest quarter differs by less, it is all paper
# deviation of a line's pixels by the distance of their mean from the paper: few are dark, but very
MIN_TYPE_CONTRAST = 0.6
SHADING_HEIGHTS = 4.0  # within so much there is paper
WORD_HEIGHTS = 2.0  # in a piece of a line this long both ink and paper show
MIN_INK_SHARE, MIN_PAPER_SHARE = 0.03, 0.2  # least shares of them in such a piece
MIN_MIXED_SHARE = 0.7  # of a line's pieces that show both; in a photograph dark and bright lie apart
MIN_TEXTURE_SHARE = 0.06  # of the page's contrast: deviation within a window of two line heights
MIN_PAGE_CONTRAST_GREY = 40.0  # grey levels: a page of less contrast counts as having this much
CLOSING_HEIGHTS, OPENING_HEIGHTS = 1.5, 3.0
MARGIN_HEIGHTS = 1.0  # kept around a region: a portrait fills its picture
MIN_FULL_SHARE = 0.35  # of its box that a region fills; frames and borders fill less and are cut into pieces
MIN_PIECE_HEIGHTS = 10.0  # pieces this small are not cut further
PHOTOGRAPH_PIXELS = 2.5e6  # on a larger photograph the smallest face grows with it
MIN_FACE_HEIGHTS = 2.0  # the smallest face beside type; halftone dots do not show smaller ones
MIN_FACE_PX = 24  # OpenCV's window for faces


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Where to look for faces, how small they can be (pixels of the side), and the lines of type none can be in."""

    regions: tuple[BoundingBox, ...]
    smallest: int
    type_lines: tuple[BoundingBox, ...]


def plan_search(grey: Grey, lines: Sequence[BoundingBox]) -> SearchPlan:
    """Decide where faces can be.

    Args:
        grey: (h, w) uint8, the upright page.
        lines: its text lines, in pixels of `grey`.

    Returns:
        The whole page where there is hardly any type: a photograph.
    """
    height, width = grey.shape
    page = BoundingBox(0, 0, width, height)
    smallest = MIN_FACE_PX * max(1.0, float(np.sqrt(grey.size / PHOTOGRAPH_PIXELS)))
    if len(lines) < MIN_TYPE_LINES:
        return SearchPlan((page,), round(smallest), ())
    line_height = float(np.median([_thickness(line) for line in lines]))
    factor = min(1.0, LINE_HEIGHT_PX / line_height)
    small = _reduced(grey, factor)
    even = _normalise_background(small, line_height * factor)
    type_lines = tuple(line for line in lines if is_type(_around(even, line, factor)))
    if _number_of_long(type_lines) < max(MIN_TYPE_LINES, MIN_TYPE_SHARE * _number_of_long(lines)):
        return SearchPlan((page,), round(smallest), ())
    mask = _textured(small, line_height * factor) & ~_covered(small.shape, type_lines, factor)
    smallest = max(smallest, MIN_FACE_HEIGHTS * line_height)
    boxes = _boxes(_cleaned(mask, line_height * factor), line_height * factor)
    regions = tuple(
        _grown(box, factor, round(MARGIN_HEIGHTS * line_height), page)
        for box in boxes
        if min(box[2:]) >= smallest * factor
    )
    return SearchPlan(regions, round(smallest), type_lines)


def is_type(line: Grey) -> bool:
    """Tell whether the pixels of a line's box look like type: dark ink on much even paper, both all along the line.

    Args:
        line: the box with a little of the white around it, uint8, reduced so that it is about `LINE_HEIGHT_PX` high.
    """
    unevenness, contrast = paper_and_ink(line)
    return (
        unevenness <= MAX_PAPER_SPREAD_SHARE and contrast >= MIN_TYPE_CONTRAST and _shows_both(line) >= MIN_MIXED_SHARE
    )


def paper_and_ink(picture: Grey) -> tuple[float, float]:
    """Return how uneven the brightest quarter of a picture is, and how far its dark pixels stand out.

    The first is 0 for type on even paper, the second high where few pixels are dark, but very: for type and line
    drawings. A picture of one tone counts as uneven and without contrast.
    """
    if picture.size == 0:
        return 1.0, 0.0
    dark, bright, paper = _levels(picture)
    if paper == dark:
        return 1.0, 0.0
    return (paper - bright) / (paper - dark), float(picture.std()) / max(paper - float(picture.mean()), 1.0)


def _levels(picture: Grey) -> tuple[int, int, int]:
    """Return the grey levels below which lie 5 %, 75 % and 90 % of the pixels."""
    values = picture.ravel()
    places = (len(values) // 20, 3 * len(values) // 4, 9 * len(values) // 10)
    dark, bright, paper = np.partition(values, places)[list(places)].tolist()
    return dark, bright, paper


def _shows_both(line: Grey) -> float:
    """Return the share of a line's pieces that show ink and paper."""
    along = line if line.shape[1] >= line.shape[0] else line.T
    dark, _, paper = _levels(line)
    piece = round(WORD_HEIGHTS * LINE_HEIGHT_PX)
    starts = np.arange(0, max(1, along.shape[1] - piece // 2), piece)
    sizes = np.diff(np.append(starts, along.shape[1])) * along.shape[0]
    masks = (along <= (dark + paper) // 2, along >= paper - (paper - dark) // 6)
    ink, white = (np.add.reduceat(mask.sum(axis=0), starts) / sizes for mask in masks)
    return float(np.mean((ink > MIN_INK_SHARE) & (white > MIN_PAPER_SHARE)))


def _reduced(grey: Grey, factor: float) -> Grey:
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def _thickness(line: BoundingBox) -> int:
    """Return the height of a line, also of one that runs from top to bottom."""
    return min(line.width, line.height)


def _normalise_background(small: Grey, line_height: float) -> Grey:
    """Return the page with its shading taken out, so that the paper along a line is of one grey."""
    side = int(SHADING_HEIGHTS * line_height) | 1
    brightest = cv2.dilate(cv2.blur(small, (3, 3)), np.ones((side, side), np.uint8))
    paper = cv2.blur(brightest, (side, side))
    return cv2.divide(small, np.maximum(paper, 1), scale=255)


def _number_of_long(lines: Sequence[BoundingBox]) -> int:
    return sum(max(line.width, line.height) >= MIN_LONG_LINE_HEIGHTS * _thickness(line) for line in lines)


def _around(small: Grey, line: BoundingBox, factor: float) -> Grey:
    """Return the pixels of a line with a quarter of its height around it."""
    x_min, y_min, x_max, y_max = _with_white(line, factor)
    return small[round(y_min) : round(y_max) + 1, round(x_min) : round(x_max) + 1]


def _with_white(line: BoundingBox, factor: float) -> tuple[float, float, float, float]:
    """Return the corners of a line with a quarter of its height around it, in pixels of the reduced page."""
    extra = _thickness(line) / 4
    x_min, y_min = (max(0.0, (low - extra) * factor) for low in (line.x_min, line.y_min))
    return x_min, y_min, (line.x_max + extra) * factor, (line.y_max + extra) * factor


def _covered(shape: tuple[int, ...], lines: Sequence[BoundingBox], factor: float) -> Mask:
    """Return 1 where lines are, with a quarter of their height and a pixel around them."""
    covered = np.zeros(shape, np.uint8)
    for line in lines:
        x_min, y_min, x_max, y_max = _with_white(line, factor)
        left, top, right, bottom = int(x_min - 1), int(y_min - 1), int(np.ceil(x_max + 1)), int(np.ceil(y_max + 1))
        covered[max(0, top) : bottom, max(0, left) : right] = 1
    return covered


def _textured(small: Grey, line_height: float) -> Mask:
    """Return 1 where the page is not even within two line heights."""
    side = int(2 * line_height) | 1
    values = small.astype(np.float32)
    mean = cv2.blur(values, (side, side))
    variance = cv2.sqrBoxFilter(values, -1, (side, side)) - mean * mean
    black, white = np.percentile(small[::4, ::4], [2, 98])
    least = MIN_TEXTURE_SHARE * max(float(white - black), MIN_PAGE_CONTRAST_GREY)
    return np.asarray(variance > least * least, dtype=np.uint8)


def _cleaned(mask: Mask, line_height: float) -> Mask:
    """Close gaps within pictures, then drop what is too small or thin for one."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _square(CLOSING_HEIGHTS * line_height))
    return cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square(OPENING_HEIGHTS * line_height))


def _square(side: float) -> Mask:
    return np.ones((round(side), round(side)), np.uint8)


def _boxes(mask: Mask, line_height: float) -> list[tuple[int, int, int, int]]:
    """Return boxes (x, y, width, height) that together hold every region of the mask."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    boxes = []
    for label, (x, y, width, height, _) in enumerate(stats[1:].tolist(), 1):
        region = labels[y : y + height, x : x + width] == label
        boxes += _pieces(region, x, y, MIN_PIECE_HEIGHTS * line_height)
    return boxes


def _pieces(region: Window, x: int, y: int, smallest: float) -> list[tuple[int, int, int, int]]:
    """Halve a region that fills little of its box until its pieces do."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not len(rows):
        return []
    region = region[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x, y = x + int(columns[0]), y + int(rows[0])
    height, width = region.shape
    if region.mean() >= MIN_FULL_SHARE or max(height, width) < smallest:
        return [(x, y, width, height)]
    if height > width:
        return _pieces(region[: height // 2], x, y, smallest) + _pieces(
            region[height // 2 :], x, y + height // 2, smallest
        )
    return _pieces(region[:, : width // 2], x, y, smallest) + _pieces(
        region[:, width // 2 :], x + width // 2, y, smallest
    )


def _grown(box: tuple[int, int, int, int], factor: float, margin: int, page: BoundingBox) -> BoundingBox:
    x, y, width, height = box
    return BoundingBox(
        max(0, int(x / factor) - margin),
        max(0, int(y / factor) - margin),
        min(page.x_max, int(np.ceil((x + width) / factor)) + margin),
        min(page.y_max, int(np.ceil((y + height) / factor)) + margin),
    )
