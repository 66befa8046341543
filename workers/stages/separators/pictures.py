"""Where pictures lie: halftones, wood engravings and line drawings, black borders. They yield no text lines.

A halftone has no white paper in it. Line art is made of large components whose strokes are too thin or too thick for
letters of their height.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Bits, Grey, Mask, Truths, Window
from workers.stages.raster.bits import unpacked
from workers.stages.raster.labelling import label_sparse
from workers.stages.separators.components import LARGE, Components

MIN_DRAWING_TS = 5.0  # smaller pieces are left to the line finder
MIN_DRAWING_RATIO = 0.3  # of that, in their shorter direction
MIN_PAPER_GREY = 190  # of 255, after the paper was made even; text shows whiter paper between its lines
WHITE_WINDOW_TS = 2.0  # in such a window text shows its paper
MIN_HALFTONE_TS = 4.0  # smaller dark spots are heavy type
MAX_DRAWING_GAP_TS = 2.5  # gaps within line art that are closed
MIN_FILLED_SHARE = 0.4  # of its box that a picture covers; a frame around text covers less
MIN_FILLED_TS = 8.0
MIN_BOXED_SHARE = 0.9  # of its box that the outline of a picture with four corners covers; an oval covers less
MASK_BLOCK_PX = 3  # the mask is made on blocks of this many pixels


def find_pictures(grey: Grey, components: Components, drawings: Truths) -> Mask:
    """Return (h, w), 1 where a picture or a black border lies.

    Without it the tones of a photograph and the strokes of a drawing are numbered into the reading order as lines.

    Args:
        grey: (h, w) uint8, its paper made evenly white.
        components: of the same page without its printed rules.
        drawings: which of them are line art, see `line_art`.
    """
    height, width = grey.shape
    size = (max(1, width // MASK_BLOCK_PX), max(1, height // MASK_BLOCK_PX))
    scale = components.scale / MASK_BLOCK_PX
    whole = grey[: size[1] * MASK_BLOCK_PX, : size[0] * MASK_BLOCK_PX]  # exact blocks are averaged several times faster
    blocks = _halftone(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), scale)
    if drawings.any():
        drawn = _any_in_blocks(components.labelled.bits(drawings), size)
        blocks |= cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, _box(MAX_DRAWING_GAP_TS * scale))
    blocks = _filled(blocks, scale)
    return cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)


def _any_in_blocks(bits: Bits, size: tuple[int, int]) -> Mask:
    """Return the blocks, `size` (width, height) of them, in which any bit is set."""
    rows = np.bitwise_or.reduce(bits[: size[1] * MASK_BLOCK_PX].reshape(size[1], MASK_BLOCK_PX, -1), axis=1)
    pixels = unpacked(rows, size[0] * MASK_BLOCK_PX)
    return np.bitwise_or.reduce([pixels[:, k::MASK_BLOCK_PX] for k in range(MASK_BLOCK_PX)])


def _filled(blocks: Mask, scale: float) -> Mask:
    """Fill the outline of each picture, so that its sky and its frayed edges belong to it; frames stay open."""
    labelled = label_sparse(blocks)
    _, _, width, height, area = labelled.stats.T
    whole = (np.minimum(width, height) >= MIN_FILLED_TS * scale) & (area >= MIN_FILLED_SHARE * width * height)
    whole[0] = False
    chosen = np.flatnonzero(whole)
    for (x, y, width, height, _), own in zip(labelled.stats[chosen].tolist(), labelled.windows(chosen), strict=True):
        outline = cv2.convexHull(_outermost(own))
        if cv2.contourArea(outline) >= MIN_BOXED_SHARE * (width - 1) * (height - 1):
            blocks[y : y + height, x : x + width] = 1  # a light corner too
        else:
            cv2.fillConvexPoly(blocks[y : y + height, x : x + width], outline, 1)
    return blocks


def _outermost(own: Window) -> NDArray[np.int32]:
    """Return the first and the last pixel of each row, (n, 2) x, y: they alone span the outline."""
    rows = np.arange(len(own))
    first, last = own.argmax(axis=1), own.shape[1] - 1 - own[:, ::-1].argmax(axis=1)
    return np.stack([np.append(first, last), np.append(rows, rows)], axis=1).astype(np.int32)


def line_art(components: Components) -> Truths:
    """Return which components are drawings, frames or borders."""
    c = components
    side = np.maximum(c.width, c.height) > MIN_DRAWING_TS * c.scale
    thick_enough = np.minimum(c.width, c.height) > MIN_DRAWING_RATIO * MIN_DRAWING_TS * c.scale
    border = c.on_edge & side
    return (c.kind == LARGE) & ((side & thick_enough & ~c.letterlike & ~(c.bold_strokes & c.touching_words)) | border)


def brightest_near(grey: Grey, scale: float) -> Grey:
    """Return for each pixel of (h, w) the brightest around it, as far as text shows its paper."""
    return cv2.dilate(grey, _box(WHITE_WINDOW_TS * scale))


def _halftone(grey: Grey, scale: float) -> Mask:
    """Return where no white paper shows."""
    dark = (brightest_near(grey, scale) < MIN_PAPER_GREY).astype(np.uint8)
    dark = cv2.dilate(dark, _box(WHITE_WINDOW_TS * scale))
    return cv2.morphologyEx(dark, cv2.MORPH_OPEN, _box(MIN_HALFTONE_TS * scale))


def _box(side: float) -> Mask:
    return np.ones((max(1, round(side)), max(1, round(side))), np.uint8)
