"""What is known of text lines beside their boxes: baseline, column and kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workers.layout import BoundingBox, Point, TextLine
from workers.parameters import SegmentationParameters
from workers.stages.binarization.working_page import WorkingPage
from workers.stages.raster.arrays import Boxes
from workers.stages.segmentation.baselines import baselines
from workers.stages.segmentation.column_numbers import number_columns
from workers.stages.segmentation.line_confidence import line_confidences
from workers.stages.segmentation.line_kinds import line_kinds
from workers.stages.separators.columns import Columns


def described_lines(
    lines: Sequence[TextLine], page: WorkingPage, columns: Columns, parameters: SegmentationParameters
) -> tuple[tuple[TextLine, ...], int]:
    """Return the lines with their baselines, columns, kinds and confidences, and the number of columns of the page.

    A baseline that the segmenter gave stays as it is.
    """
    if not lines:
        return (), 0
    height, width = page.ink.shape
    edges = np.array([width, height, width, height])
    boxes = np.rint(page.placement.working_boxes([line.bbox for line in lines])).astype(np.int64).clip(0, edges)
    right_to_left = parameters.text_direction.endswith("rl")
    numbers, count = number_columns(boxes, _separator_boxes(columns), width, right_to_left)
    feet, kinds = baselines(boxes, columns.components), line_kinds(boxes)
    confidences = line_confidences(boxes, page, columns.components)
    described = []
    for n, line in enumerate(lines):
        x0, _, x1, _ = boxes[n]
        through_feet = page.placement.points(np.array([[x0, feet[n, 0]], [x1, feet[n, 1]]], np.float64))
        baseline = line.baseline or _to_both_edges(through_feet, line.bbox)
        known = replace(line, baseline=baseline, column=int(numbers[n]), kind=kinds[n])
        described.append(replace(known, confidence=round(float(confidences[n]), 3)))
    return tuple(described), count


def _to_both_edges(baseline: Sequence[Point], box: BoundingBox) -> tuple[Point, ...]:
    """Draw a baseline that lies along the scan to the left and the right edge of its box; upright ones stay."""
    (x0, y0), (x1, y1) = baseline
    if abs(x1 - x0) <= abs(y1 - y0):
        return tuple(baseline)
    ends = np.array([box.x_min, box.x_max - 1])
    left, right = np.rint(y0 + (y1 - y0) * (ends - x0) / (x1 - x0)).astype(int).clip(box.y_min, box.y_max - 1).tolist()
    return (box.x_min, left), (box.x_max - 1, right)


def _separator_boxes(columns: Columns) -> Boxes:
    boxes = [np.concatenate([path.min(axis=0), path.max(axis=0) + 1]) for path, _ in columns.paths]
    return np.array(boxes).reshape(-1, 4).astype(np.int64)
