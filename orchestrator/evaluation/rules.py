"""How well separators lie where columns are parted: measured by length, since boxes of thin rules hardly overlap.

A true rule is a polygon, ours a path; both are compared row by row and one to one: of two separators in one gutter the
shorter is wrong. Only upright rules part columns: a polygon wider than tall (a rule under a headline) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.evaluation.matching import Boxes
from orchestrator.evaluation.truth import PageTruth, Polygon
from workers.layout import Separator

_TOLERANCE = 1 / 400  # of the page's width: how far beside a rule still counts as on it
_ONE_GUTTER = 1 / 100  # of the page's width: two separators nearer to each other than this are in one gutter
_REACH = 1 / 100  # of the page's height: text this far above or below still stands beside a row


@dataclass(frozen=True, slots=True)
class LengthScore:
    """Lengths in rows of pixels that can be added up over pages, and the shares they make."""

    covered: int = 0
    rules: int = 0
    correct: int = 0
    found: int = 0

    def __add__(self, other: LengthScore) -> LengthScore:
        return LengthScore(
            self.covered + other.covered,
            self.rules + other.rules,
            self.correct + other.correct,
            self.found + other.found,
        )

    @property
    def precision(self) -> float:
        """Share of our separators' length that lies on a rule or in a gutter of its own; 1 when there are none."""
        return self.correct / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true rules' length that one of ours covers; 1 when there are none."""
        return self.covered / self.rules if self.rules else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class _Track:
    """Where a rule runs: per row from `top`, its left and right edge, float64 of shape (rows,)."""

    top: int
    left: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.int_]:
        return np.arange(self.top, self.top + len(self.left))


@dataclass(frozen=True, slots=True)
class SeparatorComparison:
    """The lengths, and which separators are right and which rules found: those of which half the length is.

    `correct` has one truth value for each of ours, `found` one for each of `rules`, the upright polygons of the truth.
    """

    lengths: LengthScore
    correct: NDArray[np.bool_]
    found: NDArray[np.bool_]
    rules: tuple[Polygon, ...]


def compare_separators(separators: Sequence[Separator], truth: PageTruth) -> SeparatorComparison | None:
    """Compare separators with the upright rules and the text of a page; None where the truth knows no separators."""
    if truth.separators is None:
        return None
    tolerance = max(2.0, truth.width * _TOLERANCE)
    upright = tuple(polygon for polygon in truth.separators if is_upright(polygon))
    rules = [_polygon_track(polygon) for polygon in upright]
    ours = [_path_track(separator) for separator in separators]
    covered = [_on_any(rule, ours, tolerance) for rule in rules]
    on_rule = _on_rules(ours, rules, tolerance)
    beside = _beside_another(ours, on_rule, truth.width * _ONE_GUTTER)
    correct = [
        on | _in_gutter(track, truth, tolerance) & ~double
        for track, on, double in zip(ours, on_rule, beside, strict=True)
    ]
    lengths = LengthScore(
        covered=sum(int(rows.sum()) for rows in covered),
        rules=sum(len(rows) for rows in covered),
        correct=sum(int(rows.sum()) for rows in correct),
        found=sum(len(rows) for rows in correct),
    )
    return SeparatorComparison(lengths, _half(correct), _half(covered), upright)


def _half(rows: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.array([part.mean() >= 0.5 for part in rows], dtype=np.bool_)


def is_upright(polygon: Polygon) -> bool:
    """Tell whether a rule is taller than wide and so parts columns."""
    width, height = np.ptp(polygon, axis=0)
    return bool(height > width)


def _polygon_track(polygon: Polygon) -> _Track:
    """Return the outermost crossings of each row's middle with the polygon's edges."""
    top, bottom = int(np.floor(polygon[:, 1].min())), int(np.ceil(polygon[:, 1].max()))
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    level = np.clip(np.arange(top, bottom) + 0.5, polygon[:, 1].min(), polygon[:, 1].max())[:, None]
    crosses = (np.minimum(y0, y1) <= level) & (level <= np.maximum(y0, y1)) & (y0 != y1)
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros_like(x0), where=y0 != y1)
    x = x0 + (level - y0) * slope
    return _Track(top, np.where(crosses, x, np.inf).min(axis=1), np.where(crosses, x, -np.inf).max(axis=1))


