"""The segmenter: ink in, boxes of text lines out."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.kraken.boxes import paint
from workers.stages.kraken.columns import black_separators, white_separators
from workers.stages.kraken.components import erase_long_lines, find_kraken_components, letter_boxes, scale_of
from workers.stages.kraken.errors import NoTextError
from workers.stages.kraken.lines import line_boxes
from workers.stages.kraken.seeds import edge_strength, line_seeds
from workers.stages.kraken.strips import padded_to_words, strip_width
from workers.stages.raster.arrays import IntBoxes, Mask, Rectangles
from workers.stages.raster.quarter_turns import QUARTER_TURNS, TextDirection, turned_back


def find_line_boxes(
    ink: Mask,
    separators: Mask | None = None,
    *,
    scale: float | None = None,
    text_direction: TextDirection = "horizontal-lr",
    maxcolseps: int = 2,
    black_colseps: bool = False,
    no_hlines: bool = True,
    pad: int = 0,
) -> IntBoxes:
    """Find the text lines of a bi-level image as kraken's box segmenter does.

    Args:
        ink: (h, w) uint8, 255 is ink and 0 is paper. Not changed.
        separators: (h, w) uint8, not 0 where no line may cross. None: kraken's own column finder decides.
        scale: size of the text in pixels, see `estimate_scale`. None: estimated.
        text_direction: vertical text is turned to lie horizontally.
        maxcolseps: greatest number of white separators, and of black ones, that kraken's finder keeps.
        black_colseps: whether kraken's finder looks for black lines too.
        no_hlines: leave out components wider than ten times `scale`.
        pad: pixels added on both sides of a line along its direction.

    Returns:
        (n, 4) int32 x_min, y_min, x_max, y_max, the latter two exclusive, not yet in reading order. No rows where
        there is text-sized ink but no line.

    Raises:
        NoTextError: `scale` is None and cannot be estimated; `reason` says why.
        ValueError: the arrays do not fit together or a parameter is unknown.
    """
    if text_direction not in QUARTER_TURNS:
        raise ValueError(f"text_direction must be one of {', '.join(QUARTER_TURNS)}, not {text_direction!r}")
    if scale is not None and not scale > 0:
        raise ValueError(f"scale must be a positive number of pixels, not {scale}; leave it out to have it estimated")
    if separators is not None and separators.shape != ink.shape:
        raise ValueError(f"separators must have the shape of the ink {ink.shape}, not {separators.shape}")
    turns = QUARTER_TURNS[text_direction]
    if turns:
        ink = np.ascontiguousarray(np.rot90(ink, turns))
        separators = None if separators is None else np.ascontiguousarray(np.rot90(separators, turns))
    boxes = _horizontal_lines(ink, separators, scale, maxcolseps, black_colseps, no_hlines)
    boxes[:, 0] = np.maximum(boxes[:, 0] - pad, 0)
    boxes[:, 2] = np.minimum(boxes[:, 2] + pad, ink.shape[1])
    return turned_back(boxes, turns, ink.shape[1], ink.shape[0])


def _horizontal_lines(
    ink: Mask, separators: Mask | None, scale: float | None, maxcolseps: int, black_colseps: bool, no_hlines: bool
) -> IntBoxes:
    if not ink.any():
        if scale is None:
            raise NoTextError("blank", "the page has no ink")
        return np.empty((0, 4), np.int32)
    components = find_kraken_components(ink)
    scale = scale_of(components) if scale is None else scale
    if scale is None:
        raise NoTextError("no_text_size", "nothing on the page has the size of a letter, 3 to 100 pixels")
    remains = np.ones(len(components.boxes), np.bool_)
    if no_hlines:
        ink, remains = erase_long_lines(ink, components, scale)
    letters = letter_boxes(components, remains, scale)
    del components  # its labels are the largest array of all
    if separators is None:
        separators = white_separators(ink, scale, maxcolseps)
        if black_colseps:
            black = black_separators(ink, scale, maxcolseps)
            separators, ink = cv2.bitwise_or(separators, black), cv2.subtract(ink, black)
            letters = letter_boxes(find_kraken_components(ink), None, scale)
    return lines_between(ink, letters, separators, scale)


def lines_between(ink: Mask, letters: Rectangles, separators: Mask, scale: float) -> IntBoxes:
    """Find the text lines of horizontal text whose letters are known already: `find_line_boxes` without its first half.

    Args:
        ink: (h, w) uint8, 255 is ink and 0 is paper, without long horizontal lines. Not changed.
        letters: (n, 4) x, y, width, height of the components between 0.5 and 4 times `scale` large.
        separators: (h, w) uint8, not 0 where no line may cross.
        scale: size of the text in pixels.

    Returns:
        (n, 4) int32 x_min, y_min, x_max, y_max, the latter two exclusive, not yet in reading order.
    """
    ink, strip = padded_to_words(ink), strip_width(scale)
    within = np.zeros_like(ink)
    paint(within, letters, 255)
    strength = edge_strength(ink, within, scale, strip)
    closed = cv2.compare(padded_to_words(separators), 0, cv2.CMP_NE)
    return line_boxes(ink, within, letters, line_seeds(strength, closed, scale, strip), scale)
