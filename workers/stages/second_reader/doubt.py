"""How far the lines of a page explain its letters: what the page engine itself can tell about having gone wrong.

Five shares that are near 0 on pages of even columns, and grow where it fails: letters in no line, letters that do not
stand on their line (two rows in one box, a picture), lines that lie over each other, lines in the midst of which other
lines nearby begin (rows across advertisements or a gutter), and lines that have a gap at the same place (a gutter full
of specks).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import cv2
import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Truths
from workers.stages.segmentation.baseline_fit import MIN_JUDGED_LETTERS, MIN_SURE_SHARE, letters_on_baseline
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.noise import assign_components
from workers.stages.segmentation.word_gaps import over_a_chain_of_gaps
from workers.stages.separators.components import LARGE, TEXT

MIN_OVERLAP_SHARE = 0.3  # share of the lower box's height
MAX_DISTANCE_PITCHES = 3.5  # line pitches
MAX_INDENT_TS = 6.0  # text scales: lines that begin or end so near to each other begin or end together
MIN_BEGINNING_LINES = 2  # of other lines in the midst of one: one alone is a heading in the middle
MAX_INK_RATIO = 1.6  # of the ink in a line's box by that of its letters: more is a drawing, or two rows
DOUBTFUL = 0.18  # even columns have 0.02 to 0.1, mosaics, show-through and manuscripts 0.2 and more


@dataclass(frozen=True, slots=True)
class Doubt:
    """Shares from 0 to 1, each for one way of going wrong."""

    left_out: float
    not_standing: float
    overlapping: float
    across: float
    over_gaps: float

    @property
    def total(self) -> float:
        """The chance, 0 to 1, that something is wrong where each share is a chance of its own."""
        return 1.0 - float(np.prod([1.0 - share for share in astuple(self)]))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What speaks for and against each line of a page, and each of its letters.

    Attributes:
        own: of each component the number of its line, counted from 1; 0 of those in no line.
        letter: which components are letters outside of pictures.
        letters: how many of them are in each line.
        not_standing, overlapping, across, over_gaps, of_other_ink: which lines have that against them.
    """

    own: Counts
    letter: Truths
    letters: Counts
    not_standing: Truths
    overlapping: Truths
    across: Truths
    over_gaps: Truths
    of_other_ink: Truths

    @property
    def doubtful_letters(self) -> Truths:
        """Which letters are in no line, or in one that has something against it."""
        return self.letter & np.append(True, self.against)[self.own]

    @property
    def against(self) -> Truths:
        """Which lines have something against them, those over a chain of gaps left out: a few have it by chance."""
        return self.not_standing | self.overlapping | self.across | self.of_other_ink


def judge(lines: Boxes, evidence: PageEvidence) -> Judgement:
    """Return what speaks against the lines (n, 4) of a page."""
    c = evidence.components
    own = assign_components(lines, c)
    letters, on_line = letters_on_baseline(own, len(lines), c)
    return Judgement(
        own=own,
        letter=(c.kind == TEXT) & c.letterlike & ~evidence.pictured,
        letters=letters,
        not_standing=(letters >= MIN_JUDGED_LETTERS) & (on_line < MIN_SURE_SHARE * letters),
        overlapping=_overlapping(lines),
        across=_across(lines, evidence),
        over_gaps=over_a_chain_of_gaps(lines, own, evidence),
        of_other_ink=_of_other_ink(lines, own, evidence),
    )


def measure_doubt(lines: Boxes, evidence: PageEvidence) -> Doubt:
    """Return how doubtful the lines (n, 4) of a page are; without any, all of its letters are left out."""
    return doubt_in(judge(lines, evidence))


def doubt_in(judged: Judgement) -> Doubt:
    """Return the shares of a page's letters and lines that have something against them."""
    letter, letters = judged.letter, judged.letters
    all_letters = max(1, int(letters.sum()))
    return Doubt(
        left_out=float((letter & (judged.own == 0)).sum() / max(1, letter.sum())),
        not_standing=float(letters[judged.not_standing].sum() / all_letters),
        overlapping=float(judged.overlapping.mean()) if len(letters) else 0.0,
        across=float(letters[judged.across].sum() / all_letters),
        over_gaps=float(letters[judged.over_gaps].sum() / all_letters),
    )


def _overlapping(lines: Boxes) -> Truths:
    """Tell which lines lie over another."""
    width = np.minimum(lines[:, None, 2], lines[:, 2]) - np.maximum(lines[:, None, 0], lines[:, 0])
    height = np.minimum(lines[:, None, 3], lines[:, 3]) - np.maximum(lines[:, None, 1], lines[:, 1])
    tall = lines[:, 3] - lines[:, 1]
    over = (width > 0) & (height > MIN_OVERLAP_SHARE * np.minimum.outer(tall, tall))
    np.fill_diagonal(over, False)
    return over.any(axis=1)


def _across(lines: Boxes, evidence: PageEvidence) -> Truths:
    """Tell in the midst of which lines others nearby begin."""
    middle = (lines[:, 1] + lines[:, 3]) / 2
    near = np.abs(middle[:, None] - middle) < MAX_DISTANCE_PITCHES * evidence.pitch
    begins, indent = lines[None, :, 0], MAX_INDENT_TS * evidence.scale
    inside = (begins > lines[:, 0, None] + indent) & (begins < lines[:, 2, None] - indent)
    return (inside & near).sum(axis=1) >= MIN_BEGINNING_LINES


def _of_other_ink(lines: Boxes, own: Counts, evidence: PageEvidence) -> Truths:
    """Tell in which boxes much of the ink belongs to no letter of the line."""
    c = evidence.components
    of_letters = (c.kind == TEXT) | ((c.kind == LARGE) & c.letterlike)
    explained = np.bincount(own, np.where(of_letters, c.area, 0), len(lines) + 1)[1:]
    ink = np.array([cv2.countNonZero(evidence.ink[y0:y1, x0:x1]) for x0, y0, x1, y1 in lines.tolist()])
    return ink > MAX_INK_RATIO * np.maximum(explained, 1.0)
