"""One gutter of the pieces that are seen of it: a heading or a picture breaks what is white with text on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from itertools import compress

import numpy as np

from workers.stages.raster.arrays import Floats, Polyline

AreWhite = Callable[[Floats, Floats], bool]

COMPARED_ROWS = 25  # in which two gutters are compared


@dataclass(frozen=True, slots=True)
class Gutter:
    """A white gap between columns: its middle line from top to bottom in working pixels.

    Attributes:
        path: (n, 2) x, y with rising y.
        seen: first and last row with text on both sides; above and below it goes on through white.
        width: of the white, the median over its rows.
        block: width of the narrower neighbour, up to the next white.
        lines: over how many line pitches there is text on both sides.
    """

    path: Polyline
    seen: tuple[float, float]
    width: float
    block: float
    lines: float

    @property
    def top(self) -> float:
        """Upper end."""
        return float(self.path[0, 1])

    @property
    def bottom(self) -> float:
        """Lower end."""
        return float(self.path[-1, 1])

    @property
    def left(self) -> float:
        """Leftmost column."""
        return float(self.path[:, 0].min())

    @property
    def right(self) -> float:
        """Rightmost column."""
        return float(self.path[:, 0].max())

    def at(self, rows: Floats) -> Floats:
        """Return the columns in which the gutter meets the given rows."""
        return np.interp(rows, self.path[:, 1], self.path[:, 0])


def merge_collinear(gutters: list[Gutter], near: float, are_white: AreWhite) -> list[Gutter]:
    """Make one gutter of those that run beside each other or meet, at most `near` pixels apart.

    A picture or a heading may break what is seen of a gutter; each piece then goes on through the white of the other.
    `are_white` tells of columns and rows whether all of these places are white.
    """
    apart: list[Gutter] = []
    for gutter in sorted(gutters, key=lambda gutter: gutter.seen):
        beside = [_run_beside(other, gutter, near) or _meet(other, gutter, near, are_white) for other in apart]
        same = list(compress(apart, beside))
        apart = [other for other, is_beside in zip(apart, beside, strict=True) if not is_beside]
        apart.append(reduce(partial(_splice, are_white=are_white), same, gutter))
    return apart


def is_collinear(one: Gutter, other: Gutter, near: float) -> bool:
    """Tell whether a gutter lies at most `near` pixels aside of another, where it runs or straight above or below."""
    return _apart(one, other, one.top, one.bottom) <= near


def _run_beside(one: Gutter, other: Gutter, near: float) -> bool:
    """Tell whether two gutters run at most `near` pixels apart where both run."""
    top, bottom = max(one.top, other.top), min(one.bottom, other.bottom)
    if top >= bottom or min(one.right, other.right) < max(one.left, other.left) - near:
        return False
    return _apart(one, other, top, bottom) <= near


def _meet(one: Gutter, other: Gutter, near: float, are_white: AreWhite) -> bool:
    """Tell whether one gutter ends, and the other begins, at most `near` pixels further, with white between."""
    upper, lower = (one, other) if one.top < other.top else (other, one)
    if not 0 <= lower.top - upper.bottom <= near:
        return False
    rows = np.linspace(upper.bottom, lower.top, COMPARED_ROWS)
    start, end = upper.path[-1, 0], lower.path[0, 0]
    return abs(start - end) <= near and are_white(np.linspace(start, end, COMPARED_ROWS), rows)


def _apart(one: Gutter, other: Gutter, top: float, bottom: float) -> float:
    """Return how far two gutters are apart from row to row, the median."""
    rows = np.linspace(top, bottom, COMPARED_ROWS)
    return float(np.median(np.abs(one.at(rows) - other.at(rows))))


def _splice(lower: Gutter, upper: Gutter, are_white: AreWhite) -> Gutter:
    """Return one gutter of two that run beside each other: from one's text straight to the other's where it is white.

    Where it is not, the upper one goes on to the end of its text, and the lower one from there.
    """
    begin, end = upper.seen[1], lower.seen[0]
    between = np.linspace(begin, end, COMPARED_ROWS)
    x = np.interp(between, [begin, end], [*upper.at(np.array([begin])), *lower.at(np.array([end]))])
    rows = np.unique(np.concatenate([upper.path[:, 1], lower.path[:, 1], [begin, end, lower.bottom, lower.bottom + 1]]))
    if begin < end and are_white(x, between):
        rows = rows[(rows <= begin) | (rows >= end)]
        turn = begin
    else:
        turn = max(begin, lower.top)
        rows = np.unique(np.append(rows, [turn, turn + 1]))
    rows = rows[rows <= max(upper.bottom, lower.bottom)]
    above = (rows >= upper.top) & (rows <= turn) | (rows > lower.bottom)
    path = np.stack([np.where(above, upper.at(rows), lower.at(rows)), rows], axis=1)
    seen = (min(upper.seen[0], lower.seen[0]), max(upper.seen[1], lower.seen[1]))
    both = (max(upper.width, lower.width), max(upper.block, lower.block), upper.lines + lower.lines)
    return Gutter(path, seen, *both)
