"""Letters stand on a line; what looks like letters in foliage, hair or brickwork does not."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Floats, Truths
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.noise import assign_components
from workers.stages.separators.components import LARGE, PAPER, TEXT, Components

MAX_OFF_BASELINE_TS = 0.25  # so near to the line's usual height letters stand
MIN_JUDGED_LETTERS = 5  # letters from which the share of those that do tells lines from pictures
MIN_STANDING_SHARE = 0.25  # in a line that is none; nearly all lines have 0.5 and more
MIN_TEXT_PAGE_SHARE = 0.5  # of all letters of a page: pages of text have 0.65 to 0.95, photographs 0.15 to 0.5
# letters outside of lines by those inside: pages of text have 0.03, most photographs 2 and more
MAX_LEFT_OVER_RATIO = 1.5
MIN_SURE_SHARE = 0.75  # in a line that stays on a page that is not of text
MIN_SLOPE_LETTERS = 12  # letters from which a slope is measured
MIN_ROW_GAP_TS = 0.6  # least distance of the feet of two rows, the longest of the upper from the lower
MIN_LARGE_TYPE_SHARE = 0.5  # of a line's ink in letters larger than the text's: what is small in it is no letter of it
MIN_INK_IN_LINES_SHARE = 0.2  # of the ink in lines, where no line has `MIN_JUDGED_LETTERS` letters


def drop_off_baseline(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out what cannot be lines since its letters stand anywhere; in a photograph all but what surely is one.

    Without this step foliage, hair and brickwork are lines. On a page of text nearly all letters stand in lines; in a
    photograph what looks like letters lies about.
    """
    c = evidence.components
    own = assign_components(lines, c)
    letters, on_line = letters_on_baseline(own, len(lines), c)
    enough = letters >= MIN_JUDGED_LETTERS
    outside = np.count_nonzero(_is_letter(c) & (own == 0))
    if enough.any():
        of_text = (
            on_line[enough].sum() >= MIN_TEXT_PAGE_SHARE * letters[enough].sum()
            and outside <= MAX_LEFT_OVER_RATIO * letters.sum()
        )
    else:
        of_text = c.area[(own > 0) & (c.kind != PAPER)].sum() >= MIN_INK_IN_LINES_SHARE * cv2.countNonZero(evidence.ink)
    if of_text:
        return lines[~enough | (on_line >= MIN_STANDING_SHARE * letters) | _of_large_type(own, len(lines), c)]
    return lines[enough & (on_line >= MIN_SURE_SHARE * letters)]


def _of_large_type(own: Counts, lines: int, c: Components) -> Truths:
    """Tell which lines are made of large letters: the dots and flourishes of a masthead stand anywhere."""
    ink = np.bincount(own, c.area, lines + 1)[1:]
    large = np.bincount(own, np.where((c.kind == LARGE) & c.letterlike, c.area, 0), lines + 1)[1:]
    return large > MIN_LARGE_TYPE_SHARE * ink


def split_merged_lines(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Return the lines with those that hold two rows of letters, one below the other, replaced by their rows.

    Without this step two short lines of close type are one box.
    """
    c = evidence.components
    own = assign_components(lines, c)
    letters, on_line = letters_on_baseline(own, len(lines), c)
    doubtful = np.flatnonzero((letters >= 2 * MIN_JUDGED_LETTERS) & (on_line < MIN_SURE_SHARE * letters))
    whole = np.ones(len(lines), bool)
    rows = []
    for number in doubtful.tolist():
        inside = np.flatnonzero(own == number + 1)
        foot = _foot_of_upper_row((c.y + c.height)[inside[_is_letter(c)[inside]]], c.scale)
        if foot is None:
            continue
        above = c.y[inside] + c.height[inside] / 2 <= foot
        if above.any() and not above.all():  # else the lower row's letters are so tall that they reach over the upper
            whole[number] = False
            rows += [_around(inside[above], lines[number], c), _around(inside[~above], lines[number], c)]
    return np.concatenate([lines[whole], np.array(rows, np.int64).reshape(-1, 4)])


def _foot_of_upper_row(feet: Counts, scale: float) -> float | None:
    """Return where the upper of two rows of letters stands; None where these are not two rows."""
    feet = np.sort(feet)
    last = int(np.argmax(np.diff(feet)))
    groups = feet[: last + 1], feet[last + 1 :]
    if feet[last + 1] - feet[last] < MIN_ROW_GAP_TS * scale or min(map(len, groups)) < MIN_JUDGED_LETTERS:
        return None
    if any(
        (np.abs(group - np.median(group)) <= MAX_OFF_BASELINE_TS * scale).mean() < MIN_SURE_SHARE for group in groups
    ):
        return None
    return float(np.median(groups[0]))


def _around(chosen: Counts, line: Counts, c: Components) -> tuple[int, int, int, int]:
    """Return the box around components, cut at the box of their line."""
    x0, y0, x1, y1 = line.tolist()
    left, right = c.x[chosen].min(), (c.x + c.width)[chosen].max()
    top, bottom = c.y[chosen].min(), (c.y + c.height)[chosen].max()
    return max(x0, int(left)), max(y0, int(top)), min(x1, int(right)), min(y1, int(bottom))


def _is_letter(c: Components) -> Truths:
    return (c.kind == TEXT) & c.letterlike


def letters_on_baseline(own: Counts, lines: int, c: Components) -> tuple[Counts, Counts]:
    """Return for each line how many letters it has, and how many of them stand on it; long letters hang below.

    A straight line is laid through the feet of the letters first, since lines may rise or fall.

    Args:
        own: for each component the number of its line, counted from 1; 0 is none.
        lines: how many there are.
        c: the components.
    """
    chosen = np.flatnonzero((own > 0) & _is_letter(c))
    line = own[chosen] - 1
    x, foot = (c.x + c.width / 2.0)[chosen], (c.y + c.height)[chosen].astype(np.float64)
    letters = np.bincount(line, minlength=lines)
    away = _without_slope(x, foot, line, lines)
    order = np.lexsort((away, line))
    usual = np.zeros(lines)
    some = letters > 0
    usual[some] = away[order][(np.cumsum(letters) - letters + letters // 2)[some]]
    near = np.abs(away - usual[line]) <= MAX_OFF_BASELINE_TS * c.scale
    return letters, np.bincount(line, near, lines).astype(np.int64)


def _without_slope(x: Floats, y: Floats, line: Counts, lines: int) -> Floats:
    """Return y less the straight line through the points of each line of text (least squares); none through few."""
    count = np.maximum(np.bincount(line, minlength=lines), 1)
    x = x - (np.bincount(line, x, lines) / count)[line]
    y = y - (np.bincount(line, y, lines) / count)[line]
    spread = np.bincount(line, x * x, lines)
    slope = np.where(count < MIN_SLOPE_LETTERS, 0.0, np.bincount(line, x * y, lines) / np.maximum(spread, 1.0))
    return y - slope[line] * x
