"""What two readers of a page agree on, and whose line stays where they do not."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes, Indices, Truths
from workers.stages.raster.groups import numbered_groups
from workers.stages.segmentation.baseline_fit import letters_on_baseline
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.noise import assign_components

MIN_ROW_OVERLAP_SHARE = 0.5  # share of the lower box's height that two boxes of one line have in common
MIN_WIDTH_OVERLAP_SHARE = 0.3  # share of the narrower one's width
MIN_SAME_LINE_SHARE = 0.8  # of the width of both together: then only the style of the boxes differs
MIN_LEVEL_SHARE = 0.7  # share of the lower box's height that pieces of one line have in common
MAX_ROW_DISTANCE_HEIGHTS = 4.0  # heights: so far above and below other rows are looked at
MIN_ALIGNED_ROWS = 1  # other rows that are cut at the same place
MAX_WORD_HEIGHT_TS = 10.0  # text scales, of one large word
MIN_LONG_RATIO = 3.0  # width by height of a line in larger type still
MIN_OWN_LETTERS = 5  # letters by which a line that only we see stays,
MIN_OWN_STANDING_SHARE = 0.75  # this share of them on it


def join(ours: Boxes, theirs: Boxes, evidence: PageEvidence) -> Boxes:
    """Return the lines (n, 4) of a doubtful page from ours and those of the second reader.

    Where both see one line, ours fits the ink better and stays. Where they cut a row differently, or only the second
    reader sees a line, its line stays, but no line crosses a separator. A line that only we see must stand.
    """
    stands = _stands(ours, evidence)
    theirs = _spaced_lines(_long_or_low(theirs, evidence.scale), ours[stands])
    group_of_ours, group_of_theirs, groups = _groups(ours, theirs)
    own, other = np.bincount(group_of_ours, minlength=groups), np.bincount(group_of_theirs, minlength=groups)
    kept = (other[group_of_ours] == 0) & stands
    alike = _same_line(ours, theirs, group_of_ours, group_of_theirs, (own == 1) & (other == 1))
    return np.concatenate([ours[kept | alike[group_of_ours]], theirs[~alike[group_of_theirs]]])


def _long_or_low(boxes: Boxes, scale: float) -> Boxes:
    """Return the boxes (n, 4) that a line can have: what is far taller than text is a picture, unless it is long."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return boxes[(height <= MAX_WORD_HEIGHT_TS * scale) | (width >= MIN_LONG_RATIO * height)]


def _spaced_lines(theirs: Boxes, ours: Boxes) -> Boxes:
    """Return the boxes of the second reader with those joined that it cut at a space within one line of ours.

    It parts widely spaced words. Their boxes touch, since they were grown, and the letters of our line stand on it, as
    they do not where it runs over advertisements. Where rows nearby are cut at the same place, a gutter or the white
    between two advertisements lies there, over which a row of ours ran.
    """
    if not len(theirs) or not len(ours):
        return theirs
    holder = _holder(theirs, ours)
    order = np.lexsort((theirs[:, 0], holder))
    boxes, holder = theirs[order], holder[order]
    one = (holder[:-1] >= 0) & (holder[:-1] == holder[1:]) & ~_at_gutters(boxes[:-1], boxes[1:], holder)
    starts = np.flatnonzero(np.append(True, ~one))
    low = np.minimum.reduceat(boxes[:, :2], starts, axis=0)
    return np.concatenate([low, np.maximum.reduceat(boxes[:, 2:], starts, axis=0)], axis=1)


def _at_gutters(left: Boxes, right: Boxes, holder: Indices) -> Truths:
    """Tell which cuts between boxes (n, 4) are no spaces of one line: apart, not level, or one above the other."""
    height = np.minimum(left[:, 3] - left[:, 1], right[:, 3] - right[:, 1])
    level = np.minimum(left[:, 3], right[:, 3]) - np.maximum(left[:, 1], right[:, 1]) >= MIN_LEVEL_SHARE * height
    cut = level & (holder[:-1] >= 0) & (holder[:-1] == holder[1:])
    start, end = np.minimum(left[:, 2], right[:, 0]), np.maximum(left[:, 2], right[:, 0])
    middle = (left[:, 1] + left[:, 3]) / 2
    same_place = (np.minimum.outer(end, end) >= np.maximum.outer(start, start)) & cut
    nearby = np.abs(np.subtract.outer(middle, middle)) <= MAX_ROW_DISTANCE_HEIGHTS * height[:, None]
    alike = (same_place & nearby).sum(axis=1) - cut
    return ~level | (right[:, 0] > left[:, 2]) | (alike >= MIN_ALIGNED_ROWS)


def _holder(theirs: Boxes, ours: Boxes) -> Indices:
    """Return of each box of the second reader the number of the line of ours that holds its middle; -1 of none."""
    x, y = (theirs[:, 0] + theirs[:, 2]) / 2, (theirs[:, 1] + theirs[:, 3]) / 2
    inside = (ours[:, 0] <= x[:, None]) & (x[:, None] < ours[:, 2])
    inside &= (ours[:, 1] <= y[:, None]) & (y[:, None] < ours[:, 3])
    return np.where(inside.any(axis=1), inside.argmax(axis=1), -1)


def _groups(ours: Boxes, theirs: Boxes) -> tuple[Indices, Indices, int]:
    """Return of each box of both readers the number of its group: what overlaps along a row is one."""
    both = np.concatenate([ours, theirs])
    width = np.minimum(ours[:, None, 2], theirs[:, 2]) - np.maximum(ours[:, None, 0], theirs[:, 0])
    height = np.minimum(ours[:, None, 3], theirs[:, 3]) - np.maximum(ours[:, None, 1], theirs[:, 1])
    sides = both[:, 2:] - both[:, :2]
    least = np.minimum(sides[: len(ours), None], sides[len(ours) :])
    row, column = np.nonzero(
        (width >= MIN_WIDTH_OVERLAP_SHARE * least[..., 0]) & (height >= MIN_ROW_OVERLAP_SHARE * least[..., 1])
    )
    label = numbered_groups(len(both), row, column + len(ours))
    return label[: len(ours)], label[len(ours) :], int(label.max(initial=-1)) + 1


def _same_line(ours: Boxes, theirs: Boxes, of_ours: Indices, of_theirs: Indices, pair: Truths) -> Truths:
    """Tell which groups, of one box each, are one line that both readers see from end to end."""
    alike = np.zeros(len(pair), bool)
    first, second = np.full(len(pair), -1), np.full(len(pair), -1)
    first[of_ours], second[of_theirs] = np.arange(len(ours)), np.arange(len(theirs))
    a, b = ours[first[pair]], theirs[second[pair]]
    shared = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    whole = np.maximum(a[:, 2], b[:, 2]) - np.minimum(a[:, 0], b[:, 0])
    alike[pair] = shared >= MIN_SAME_LINE_SHARE * whole
    return alike


def _stands(lines: Boxes, evidence: PageEvidence) -> Truths:
    """Tell on which lines there are letters enough, and nearly all of them on it."""
    own = assign_components(lines, evidence.components)
    letters, on_line = letters_on_baseline(own, len(lines), evidence.components)
    return (letters >= MIN_OWN_LETTERS) & (on_line >= MIN_OWN_STANDING_SHARE * letters)
