"""Dark bands through the page: the fold between two pages of one scan, the shadow of a binding, the seam of a sheet."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Mask, Stats, Window
from workers.stages.raster.bits import packed, unpacked
from workers.stages.raster.labelling import label_sparse

ROWS = 8  # px: a band is dark in so many rows, one below the other
DARK = 6.0  # line pitches: and goes on so long without a break
BREAK = 3.0  # line pitches: breaks that are closed
LONG = 0.4  # of the page's height
THICK = 8.0  # text scales, on the average
STRAIGHT = 0.15  # of its height, by which its box may be wider than it is thick: slanted by some degrees, or curved
BESIDE = (3.0, 5.0)  # text scales from its edges: beside the dark side of a picture lies more of the picture
INKED = 0.35  # share that may be ink there, or a picture; text has 0.2
EDGE = 2.0  # text scales: nearer to the scan's side it is a border
FRAYED = 0.4  # text scales: at the edge of a shadow, where it looks like a rule of its own


def find_folds(ink: Mask, pictures: Mask, scale: float, pitch: float) -> Mask:
    """Return (h, w), 1 on dark bands that run through most of the page and that no text line crosses.

    Args:
        ink: (h, w), 1 is ink; without printed rules.
        pictures: (h, w), 1 where a picture lies.
        scale: text scale in pixels.
        pitch: distance of text lines in pixels.
    """
    height, width = ink.shape
    blocks = height // ROWS
    if blocks == 0:
        return np.zeros_like(ink)
    bits = packed(ink[: blocks * ROWS])
    dark = unpacked(np.bitwise_and.reduce(bits.reshape(blocks, ROWS, -1), axis=1), width)
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((max(1, round(DARK * pitch / ROWS)), 1), np.uint8))
    dark = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((max(1, round(BREAK * pitch / ROWS)), 3), np.uint8))
    labelled = label_sparse(np.ascontiguousarray(dark))
    x, _, across, down, area = labelled.stats.astype(np.int64).T
    thickness = area / np.maximum(down, 1)
    chosen = (thickness <= THICK * scale) & (across <= thickness + STRAIGHT * ROWS * down)
    chosen &= (ROWS * down >= LONG * height) & (x > EDGE * scale) & (x + across < width - EDGE * scale)
    chosen[0] = False
    every = slice(ROWS // 2, blocks * ROWS, ROWS)
    inked = ink[every] | pictures[every]
    for number, own in zip(np.flatnonzero(chosen), labelled.windows(np.flatnonzero(chosen)), strict=True):
        chosen[number] = _is_free(own, inked, labelled.stats[number], scale)
    folds = np.zeros_like(ink)
    wider = np.ones((1, 2 * round(FRAYED * scale) + 1), np.uint8)
    folds[: blocks * ROWS] = np.repeat(cv2.dilate(labelled.mask(chosen), wider), ROWS, axis=0)
    return folds


def _is_free(own: Window, inked: Mask, stats: Stats, scale: float) -> bool:
    """Tell whether no picture lies on either side of a band, `own` (rows, columns) of the box in `stats`."""
    x, y = stats[:2].tolist()
    rows = np.flatnonzero(own.any(axis=1))
    first, last = own[rows].argmax(axis=1), own.shape[1] - 1 - own[rows, ::-1].argmax(axis=1)
    reach = np.arange(round(BESIDE[0] * scale), round(BESIDE[1] * scale))
    for columns in (x + first[:, None] - reach, x + last[:, None] + reach):
        inside = np.clip(columns, 0, inked.shape[1] - 1)
        if inked[(y + rows)[:, None], inside].mean() > INKED:
            return False
    return True
