"""Printed rules: thin dark lines between columns and between articles, also faint, broken, slanted or bent ones.

A rule is darker than what lies on either side, thin, long, and stands free: stems of a headline's letters, the hatching
of an engraving and the lines of a floor plan come in rows of their like. All lengths are in units of the text scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from workers.stages.raster.arrays import AnyMask, Counts, Grey, Indices, Mask, Polyline, Stats, Truths, Window
from workers.stages.raster.bits import all_of_rows, any_of_rows, packed, unpacked, with_neighbours
from workers.stages.raster.groups import groups, ragged
from workers.stages.raster.labelling import Labelled, label_sparse

MIN_RULE_TS = 5.0  # a rule is at least this long: letter stems of body text are shorter
MIN_UNBROKEN_TS = 2.5  # and has unbroken stretches of this length
MAX_THICKNESS_TS = 0.6  # thicker strokes are letters of a masthead, frames of advertisements or pictures
MAX_CLOSED_BREAK_TS = 1.2  # gaps up to this length are closed
MIN_DARKNESS_GREY = 48  # grey levels below the paper on either side, of 255
MAX_BRIDGE_TS = 6.0  # pieces of a broken rule are no further apart than this
MAX_ASIDE_TS = 0.7  # and no further aside
MIN_BROKEN_RULE_TS = 15.0  # length of a broken rule
MIN_COVERED_SHARE = 0.5  # of it that is there
MAX_PIECES = 3000  # more are the hatching of a picture
MIN_CLEAR_SHARE = 0.6  # of a rule's length with paper on both sides
# of one no longer than `MIN_BROKEN_RULE_TS`, and of a gap: words on an unbroken stroke, as in Arabic, are not free
MIN_SHORT_CLEAR_SHARE = 0.7
CLEAR_MARGIN_TS = 0.5  # so far from its edge
MAX_WAVER_TS = 0.19  # change of middle and thickness from step to step; a row of small letters has 0.22 and more
MIN_REPEATED = 3  # so many alike in a row are stems or hatching, not rules
MAX_REPEATED_SPACE_TS = 6.0  # when no further apart than this
STEP_ALONG_TS = 0.33  # how finely a rule is followed
MIN_ALIKE_SHARE = 0.6  # of the longer of two such strokes that both have in common
MAX_SLANT_RATIO = 0.2  # width by height of a rule
MIN_LONG_RULE_TS = 25.0  # longer ones are rules in any company: a table has many


@dataclass(frozen=True, slots=True)
class Rules:
    """Masks (h, w) of printed rules, 1 where a rule lies.

    `faint` holds every upright stroke that could be a piece of a rule if it lies in a gutter.
    """

    vertical: Mask
    horizontal: Mask
    faint: Mask


def find_rules(grey: Grey, ink: Mask, scale: float) -> Rules:
    """Find the printed rules of an upright page.

    Left in the ink, a rule that touches letters joins the rows it touches, and white beside it is no gutter.

    Args:
        grey: (h, w) uint8 with even white paper.
        ink: (h, w), 1 is ink.
        scale: text scale in pixels.
    """
    width = max(3, round(MAX_THICKNESS_TS * scale) | 1) + 2
    vertical, faint = _upright(_black_hat(grey, (width, 1)), ink, scale)
    across, _ = _upright(cv2.transpose(_black_hat(grey, (1, width))), ink.T, scale)
    height = len(grey)
    horizontal = cv2.transpose(_of_height(across, grey.shape[1]))
    return Rules(_of_height(vertical, height), horizontal, _of_height(faint, height))


def step_along(scale: float) -> int:
    """Return of how many pixels along a rule one is enough to follow it."""
    return max(1, round(STEP_ALONG_TS * scale))


def _black_hat(grey: Grey, window: tuple[int, int]) -> Mask:
    """Return 1 where `grey` is dark against the paper on both sides within a `window` (width, height) across a rule."""
    # a closing across the rule takes it away, letters stay in part
    line = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, window))
    return cv2.threshold(line, MIN_DARKNESS_GREY, 1, cv2.THRESH_BINARY)[1]


def _upright(thin: Mask, ink: Mask, scale: float) -> tuple[Mask, Mask]:
    """Return the masks of the vertical rules among what is `thin`, and of all upright strokes, one row of each step."""
    width, step = thin.shape[1], step_along(scale)
    slack = with_neighbours(packed(thin), width)  # a slanted rule moves sideways from row to row
    seeds = all_of_rows(slack, max(3, round(MIN_UNBROKEN_TS * scale)))
    seen = any_of_rows(seeds, step)[step // 2 :: step]
    grown = unpacked(any_of_rows(seen, max(3, round((MIN_UNBROKEN_TS + MAX_CLOSED_BREAK_TS) * scale / step))), width)
    return _rules_among(grown, ink[step // 2 :: step], scale, step) if grown.any() else (grown, grown)


def _of_height(mask: Mask, height: int) -> Mask:
    """Return the mask with its rows repeated to `height`."""
    return mask[np.arange(height) * len(mask) // height]


def _rules_among(seeds: Mask, ink: AnyMask, scale: float, step: int) -> tuple[Mask, Mask]:
    """Return the mask of the rules among upright strokes, and the strokes with bridges between their pieces.

    Args:
        seeds: (h, w), 1 on strokes; one row of `step` of the page.
        ink: (h, w), 1 is ink; the same rows.
        scale: text scale in pixels of the page.
        step: rows of the page for each row here.
    """
    strokes, stats = _strokes(seeds, step)
    bridges = _bridges(strokes, stats, ink, scale, step)
    if bridges is not None:
        seeds |= bridges
        strokes, stats = _strokes(seeds, step)
    keep = _slim(stats, scale) & (stats[:, 3] >= (MIN_RULE_TS + MAX_CLOSED_BREAK_TS) * scale)
    chosen = _has_clear_margins(strokes, np.flatnonzero(keep), ink, scale)
    even = [
        _has_even_width(own, ink, strokes.stats[label], scale)
        for label, own in zip(chosen, strokes.windows(chosen), strict=True)
    ]
    keep[:] = False
    keep[chosen] = even
    keep[_repeated_strokes(stats, keep, scale)] = False
    return strokes.mask(keep), seeds


def _strokes(seeds: Mask, step: int) -> tuple[Labelled, Stats]:
    """Return the strokes, and their stats in pixels of the page."""
    strokes = label_sparse(seeds)
    return strokes, strokes.stats * np.array([1, step, 1, step, step], np.int32)


def _slim(stats: Stats, scale: float) -> Truths:
    """Tell which components are as thin and upright as a rule."""
    thin = stats[:, 4] <= (MAX_THICKNESS_TS * scale + 4) * stats[:, 3]
    thin &= stats[:, 2] < MAX_SLANT_RATIO * stats[:, 3] + scale
    thin[0] = False
    return thin


def _bridges(strokes: Labelled, stats: Stats, ink: AnyMask, scale: float, step: int) -> Mask | None:
    """Return (h, w), 1 on lines that join the pieces of long broken rules one below the other; None without any.

    Between the pieces lies paper: a caption ends a rule above it, and so does a picture.
    """
    slim = _slim(stats, scale)
    if not 1 < slim.sum() <= MAX_PIECES:
        return None
    head, foot = (ends[slim] for ends in _ends(strokes))
    stats = stats[slim]
    top, height = stats[:, 1].astype(np.int64), stats[:, 3].astype(np.int64)
    bottom = top + height
    gap = top - bottom[:, None]
    follows = (gap > -scale) & (gap < MAX_BRIDGE_TS * scale) & (top > top[:, None])
    follows &= np.abs(head - foot[:, None]) < MAX_ASIDE_TS * scale
    upper, lower = np.nonzero(follows)
    clear = _is_clear((foot[upper], bottom[upper] // step), (head[lower], top[lower] // step), ink, scale)
    upper, lower = upper[clear], lower[clear]
    chain = groups(len(stats), upper, lower)
    inked = np.bincount(chain, height, len(stats))
    first, last = np.full(len(stats), 2**30), np.zeros(len(stats), np.int64)
    np.minimum.at(first, chain, top)
    np.maximum.at(last, chain, bottom)
    length = last - first
    long = (length >= MIN_BROKEN_RULE_TS * scale) & (inked >= MIN_COVERED_SHARE * length)
    bridged = long[chain[upper]]
    if not bridged.any():
        return None
    bridges = np.zeros(strokes.shape, np.uint8)
    for a, b in zip(upper[bridged], lower[bridged], strict=True):
        ends = (int(foot[a]), int(bottom[a]) // step - 1), (int(head[b]), int(top[b]) // step)
        cv2.line(bridges, *ends, 1, 3)
    return bridges


def _is_clear(begin: tuple[Indices, Indices], end: tuple[Indices, Indices], ink: AnyMask, scale: float) -> Truths:
    """Tell for lines from `begin` to `end`, columns and rows each, whether paper is on both sides of most of them."""
    (x, y), (to_x, to_y) = begin, end
    long = np.maximum(to_y - y, 0)
    line, place = ragged(long)
    row = y[line] + place
    column = x[line] + (to_x - x)[line] * place // np.maximum(long, 1)[line]
    free = _paper_beside(row, column, column, ink, scale)
    return np.bincount(line, free, len(x)) >= MIN_SHORT_CLEAR_SHARE * long


def _paper_beside(row: Indices, first: Indices, last: Indices, ink: AnyMask, scale: float) -> Truths:
    """Tell for stretches from a `first` to a `last` column of a row whether paper, or no page, is on both sides."""
    beside = np.arange(2, max(2, round(CLEAR_MARGIN_TS * scale)) + 1)
    free = np.ones(len(row), bool)
    for columns in (first[:, None] - beside, last[:, None] + beside):
        within = (columns >= 0) & (columns < ink.shape[1])
        free &= ~((ink[row[:, None], columns.clip(0, ink.shape[1] - 1)] != 0) & within).any(axis=1)
    return free


def _ends(strokes: Labelled) -> tuple[Indices, Indices]:
    """Return the middle column of the uppermost and of the lowest row of each component."""
    runs = strokes.runs
    middle = runs.start % runs.stride + (runs.end - runs.start) // 2
    head, foot = np.zeros((2, len(strokes.stats)), np.intp)
    head[strokes.label[::-1]] = middle[::-1]  # runs are sorted by rows; the last that is written stays
    foot[strokes.label] = middle
    return head, foot


def _has_clear_margins(strokes: Labelled, chosen: Indices, ink: AnyMask, scale: float) -> Indices:
    """Return the `chosen` components with paper on both sides along most of their length.

    Args:
        strokes: the components.
        chosen: which of them are looked at.
        ink: (h, w), 1 is ink; the same rows.
        scale: text scale in pixels.
    """
    label, row, first, last = _ends_in_rows(strokes, chosen)
    free = _paper_beside(row, first, last, ink, scale)
    rows = np.bincount(label, minlength=len(strokes.stats))
    share = np.bincount(label, free, len(rows)) / np.maximum(rows, 1)
    short = strokes.stats[:, 3] * step_along(scale) < MIN_BROKEN_RULE_TS * scale
    return chosen[share[chosen] >= np.where(short, MIN_SHORT_CLEAR_SHARE, MIN_CLEAR_SHARE)[chosen]]


def _ends_in_rows(strokes: Labelled, chosen: Indices) -> tuple[Indices, ...]:
    """Return label, row, first and last column of the `chosen` components in each of their rows."""
    wanted = np.zeros(len(strokes.stats), bool)
    wanted[chosen] = True
    own = np.flatnonzero(wanted[strokes.label])
    own = own[np.argsort(strokes.label[own], kind="stable")]
    label, runs = strokes.label[own], strokes.runs
    row = runs.start[own] // runs.stride
    begins = np.append(True, (label[1:] != label[:-1]) | (row[1:] != row[:-1]))[: len(own)]
    first, last = runs.start[own] - row * runs.stride, runs.end[own] - 1 - row * runs.stride
    return label[begins], row[begins], first[begins], last[np.append(begins[1:], True)[: len(own)]]


def _has_even_width(own: Window, ink: AnyMask, stats: Stats, scale: float) -> bool:
    """Tell whether middle and thickness of a stroke change little from row to row; the less the more gaps it has.

    The letters of a small hand, or of a row of small type, make a thin stroke with paper above and below too.

    Args:
        own: (height, width) of the stroke's box, True on the stroke.
        ink: (h, w), 1 is ink; the same rows.
        stats: x, y, width, height of the box.
        scale: text scale in pixels.
    """
    x, y, width, height, _ = stats.tolist()
    stroke = own & (ink[y : y + height, x : x + width] != 0)
    thick = stroke.sum(axis=1)
    inked = thick > 0
    both = inked[1:] & inked[:-1]
    if not both.any():
        return True
    middle = (stroke * np.arange(width)).sum(axis=1) / np.maximum(thick, 1)
    change = np.abs(np.diff(middle)) + np.abs(np.diff(thick))
    return bool(change[both].mean() <= MAX_WAVER_TS * scale * inked.mean())


def _repeated_strokes(stats: Stats, keep: Truths, scale: float) -> Counts:
    """Return which of the kept components stand in a row with others of about their length."""
    chosen = np.flatnonzero(keep)
    x, y, _, height, _ = stats[chosen].astype(np.int64).T
    shared = np.minimum((y + height)[:, None], y + height) - np.maximum(y[:, None], y)
    alike = shared > MIN_ALIKE_SHARE * np.maximum(height[:, None], height)
    near = np.abs(x[:, None] - x) < MAX_REPEATED_SPACE_TS * scale
    in_row = (alike & near).sum(axis=1) >= MIN_REPEATED
    return chosen[in_row & (height < MIN_LONG_RULE_TS * scale)]


def rule_paths(vertical: Mask, scale: float, step: int = 1) -> list[Polyline]:
    """Return the middle line of each vertical rule as (n, 2) points x, y from top to bottom.

    Args:
        vertical: (h, w), 1 where a rule lies.
        scale: text scale in pixels.
        step: one row in so many is looked at.
    """
    labelled = label_sparse(vertical[::step])
    every = max(1, round(8 * scale / step))
    paths = []
    every_rule = np.arange(1, len(labelled.stats))
    for (x, y, width, height, _), own in zip(labelled.stats[1:].tolist(), labelled.windows(every_rule), strict=True):
        rows = np.unique(np.append(np.arange(0, height, every), height - 1))
        weights = own[rows]
        middle = (weights * np.arange(width)).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        down = np.minimum((y + rows + 0.5) * step, len(vertical) - 0.5)
        paths.append(np.stack([x + middle + 0.5, down], axis=1))
    return paths
