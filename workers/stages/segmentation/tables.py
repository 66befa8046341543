"""Lines that run through the white of a table are cut."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Mask, Truths
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.gaps import cut_at_gaps

MIN_LONE_GAP_TS = 4.5  # no line of text has such a gap, unless all its spaces are as wide
MIN_WORD_GAP_TS = 0.6  # a narrower gap parts letters
MAX_EVEN_RATIO = 1.5  # widest by narrowest space of a justified line
MAX_MISALIGNED_TS = 0.6  # cells below each other begin so exactly
MIN_COMPANIONS = 2  # other lines with a gap that ends at the same place
MIN_WITH_GAP_SHARE = 0.5  # of the lines that run through the place have the gap
MAX_PASSES = 4
MIN_PIECE_TS = 0.8
MAX_AWAY_PITCHES = 12.0  # above or below


def split_at_cells(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Cut lines at gaps that no line of text has, and at smaller ones that lines nearby have at the same place.

    Without this step a row of a table is one line, from its first column to its last. Cells that are cut off make room
    for others to be seen, so it is repeated until nothing changes. What is lower and narrower than a digit (ditto
    marks, dots) is no line.
    """
    for _ in range(MAX_PASSES):
        cut = _cut_once(lines, evidence)
        if len(cut) == len(lines):
            break
        lines = cut
    return lines


def _cut_once(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Cut the lines at the gaps that show now."""
    gaps, scale, pitch = evidence.gaps.gaps_in(lines), evidence.scale, evidence.pitch
    if not len(gaps):
        return lines
    line, start, end = gaps.T
    row = (lines[line, 1] + lines[line, 3]) / 2
    middle = (lines[:, 1] + lines[:, 3]) / 2
    spans = (lines[:, 0] < start[:, None]) & (lines[:, 2] > end[:, None])
    spans &= np.abs(middle - row[:, None]) <= MAX_AWAY_PITCHES * pitch
    aligned = (np.abs(end[:, None] - end) <= MAX_MISALIGNED_TS * scale) & (
        np.abs(row[:, None] - row) <= MAX_AWAY_PITCHES * pitch
    )
    alike = aligned.sum(axis=1)
    in_table = (alike > MIN_COMPANIONS) & (alike >= MIN_WITH_GAP_SHARE * spans.sum(axis=1))
    wide = end - start >= MIN_LONE_GAP_TS * scale
    wide &= ~_evenly_spaced(lines, line[wide], evidence.printed, scale)[line]
    return cut_at_gaps(lines, gaps[wide | in_table], evidence.printed, MIN_PIECE_TS * scale)


def _evenly_spaced(lines: Boxes, asked: Counts, ink: Mask, scale: float) -> Truths:
    """Tell which of the lines that are `asked` for have two or more spaces, all alike: few words, justified."""
    even = np.zeros(len(lines), bool)
    for number in np.unique(asked):
        x0, y0, x1, y1 = lines[number]
        inked = np.flatnonzero(ink[y0:y1, x0:x1].any(axis=0))
        white = np.diff(inked) - 1
        spaces = white[white > MIN_WORD_GAP_TS * scale]
        even[number] = len(spaces) > 1 and spaces.max() <= MAX_EVEN_RATIO * spaces.min()
    return even