def _path_track(separator: Separator) -> _Track:
    path = np.array(sorted(separator.path, key=lambda point: point[1]), dtype=np.float64)
    rows = np.arange(separator.bbox.y_min, separator.bbox.y_max)
    x = np.interp(rows + 0.5, path[:, 1], path[:, 0])
    return _Track(separator.bbox.y_min, x, x)


def _on_any(track: _Track, others: Sequence[_Track], tolerance: float) -> NDArray[np.bool_]:
    """Tell for each row of `track` whether its middle lies on one of the others."""
    on = np.zeros(len(track.left), dtype=np.bool_)
    middle = (track.left + track.right) / 2
    slack = (track.right - track.left) / 2 + tolerance
    for other in others:
        here, there = _shared_rows(track, other)
        x = middle[here]
        on[here] |= (other.left[there] - slack[here] <= x) & (x <= other.right[there] + slack[here])
    return on


def _on_rules(tracks: Sequence[_Track], rules: Sequence[_Track], tolerance: float) -> list[NDArray[np.bool_]]:
    """Tell for each row of each track whether it lies on a rule that no longer track has in that row."""
    free = [np.ones(len(rule.left), dtype=np.bool_) for rule in rules]
    on = [np.zeros(len(track.left), dtype=np.bool_) for track in tracks]
    for index in _longest_first(tracks):
        track = tracks[index]
        best, distance = np.full(len(track.left), -1), np.full(len(track.left), np.inf)
        for number, rule in enumerate(rules):
            here, there = _shared_rows(track, rule)
            middle, half = (rule.left + rule.right)[there] / 2, (rule.right - rule.left)[there] / 2
            away = np.abs(track.left[here] - middle)
            nearer = free[number][there] & (away <= half + tolerance) & (away < distance[here])
            best[here][nearer], distance[here][nearer] = number, away[nearer]
        on[index] = best >= 0
        for number, rule in enumerate(rules):
            here, there = _shared_rows(track, rule)
            free[number][there] &= best[here] != number
    return on


def _beside_another(
    tracks: Sequence[_Track], on_rule: Sequence[NDArray[np.bool_]], near: float
) -> list[NDArray[np.bool_]]:
    """Tell for each row of each track whether another that is longer, or lies on a rule, runs `near` pixels from it."""
    beside = [np.zeros(len(track.left), dtype=np.bool_) for track in tracks]
    order = _longest_first(tracks)
    for rank, index in enumerate(order):
        for other_rank, other in enumerate(order):
            if other == index:
                continue
            here, there = _shared_rows(tracks[index], tracks[other])
            close = np.abs(tracks[index].left[here] - tracks[other].left[there]) < near
            beside[index][here] |= close & (on_rule[other][there] | (other_rank < rank))
    return beside


def _longest_first(tracks: Sequence[_Track]) -> list[int]:
    return sorted(range(len(tracks)), key=lambda index: -len(tracks[index].left))


def _shared_rows(one: _Track, other: _Track) -> tuple[slice, slice]:
    """Return the rows of the page that two tracks share, counted from the top of either."""
    start = max(one.top, other.top)
    stop = max(start, min(one.top + len(one.left), other.top + len(other.left)))
    return slice(start - one.top, stop - one.top), slice(start - other.top, stop - other.top)


def _in_gutter(track: _Track, truth: PageTruth, tolerance: float) -> NDArray[np.bool_]:
    """Tell for each row whether it runs through no text, with text (or a picture) on either side."""
    text = _content(truth.lines if truth.lines is not None else truth.regions)
    beside = np.concatenate([text, _content(truth.images)])
    reach = truth.height * _REACH
    rows, x = track.rows + 0.5, (track.left + track.right) / 2
    through, left, right = (np.zeros(len(rows), dtype=np.bool_) for _ in range(3))
    for x_min, y_min, x_max, y_max in text:
        through |= (y_min <= rows) & (rows < y_max) & (x_min + tolerance < x) & (x < x_max - tolerance)
    for x_min, y_min, x_max, y_max in beside:
        near = (y_min - reach <= rows) & (rows < y_max + reach)
        left |= near & (x_max - tolerance <= x)
        right |= near & (x <= x_min + tolerance)
    return ~through & left & right


def _content(boxes: Boxes | None) -> Boxes:
    return np.empty((0, 4)) if boxes is None else boxes
