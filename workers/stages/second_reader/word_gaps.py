"""Lines that run over a gutter nobody found: the spaces between their words stand one below the other."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Truths
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.separators.components import TEXT

MIN_GAP_TS = 0.4  # text scales between two letters
STEP_TS = 0.5  # text scales from one place across the page to the next
MIN_COLUMN_TS = 8.0  # text scales from a line's ends, within which no gutter is looked for
CHAIN_LINES = 18  # lines one below the other; words of justified text begin at one place by chance, too
MIN_CHAIN_SHARE = 0.8  # of them with a gap there
MAX_STROKE_RATIO = 5.0  # height by width of a letter; what is more slender may be a piece of the gutter's rule


def over_a_chain_of_gaps(lines: Boxes, own: Counts, evidence: PageEvidence) -> Truths:
    """Tell which lines (n, 4) are among many that have a gap at the same place.

    Args:
        lines: of a page.
        own: of each component the number of its line, counted from 1; 0 of those in no line.
        evidence: what is known of the page.
    """
    step = STEP_TS * evidence.scale
    places = np.arange(int(evidence.ink.shape[1] / step) + 1) * step
    margin = MIN_COLUMN_TS * evidence.scale
    inside = (places > lines[:, 0, None] + margin) & (places < lines[:, 2, None] - margin)
    has_gap = _gaps_at(own, len(lines), step, len(places), evidence) & inside
    order, found = np.argsort(lines[:, 1] + lines[:, 3]), np.zeros(len(lines), bool)
    for place in np.flatnonzero(inside.sum(axis=0) >= CHAIN_LINES).tolist():
        crossing = order[inside[order, place]]
        sums = np.append(0, np.cumsum(has_gap[crossing, place]))
        first = np.flatnonzero(sums[CHAIN_LINES:] - sums[:-CHAIN_LINES] >= MIN_CHAIN_SHARE * CHAIN_LINES)
        found[crossing[np.unique(first[:, None] + np.arange(CHAIN_LINES))]] = True
    return found


def _gaps_at(own: Counts, lines: int, step: float, places: int, evidence: PageEvidence) -> Truths:
    """Return (lines, places): where each line has no letter over at least `MIN_GAP_TS`."""
    c = evidence.components
    letter = (own > 0) & (c.kind >= TEXT) & c.letterlike & ~evidence.pictured
    chosen = np.flatnonzero(letter & (c.height < MAX_STROKE_RATIO * c.width))
    chosen = chosen[np.lexsort((c.x[chosen], own[chosen]))]
    line, start = own[chosen] - 1, c.x[chosen]
    apart = evidence.ink.shape[1] * line  # lines laid end to end
    end = np.maximum.accumulate(start + c.width[chosen] + apart) - apart
    wide = (line[1:] == line[:-1]) & (start[1:] - end[:-1] >= MIN_GAP_TS * evidence.scale)
    change = np.zeros((lines, places + 1), np.int64)
    first = np.ceil(end[:-1][wide] / step).astype(np.int64).clip(0, places)
    last = (np.floor(start[1:][wide] / step).astype(np.int64) + 1).clip(0, places)
    np.add.at(change, (line[1:][wide], first), 1)
    np.add.at(change, (line[1:][wide], np.maximum(first, last)), -1)
    return np.asarray(np.cumsum(change, axis=1)[:, :places] > 0)
