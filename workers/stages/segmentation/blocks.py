"""Text lines gathered into blocks, as formats want them that hold lines inside of regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from workers.layout import BoundingBox, PageLayout, TextLine
from workers.stages.raster.arrays import Boxes
from workers.stages.raster.quarter_turns import turned


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Lines that follow each other in one column; `first` is the reading order (1-based) of the first."""

    first: int
    lines: tuple[TextLine, ...]

    @property
    def column(self) -> int:
        """The column of most of its lines, the first of them where two have as many."""
        columns = [line.column for line in self.lines]
        return max(dict.fromkeys(columns), key=columns.count)

    @property
    def bbox(self) -> BoundingBox:
        """The box around all lines."""
        return union([line.bbox for line in self.lines])


def text_blocks(layout: PageLayout) -> list[TextBlock]:
    """Cut lines in reading order where the next one goes back up or lies beside the block so far."""
    boxes = np.array([astuple(line.bbox) for line in layout.lines], np.int64).reshape(-1, 4)
    upright = turned(boxes, layout.quarter_turns, layout.width, layout.height)
    blocks: list[TextBlock] = []
    start = 0
    for end in range(1, len(boxes) + 1):
        if end == len(boxes) or not _follows(upright[end], upright[max(start, end - 5) : end]):
            blocks.append(TextBlock(start + 1, layout.lines[start:end]))
            start = end
    return blocks


def _follows(line: Boxes, above: Boxes) -> bool:
    """Tell whether a box (4,) lies under the boxes (n, 4) before it."""
    left, right, foot = int(above[:, 0].min()), int(above[:, 2].max()), int(above[:, 3].max())
    shared = min(int(line[2]), right) - max(int(line[0]), left)
    return 2 * shared > min(int(line[2] - line[0]), right - left) and int(line[3]) > foot


def union(boxes: Sequence[BoundingBox]) -> BoundingBox:
    """Return the smallest box around `boxes`, of which there is at least one."""
    return BoundingBox(
        min(box.x_min for box in boxes),
        min(box.y_min for box in boxes),
        max(box.x_max for box in boxes),
        max(box.y_max for box in boxes),
    )
