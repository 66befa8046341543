"""Text lines: kraken's box segmenter with our separators in place of its own column finder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.errors import TooManyLines
from workers.layout import Separator, TextLine
from workers.parameters import SegmentationParameters
from workers.stages.binarization import WorkingPage
from workers.stages.columns import Columns, draw
from workers.stages.components import PAPER
from workers.stages.headlines import find_headlines
from workers.stages.kraken_core import NoText, find_line_boxes
from workers.stages.kraken_reference import find_line_boxes_reference
from workers.stages.line_boxes import completed
from workers.stages.pictures import line_art
from workers.stages.reading_order import reading_order
from workers.stages.tables import cut_at_cells

Boxes = NDArray[np.int64]
Found = tuple[tuple[TextLine, ...], str | None]


def find_text_lines(page: WorkingPage, columns: Columns, parameters: SegmentationParameters) -> Found:
    """Find the text lines of a page, in reading order, and the reason where there are none.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    reason = why_empty(page)
    if reason is not None:
        return (), reason
    boxes = line_boxes(page, columns)
    check_number(len(boxes), parameters)
    if not len(boxes):
        return (), "no_text_lines"
    boxes = padded(boxes[order(boxes, parameters)], parameters.pad, page.ink.shape[1])
    return tuple(TextLine(box) for box in page.placement.boxes(boxes.astype(np.float64))), None


def line_boxes(page: WorkingPage, columns: Columns) -> Boxes:
    """Return the boxes (n, 4) of all text lines in working pixels: headlines, body text and single words."""
    components = columns.components
    middle = (components.y + components.height // 2, components.x + components.width // 2)
    pictured = (columns.pictures[middle] > 0) | line_art(components)
    headlines = find_headlines(components, columns.barrier, pictured)
    body = columns.ink * (1 - components.mask(headlines.members | headlines.initials))
    found = find_line_boxes(body * np.uint8(255), columns.barrier, scale=page.scale, no_hlines=True).astype(np.int64)
    found = completed(found, headlines.boxes, components, pictured, columns.barrier)
    printed = components.mask((components.kind != PAPER) & ~pictured)
    found = cut_at_cells(found, printed, page.scale, page.pitch)
    return np.concatenate([found, headlines.boxes])


def kraken_lines(
    ink: NDArray[np.uint8], separators: tuple[Separator, ...] | None, parameters: SegmentationParameters
) -> Found:
    """Find text lines with kraken's own functions on the full scan, for comparison.

    Args:
        ink: (h, w), 1 is ink, in pixels of the scan.
        separators: drawn in place of kraken's column finder; None: kraken finds its own.
        parameters: as kraken names them.
    """
    barrier = None if separators is None else draw([np.array(s.path) for s in separators], ink.shape)
    try:
        boxes = find_line_boxes_reference(
            ink * np.uint8(255),
            barrier,
            scale=parameters.scale,
            text_direction=parameters.text_direction,
            maxcolseps=parameters.maxcolseps,
            black_colseps=parameters.black_colseps,
            no_hlines=parameters.no_hlines,
            pad=parameters.pad,
        )
    except NoText as error:
        return (), error.reason
    check_number(len(boxes), parameters)
    raise NotImplementedError


def order(boxes: Boxes, parameters: SegmentationParameters) -> list[int]:
    """Return the reading order of `boxes`."""
    return reading_order(boxes, "rl" if parameters.text_direction.endswith("rl") else "lr")


def why_empty(page: WorkingPage) -> str | None:
    """Return why a page cannot have text lines: `blank`, `black` or `noise`; None where it may have some."""
    share = float(page.ink.mean())
    if share == 0:
        return "black" if int(page.grey.max()) < 64 else "blank"
    if page.scale == 0:
        return "noise" if share > 0.02 else "blank"
    return None


def check_number(lines: int, parameters: SegmentationParameters) -> None:
    """Refuse a page with more lines than any page has.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    if lines > parameters.max_lines:
        raise TooManyLines(
            f"Segmentation gave {lines} text lines, more than {parameters.max_lines}: this is noise or a screened picture; "
            "leave the page out, or raise segmentation.max_lines."
        )


def padded(boxes: Boxes, pad: int, width: int) -> Boxes:
    """Widen boxes by `pad` pixels on the left and on the right, inside the page."""
    return np.stack(
        [np.maximum(boxes[:, 0] - pad, 0), boxes[:, 1], np.minimum(boxes[:, 2] + pad, width), boxes[:, 3]], axis=1
    )
