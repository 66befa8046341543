"""Text lines gathered into blocks, for formats that want lines inside of regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workers.layout import BoundingBox, TextLine


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Lines that follow each other in one column; `first` is the reading order (1-based) of the first."""

    first: int
    lines: tuple[TextLine, ...]

    @property
    def bbox(self) -> BoundingBox:
        """The box around all lines."""
        return union([line.bbox for line in self.lines])


def text_blocks(lines: Sequence[TextLine]) -> list[TextBlock]:
    """Cut lines in reading order where the next one goes back up or lies beside the block so far."""
    blocks: list[TextBlock] = []
    start = 0
    for end in range(1, len(lines) + 1):
        if end == len(lines) or not _follows(
            lines[end].bbox, union([line.bbox for line in lines[max(start, end - 5) : end]])
        ):
            blocks.append(TextBlock(start + 1, tuple(lines[start:end])))
            start = end
    return blocks


def _follows(line: BoundingBox, above: BoundingBox) -> bool:
    shared = min(line.x_max, above.x_max) - max(line.x_min, above.x_min)
    return 2 * shared > min(line.width, above.width) and line.y_max > above.y_max


def union(boxes: Sequence[BoundingBox]) -> BoundingBox:
    """Return the smallest box around `boxes`, of which there is at least one."""
    return BoundingBox(
        min(box.x_min for box in boxes),
        min(box.y_min for box in boxes),
        max(box.x_max for box in boxes),
        max(box.y_max for box in boxes),
    )
