"""Text lines: kraken's box segmenter with our separators in place of its own column finder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from workers.errors import TooManyLines
from workers.layout import TextLine
from workers.parameters import SegmentationParameters
from workers.stages.binarization.working_page import WorkingPage
from workers.stages.kraken import NoTextError, find_line_boxes
from workers.stages.kraken.reference import find_line_boxes_reference
from workers.stages.raster.arrays import Boxes, Mask
from workers.stages.raster.labelling import label_sparse
from workers.stages.raster.quarter_turns import QUARTER_TURNS, turned
from workers.stages.segmentation.baseline_fit import drop_off_baseline, split_merged_lines
from workers.stages.segmentation.drop_capitals import add_drop_capitals
from workers.stages.segmentation.evidence import PageEvidence, gather_evidence
from workers.stages.segmentation.fragments import add_headlines, find_body_lines, grow_to_components, merge_fragments
from workers.stages.segmentation.noise import (
    drop_facing_page,
    drop_in_pictures,
    drop_low_contrast,
    drop_noise_and_trim_ends,
    drop_slivers,
)
from workers.stages.segmentation.reading_order import reading_order
from workers.stages.segmentation.reversed_lines import add_reversed
from workers.stages.segmentation.step_effects import StepEffect, step_effect
from workers.stages.segmentation.tables import split_at_cells
from workers.stages.segmentation.xy_cut import Direction, xy_cut_order
from workers.stages.separators.columns import Columns
from workers.stages.separators.components import LARGE
from workers.stages.separators.rules import step_along

MIN_PAGE_PAPER_GREY = 64  # grey levels: no paper on such a page
MAX_BLANK_INK_SHARE = 0.02  # of ink that is not dust on a blank page
MIN_NOISE_SPECKS = 1000
MAX_RULE_RATIO = 0.06  # height by width
MIN_ARTICLE_RULE_TS = 30.0  # longer than the rules between articles of one column

Found = tuple[tuple[TextLine, ...], str | None]
Step = Callable[[Boxes, PageEvidence], Boxes]

# From the first boxes to text lines. What a step needs beside the lines is gathered before the first of them.
STEPS: tuple[Step, ...] = (
    merge_fragments,
    split_at_cells,
    drop_noise_and_trim_ends,
    split_merged_lines,
    grow_to_components,
    drop_slivers,
    add_headlines,
    add_drop_capitals,
    drop_facing_page,
    drop_low_contrast,
    drop_off_baseline,
    drop_in_pictures,
    add_reversed,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read on a page.

    Attributes:
        lines: (n, 4) boxes in working pixels, in no order.
        reason: why there are none; None where there are some.
        evidence: what is known of the page; None where it has nothing of the size of text.
    """

    lines: Boxes
    reason: str | None
    evidence: PageEvidence | None


def find_text_lines(page: WorkingPage, columns: Columns, parameters: SegmentationParameters) -> Found:
    """Find the text lines of a page, in reading order, and the reason where there are none.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    return in_reading_order(read_lines(page, columns), page, columns, parameters)


def read_lines(page: WorkingPage, columns: Columns) -> Reading:
    """Return the lines that the steps find, or why they are not looked for."""
    evidence = gather_evidence(page, columns) if page.scale else None
    reason = _nothing_to_find(page, columns)
    if reason is not None or evidence is None:
        return Reading(np.zeros((0, 4), np.int64), reason, evidence)
    *_, (_, lines) = trace_lines(evidence)
    return Reading(lines, None if len(lines) else "no_text_lines", evidence)


def in_reading_order(
    reading: Reading, page: WorkingPage, columns: Columns, parameters: SegmentationParameters
) -> Found:
    """Return the lines in pixels of the scan, in reading order, and the reason where there are none.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    boxes = reading.lines
    check_number(len(boxes), parameters)
    if not len(boxes):
        return (), reading.reason
    direction: Direction = "rl" if parameters.text_direction.endswith("rl") else "lr"
    boxes = boxes[xy_cut_order(boxes, long_rules(columns, page.scale), page.scale, direction)]
    boxes = widened(boxes, parameters.pad, page.ink.shape[1])
    return tuple(TextLine(box) for box in page.placement.boxes(boxes.astype(np.float64))), None


def _nothing_to_find(page: WorkingPage, columns: Columns) -> str | None:
    """Return why lines are not even looked for."""
    return empty_reason(page) or ("noise" if columns.is_noise else None)


