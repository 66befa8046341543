"""Text lines: kraken's box segmenter with our separators in place of its own column finder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.errors import TooManyLines
from workers.layout import TextLine
from workers.parameters import SegmentationParameters
from workers.stages.binarization import WorkingPage
from workers.stages.columns import Columns
from workers.stages.headlines import find_headlines
from workers.stages.kraken_original import original_line_boxes
from workers.stages.pictures import line_art
from workers.stages.reading_order import reading_order

Boxes = NDArray[np.int64]
MOST_SPECKS = 1 / 150  # components a pixel at working size; dense small type has one for 300


def find_text_lines(
    page: WorkingPage, columns: Columns, parameters: SegmentationParameters
) -> tuple[tuple[TextLine, ...], str | None]:
    """Find the text lines of a page, in reading order, and the reason where there are none.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    reason = why_empty(page)
    if reason is not None:
        return (), reason
    components = columns.components
    middle = (components.y + components.height // 2, components.x + components.width // 2)
    pictured = (columns.pictures[middle] > 0) | line_art(components)
    headlines = find_headlines(components, columns.barrier, pictured)
    body = columns.ink * (1 - components.mask(headlines.members | headlines.initials))
    boxes = np.concatenate([original_line_boxes(body, columns.barrier, page.scale), headlines.boxes])
    check_number(len(boxes), parameters)
    if not len(boxes):
        return (), "no_text_lines"
    order = reading_order(boxes, "rl" if parameters.text_direction.endswith("rl") else "lr")
    boxes = padded(boxes[order], parameters.pad, page.ink.shape[1])
    return tuple(TextLine(box) for box in page.placement.boxes(boxes.astype(np.float64))), None


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
