"""What each step of finding lines did to them: which it dropped, trimmed, added, joined and cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.stages.raster.arrays import Boxes, Indices
from workers.stages.raster.groups import groups

SAME_LINE_SHARE = 0.5  # of the smaller box: boxes before and after a step that share so much are of one line
MIN_TRIMMED_HEIGHTS = 0.5  # less at the end of a line is no letter


@dataclass(frozen=True, slots=True)
class StepEffect:
    """What one step did, as (n, 4) boxes in working pixels; `lines` are all it left.

    `trimmed` are ends that were cut off lines, `joined` the pieces that became one line, `cut` the lines that became
    several.
    """

    step: str
    lines: Boxes
    dropped: Boxes
    trimmed: Boxes
    added: Boxes
    joined: Boxes
    cut: Boxes


def step_effect(step: str, before: Boxes, after: Boxes) -> StepEffect:
    """Compare the boxes (n, 4) before a step with those (m, 4) after it."""
    old, new = _only_in(before, after), _only_in(after, before)
    group = _lines_of(old, new)
    olds, news = (np.bincount(of, minlength=len(group)) for of in (group[: len(old)], group[len(old) :]))
    were, are = olds[group[: len(old)]], news[group[: len(old)]]
    return StepEffect(
        step=step,
        lines=after,
        dropped=old[are == 0],
        trimmed=_ends(old, new, group),
        added=new[olds[group[len(old) :]] == 0],
        joined=old[(are > 0) & (were > are)],
        cut=old[are > were],
    )


def _only_in(boxes: Boxes, others: Boxes) -> Boxes:
    known = set(map(tuple, others.tolist()))
    return boxes[[tuple(box) not in known for box in boxes.tolist()]].reshape(-1, 4)


def _lines_of(old: Boxes, new: Boxes) -> Indices:
    """Return the number of the line that each of the old boxes, then each of the new ones, is of."""
    a, b = old[:, None], new[None]
    shared = (np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])).clip(0).prod(axis=2)
    smaller = np.minimum((a[..., 2:] - a[..., :2]).prod(axis=2), (b[..., 2:] - b[..., :2]).prod(axis=2))
    i, j = np.nonzero(shared >= SAME_LINE_SHARE * smaller)
    return groups(len(old) + len(new), i, len(old) + j)


def _ends(old: Boxes, new: Boxes, group: Indices) -> Boxes:
    """Return the ends of the old boxes that the new boxes of their lines no longer reach."""
    x_min, x_max = np.full(len(group), np.iinfo(np.int64).max), np.full(len(group), -1)
    np.minimum.at(x_min, group[len(old) :], new[:, 0])
    np.maximum.at(x_max, group[len(old) :], new[:, 2])
    first, last = x_min[group[: len(old)]], x_max[group[: len(old)]]
    x0, y0, x1, y1 = old.T
    least = MIN_TRIMMED_HEIGHTS * (y1 - y0)
    left = (last >= 0) & (first - x0 >= least)
    right = (last >= 0) & (x1 - last >= least)
    heads = np.stack([x0, y0, np.minimum(first, x1), y1], axis=1)[left]
    tails = np.stack([np.maximum(last, x0), y0, x1, y1], axis=1)[right]
    return np.concatenate([heads, tails])