def long_rules(columns: Columns, scale: float) -> Boxes:
    """Return the boxes (m, 4) of horizontal rules, thick ones too, that are long enough to part columns."""
    step = step_along(scale)
    along = np.ascontiguousarray(columns.horizontal[:, ::step])
    stats = label_sparse(along).stats * np.array([step, 1, step, 1, step], np.int32)
    c = columns.components
    thick = np.stack([c.x, c.y, c.width, c.height], axis=1)[c.kind == LARGE]
    x, y, width, height = np.concatenate([stats[1:, :4], thick]).astype(np.int64).T
    rule = (width > MIN_ARTICLE_RULE_TS * scale) & (height < MAX_RULE_RATIO * width)
    return np.stack([x, y, x + width, y + height], axis=1)[rule]


def trace_lines(evidence: PageEvidence) -> Iterator[tuple[str, Boxes]]:
    """Yield the name of each step with the boxes (n, 4) it leaves: headlines, body text and single words."""
    lines = find_body_lines(evidence)
    yield find_body_lines.__name__, lines
    for step in STEPS:
        lines = step(lines, evidence)
        yield step.__name__, lines


def explain_lines(page: WorkingPage, columns: Columns) -> Iterator[StepEffect]:
    """Yield what each step did to the lines, so that it can be told which one dropped a line; none on an empty page."""
    if _nothing_to_find(page, columns):
        return
    before = np.zeros((0, 4), np.int64)
    for step, lines in trace_lines(gather_evidence(page, columns)):
        yield step_effect(step, before, lines)
        before = lines


def kraken_lines(page: WorkingPage, separators: Mask | None, parameters: SegmentationParameters) -> Found:
    """Find text lines on the full scan as kraken does, with its own functions where `segmenter` says so.

    Args:
        page: at full size.
        separators: (h, w), 1 where no line may cross; None: kraken finds its own columns.
        parameters: as kraken names them.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    finder = find_line_boxes_reference if parameters.segmenter == "kraken" else find_line_boxes
    try:
        boxes = finder(
            page.ink * np.uint8(255),
            separators,
            scale=parameters.scale,
            text_direction=parameters.text_direction,
            maxcolseps=parameters.maxcolseps,
            black_colseps=parameters.black_colseps,
            no_hlines=parameters.no_hlines,
            pad=parameters.pad,
        ).astype(np.int64)
    except NoTextError as error:
        return (), empty_reason(page) or error.reason
    check_number(len(boxes), parameters)
    if not len(boxes):
        return (), empty_reason(page) or "no_text_lines"
    height, width = page.ink.shape
    lying = turned(boxes, QUARTER_TURNS[parameters.text_direction], width, height)
    order = reading_order(lying, "rl" if parameters.text_direction.endswith("rl") else "lr")
    return tuple(TextLine(box) for box in page.placement.boxes(boxes[order].astype(np.float64))), None


def empty_reason(page: WorkingPage) -> str | None:
    """Return why a page cannot have text lines; None where it may have some.

    `blank`: hardly any ink. `black`: no paper. `noise`: many specks and nothing of the size of text. `no_text`: ink,
    but none of it of the size of text.
    """
    share = cv2.countNonZero(page.ink) / page.ink.size
    if int(page.grey.max()) < MIN_PAGE_PAPER_GREY:
        return "black"
    if share == 0:
        return "blank"
    if page.scale > 0:
        return None
    if cv2.connectedComponents(page.ink)[0] > MIN_NOISE_SPECKS:
        return "noise"
    return "no_text" if share > MAX_BLANK_INK_SHARE else "blank"


def check_number(lines: int, parameters: SegmentationParameters) -> None:
    """Refuse a page with more lines than any page has.

    Raises:
        TooManyLines: more than `parameters.max_lines`.
    """
    if lines > parameters.max_lines:
        raise TooManyLines(
            f"Segmentation gave {lines} text lines, more than {parameters.max_lines}: this is noise or a screened "
            "picture; leave the page out, or raise segmentation.max_lines."
        )


def widened(boxes: Boxes, pad: int, width: int) -> Boxes:
    """Widen boxes by `pad` pixels on the left and on the right, inside the page."""
    left, right = np.maximum(boxes[:, 0] - pad, 0), np.minimum(boxes[:, 2] + pad, width)
    return np.stack([left, boxes[:, 1], right, boxes[:, 3]], axis=1)
