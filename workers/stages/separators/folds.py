"""Dark bands through the page: the fold between two pages of one scan, the shadow of a binding, the seam of a sheet."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Mask, Stats, Window
from workers.stages.raster.bits import packed, unpacked
from workers.stages.raster.labelling import label_sparse

FOLD_BLOCK_PX = 8  # a band is dark in so many rows, one below the other
MIN_DARK_PITCHES = 6.0  # and goes on so long without a break
MAX_BREAK_PITCHES = 3.0  # breaks that are closed
MIN_FOLD_SHARE = 0.4  # of the page's height
MAX_FOLD_TS = 8.0  # on the average
# of its height, by which its box may be wider than it is thick: slanted by some degrees, or curved
MAX_SLANT_SHARE = 0.15
BESIDE_FOLD_TS = (3.0, 5.0)  # from its edges: beside the dark side of a picture lies more of the picture
MAX_BESIDE_INK_SHARE = 0.35  # that may be ink there, or a picture; text has 0.2
MIN_FROM_EDGE_TS = 2.0  # nearer to the scan's side it is a border
FRAYED_EDGE_TS = 0.4  # at the edge of a shadow, where it looks like a rule of its own


def find_folds(ink: Mask, pictures: Mask, scale: float, pitch: float) -> Mask:
    """Return (h, w), 1 on dark bands that run through most of the page and that no text line crosses.

    Without them the two pages of a spread are read as one, line by line across the fold.

    Args:
        ink: (h, w), 1 is ink; without printed rules.
        pictures: (h, w), 1 where a picture lies.
        scale: text scale in pixels.
        pitch: distance of text lines in pixels.
    """
    height, width = ink.shape
    blocks = height // FOLD_BLOCK_PX
    if blocks == 0:
        return np.zeros_like(ink)
    bits = packed(ink[: blocks * FOLD_BLOCK_PX])
    dark = unpacked(np.bitwise_and.reduce(bits.reshape(blocks, FOLD_BLOCK_PX, -1), axis=1), width)
    dark = cv2.morphologyEx(
        dark, cv2.MORPH_OPEN, np.ones((max(1, round(MIN_DARK_PITCHES * pitch / FOLD_BLOCK_PX)), 1), np.uint8)
    )
    dark = cv2.morphologyEx(
        dark, cv2.MORPH_CLOSE, np.ones((max(1, round(MAX_BREAK_PITCHES * pitch / FOLD_BLOCK_PX)), 3), np.uint8)
    )
    labelled = label_sparse(np.ascontiguousarray(dark))
    x, _, across, down, area = labelled.stats.astype(np.int64).T
    thickness = area / np.maximum(down, 1)
    chosen = (thickness <= MAX_FOLD_TS * scale) & (across <= thickness + MAX_SLANT_SHARE * FOLD_BLOCK_PX * down)
    chosen &= (
        (FOLD_BLOCK_PX * down >= MIN_FOLD_SHARE * height)
        & (x > MIN_FROM_EDGE_TS * scale)
        & (x + across < width - MIN_FROM_EDGE_TS * scale)
    )
    chosen[0] = False
    every = slice(FOLD_BLOCK_PX // 2, blocks * FOLD_BLOCK_PX, FOLD_BLOCK_PX)
    inked = ink[every] | pictures[every]
    for number, own in zip(np.flatnonzero(chosen), labelled.windows(np.flatnonzero(chosen)), strict=True):
        chosen[number] = _is_free(own, inked, labelled.stats[number], scale)
    folds = np.zeros_like(ink)
    wider = np.ones((1, 2 * round(FRAYED_EDGE_TS * scale) + 1), np.uint8)
    folds[: blocks * FOLD_BLOCK_PX] = np.repeat(cv2.dilate(labelled.mask(chosen), wider), FOLD_BLOCK_PX, axis=0)
    return folds


def _is_free(own: Window, inked: Mask, stats: Stats, scale: float) -> bool:
    """Tell whether no picture lies on either side of a band, `own` (rows, columns) of the box in `stats`."""
    x, y = stats[:2].tolist()
    rows = np.flatnonzero(own.any(axis=1))
    first, last = own[rows].argmax(axis=1), own.shape[1] - 1 - own[rows, ::-1].argmax(axis=1)
    reach = np.arange(round(BESIDE_FOLD_TS[0] * scale), round(BESIDE_FOLD_TS[1] * scale))
    for columns in (x + first[:, None] - reach, x + last[:, None] + reach):
        inside = np.clip(columns, 0, inked.shape[1] - 1)
        if inked[(y + rows)[:, None], inside].mean() > MAX_BESIDE_INK_SHARE:
            return False
    return True
