"""The pictures of a page as things of their own, out of the mask that keeps lines from being found in them."""

from __future__ import annotations

import cv2
import numpy as np

from workers.layout import Picture, PictureKind
from workers.stages.binarization.deskew import PageTransform
from workers.stages.raster.arrays import Mask, Stats, Truths, Window
from workers.stages.raster.labelling import label_sparse
from workers.stages.separators.pictures import MIN_PAPER_GREY, brightest_near

MIN_PICTURE_TS = 8.0  # text scales: smaller ornaments and stains are no pictures
MIN_FILLED_SHARE = 0.4  # share of its box; frames and borders cover less
MAX_BORDER_SHARE = 0.06  # of the page: a strip so narrow along the scan's edge is its border
MIN_HALFTONE_SHARE = 0.35  # share of its area without white paper from which a picture is a photograph
OUTLINE_TOLERANCE_PX = 2.0  # working pixels by which an outline may be off


def found_pictures(grey: Mask, pictures: Mask, scale: float, placement: PageTransform) -> tuple[Picture, ...]:
    """Return the pictures, from the head of the page to its foot.

    Args:
        grey: (h, w) uint8, the upright page, its paper evenly white.
        pictures: (h, w) uint8, 1 where a picture or a black border lies.
        scale: text scale in working pixels; 0 on a page that has no text.
        placement: the way back to the scan.
    """
    if not scale or not pictures.any():
        return ()
    labelled = label_sparse(pictures)
    x, y, width, height, area = labelled.stats.T
    least = MIN_PICTURE_TS * scale
    chosen = (np.minimum(width, height) >= least) & (area >= MIN_FILLED_SHARE * width * height)
    chosen &= ~_is_border(labelled.stats, pictures.shape)
    chosen[0] = False
    numbers = np.flatnonzero(chosen)
    found = [
        _picture(grey, own, (int(x[n]), int(y[n])), scale, placement)
        for n, own in zip(numbers, labelled.windows(numbers), strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (one.bbox.y_min, one.bbox.x_min)))


def _is_border(stats: Stats, shape: tuple[int, ...]) -> Truths:
    x, y, width, height, _ = stats.T
    page_height, page_width = shape
    beside = ((x <= 2) | (x + width >= page_width - 2)) & (width < MAX_BORDER_SHARE * page_width)
    along = ((y <= 2) | (y + height >= page_height - 2)) & (height < MAX_BORDER_SHARE * page_height)
    return beside | along


def _picture(grey: Mask, own: Window, corner: tuple[int, int], scale: float, placement: PageTransform) -> Picture:
    x, y = corner
    height, width = own.shape
    (box,) = placement.boxes(np.array([[x, y, x + width, y + height]], np.float64))
    contours, _ = cv2.findContours(own.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = cv2.approxPolyDP(max(contours, key=cv2.contourArea), OUTLINE_TOLERANCE_PX, True)[:, 0] + np.array(corner)
    kind = _kind(grey[y : y + height, x : x + width], own, scale)
    share = float(np.count_nonzero(own)) / grey.size
    return Picture(box, placement.points(outline.astype(np.float64)), kind, share)


def _kind(grey: Mask, own: Window, scale: float) -> PictureKind:
    without_white = (brightest_near(grey, scale) < MIN_PAPER_GREY)[own]
    return "photograph" if float(without_white.mean()) > MIN_HALFTONE_SHARE else "other"
