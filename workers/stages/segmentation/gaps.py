"""The white gaps within lines of text that are wider than a word space."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Gaps, Mask


@dataclass(frozen=True, slots=True)
class GapFinder:
    """Finds the gaps of lines and keeps those of every box, so that no box is looked at twice in the same ink.

    Attributes:
        ink: (h, w), 1 is ink, with the dots of leaders.
        least: px; a gap is wider.
    """

    ink: Mask
    least: float
    _known: dict[tuple[int, ...], list[tuple[int, int]]] = field(default_factory=dict)

    def gaps_in(self, lines: Boxes) -> Gaps:
        """Return (n, 3): line, first white column, first inked column after it; in the order of lines and columns."""
        boxes = [tuple(box) for box in lines.tolist()]
        unknown = [box for box in boxes if box not in self._known]
        self._known.update({box: [] for box in unknown})
        line, start, end = _wide_gaps(np.array(unknown, np.int64).reshape(-1, 4), self.ink, self.least)
        for number, first, last in zip(line.tolist(), start.tolist(), end.tolist(), strict=True):
            self._known[unknown[number]].append((first, last))
        gaps = [(number, *gap) for number, box in enumerate(boxes) for gap in self._known[box]]
        return np.array(gaps, np.int64).reshape(-1, 3)


def _wide_gaps(lines: Boxes, ink: Mask, least: float) -> tuple[Counts, ...]:
    """Return line, first white column and first inked column after it of the gaps more than `least` wide.

    The columns of all lines are laid end to end, so that they are looked through at once.
    """
    width = lines[:, 2] - lines[:, 0]
    begin = np.cumsum(width) - width
    inked = np.zeros((1, int(width.sum())), np.uint8)
    for (x0, y0, x1, y1), first in zip(lines.tolist(), begin.tolist(), strict=True):
        cv2.reduce(ink[y0:y1, x0:x1], 0, cv2.REDUCE_MAX, inked[:, first : first + x1 - x0])
    place = np.flatnonzero(inked.view(np.bool_))
    line = np.searchsorted(begin, place, side="right") - 1
    wide = np.flatnonzero((line[1:] == line[:-1]) & (place[1:] - place[:-1] > least))
    offset = (lines[:, 0] - begin)[line[wide]]
    return line[wide], place[wide] + 1 + offset, place[wide + 1] + offset


def cut_at_gaps(lines: Boxes, gaps: Gaps, ink: Mask, lowest: float) -> Boxes:
    """Return the lines with those that have `gaps` replaced by their pieces, each as tall as its ink.

    A piece is left out that is lower than `lowest` px and narrower than twice that.
    """
    whole = np.ones(len(lines), bool)
    whole[gaps[:, 0]] = False
    pieces = []
    for number in np.unique(gaps[:, 0]):
        x0, y0, x1, y1 = lines[number]
        own = gaps[gaps[:, 0] == number]
        for left, right in zip([x0, *own[:, 2]], [*own[:, 1], x1], strict=True):
            rows = np.flatnonzero(ink[y0:y1, left:right].any(axis=1))
            if len(rows) and max(rows[-1] + 1 - rows[0], (right - left) / 2) >= lowest:
                pieces.append((left, y0 + rows[0], right, y0 + rows[-1] + 1))
    return np.concatenate([lines[whole], np.array(pieces, np.int64).reshape(-1, 4)])
