"""Lines that run through the white of a table, or through a separator, are cut."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.int64]
Mask = NDArray[np.uint8]
GapCache = dict[tuple[int, ...], list[tuple[int, int]]]

WIDE = 4.5  # text scales: no line of text has such a hole, unless all its spaces are as wide
WORD_GAP = 0.6  # text scales: a narrower gap parts letters
EVEN = 1.5  # widest by narrowest space of a justified line
CELL_GAP = 1.8  # text scales: a hole between cells is wider than a word space
ALIGNED = 0.6  # text scales: cells below each other begin so exactly
COMPANIONS = 2  # other lines with a hole that ends at the same place
MOST = 0.5  # of the lines that run through the place have the hole
PASSES = 4
ACROSS = 0.6  # of a line's height that a separator crosses
LOWEST = 0.8  # text scales
NEARBY = 12.0  # line pitches above or below


def cut_at_cells(lines: Boxes, ink: Mask, scale: float, pitch: float, known: GapCache) -> Boxes:
    """Cut lines at holes that no line of text has, and at smaller ones that lines nearby have at the same place.

    Cells that are cut off make room for others to be seen, so this is repeated until nothing changes. What is lower
    and narrower than a digit (ditto marks, dots) is no line.

    Args:
        lines: (n, 4) boxes.
        ink: (h, w), 1 is ink, with the dots of leaders.
        scale: text scale in pixels.
        pitch: distance of text lines in pixels.
        known: takes up the holes of every box that was looked at, see `gaps_in`.
    """
    for _ in range(PASSES):
        cut = _cut_once(lines, ink, scale, pitch, known)
        if len(cut) == len(lines):
            break
        lines = cut
    return lines


def _cut_once(lines: Boxes, ink: Mask, scale: float, pitch: float, known: GapCache) -> Boxes:
    """Cut the lines at the holes that show now."""
    holes = gaps_in(lines, ink, CELL_GAP * scale, known)
    if not len(holes):
        return lines
    line, start, end = holes.T
    row = (lines[line, 1] + lines[line, 3]) / 2
    middle = (lines[:, 1] + lines[:, 3]) / 2
    spans = (lines[:, 0] < start[:, None]) & (lines[:, 2] > end[:, None])
    spans &= np.abs(middle - row[:, None]) <= NEARBY * pitch
    aligned = (np.abs(end[:, None] - end) <= ALIGNED * scale) & (np.abs(row[:, None] - row) <= NEARBY * pitch)
    alike = aligned.sum(axis=1)
    in_table = (alike > COMPANIONS) & (alike >= MOST * spans.sum(axis=1))
    wide = end - start >= WIDE * scale
    wide &= ~_evenly_spaced(lines, line[wide], ink, scale)[line]
    cut = wide | in_table
    return cut_at(lines, holes[cut], ink, LOWEST * scale)


def _evenly_spaced(lines: Boxes, asked: NDArray[np.int64], ink: Mask, scale: float) -> NDArray[np.bool_]:
    """Tell which of the lines that are `asked` for have two or more spaces, all alike: few words, justified."""
    even = np.zeros(len(lines), bool)
    for number in np.unique(asked):
        x0, y0, x1, y1 = lines[number]
        inked = np.flatnonzero(ink[y0:y1, x0:x1].any(axis=0))
        white = np.diff(inked) - 1
        spaces = white[white > WORD_GAP * scale]
        even[number] = len(spaces) > 1 and spaces.max() <= EVEN * spaces.min()
    return even


def cut_at_separators(lines: Boxes, barrier: Mask, ink: Mask, scale: float) -> Boxes:
    """Cut lines where a separator crosses them: dirt behind it had come so near that it was taken in.

    Args:
        lines: (n, 4) boxes.
        barrier: (h, w), 1 where no line may cross.
        ink: (h, w), 1 is ink.
        scale: text scale in pixels.
    """
    holes = []
    for number, (x0, y0, x1, y1) in enumerate(lines.tolist()):
        within = barrier[y0:y1, x0:x1]
        if not cv2.countNonZero(within):
            continue
        crossed = np.flatnonzero(within.sum(axis=0) >= ACROSS * (y1 - y0))
        inked = np.flatnonzero(ink[y0:y1, x0:x1].any(axis=0))
        after = np.unique(np.searchsorted(inked, crossed))
        ends = [(x0 + int(inked[k - 1]) + 1, x0 + int(inked[k])) for k in after if 0 < k < len(inked)]
        holes += [(number, start, end) for start, end in ends]
    return cut_at(lines, np.array(holes, np.int64).reshape(-1, 3), ink, LOWEST * scale)


def gaps_in(lines: Boxes, ink: Mask, least: float, known: GapCache) -> NDArray[np.int64]:
    """Return (n, 3): line, first white column, first inked column after it, of the holes more than `least` wide.

    `known` keeps the holes of each box, so that no box is looked at twice in the same ink.
    """
    boxes = [tuple(box) for box in lines.tolist()]
    unknown = [box for box in boxes if box not in known]
    known.update({box: [] for box in unknown})
    line, start, end = _wide_holes(np.array(unknown, np.int64).reshape(-1, 4), ink, least)
    for number, first, last in zip(line.tolist(), start.tolist(), end.tolist(), strict=True):
        known[unknown[number]].append((first, last))
    holes = [(number, *hole) for number, box in enumerate(boxes) for hole in known[box]]
    return np.array(holes, np.int64).reshape(-1, 3)


def _wide_holes(lines: Boxes, ink: Mask, least: float) -> tuple[NDArray[np.int64], ...]:
    """Return line, first white column and first inked column after it of the holes more than `least` wide.

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


def cut_at(lines: Boxes, holes: NDArray[np.int64], ink: Mask, lowest: float) -> Boxes:
    """Return the lines with those that have holes replaced by their pieces, each as tall as its ink."""
    whole = np.ones(len(lines), bool)
    whole[holes[:, 0]] = False
    pieces = []
    for number in np.unique(holes[:, 0]):
        x0, y0, x1, y1 = lines[number]
        own = holes[holes[:, 0] == number]
        for left, right in zip([x0, *own[:, 2]], [*own[:, 1], x1], strict=True):
            rows = np.flatnonzero(ink[y0:y1, left:right].any(axis=1))
            if len(rows) and max(rows[-1] + 1 - rows[0], (right - left) / 2) >= lowest:
                pieces.append((left, y0 + rows[0], right, y0 + rows[-1] + 1))
    return np.concatenate([lines[whole], np.array(pieces, np.int64).reshape(-1, 4)])
