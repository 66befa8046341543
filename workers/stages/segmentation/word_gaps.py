"""Lines that run over a gutter nobody found: the spaces between their words stand one below the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Indices, Polyline, Truths
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.noise import assign_components
from workers.stages.separators.components import TEXT

MIN_GAP_TS = 0.4  # text scales between two letters
STEP_TS = 0.5  # text scales from one place across the page to the next
MIN_COLUMN_TS = 8.0  # text scales from a line's ends, within which no gutter is looked for
CHAIN_LINES = 18  # lines one below the other; words of justified text begin at one place by chance, too
MIN_CHAIN_SHARE = 0.8  # of them with a gap there
MIN_EXCESS_SHARE = 0.5  # over the share with a gap at any place, 0.05 to 0.3 in print and 0.4 in a hand
MIN_ALL_ALONG_SHARE = 0.6  # of all lines over a place: then the gutter that a part of them tells of goes on
MIN_GUTTER_SHARE = 0.3  # of a page's lines in chains: there is a gutter, and no chance any more
MAX_CHAINED_SHARE = (
    0.4  # of all gaps in one place: a list or form repeats its words (0.74 to 1); one gutter of a page 0.02
)
MAX_STROKE_RATIO = 5.0  # height by width of a letter; what is more slender may be a piece of the gutter's rule


def over_a_chain_of_gaps(lines: Boxes, own: Counts, evidence: PageEvidence) -> Truths:
    """Tell which lines (n, 4) are among many that have a gap at the same place.

    Args:
        lines: of a page.
        own: of each component the number of its line, counted from 1; 0 of those in no line.
        evidence: what is known of the page.
    """
    found = np.zeros(len(lines), bool)
    for _, chained in _chains(lines, own, evidence):
        found[chained] = True
    return found


def missed_gutters(lines: Boxes, evidence: PageEvidence) -> list[Polyline]:
    """Return the middle lines of gutters that many lines (n, 4) of a page run over; mostly none.

    Specks fill such a gutter, or letters touch its rule here and there, so that it is not white.
    """
    chains = list(_chains(lines, assign_components(lines, evidence.components), evidence))
    together = np.unique(np.concatenate([chained for _, chained in chains])) if chains else np.zeros(0, np.int64)
    if len(together) < max(1.0, MIN_GUTTER_SHARE * len(lines)):
        return []
    gutters: list[Polyline] = []
    for place, chained in sorted(chains, key=lambda chain: -len(chain[1])):
        if all(abs(place - gutter[0, 0]) > MIN_COLUMN_TS * evidence.scale for gutter in gutters):
            top, bottom = lines[chained, 1].min(), lines[chained, 3].max()
            gutters.append(np.array([[place, top], [place, bottom]], np.float64))
    return gutters


def _chains(lines: Boxes, own: Counts, evidence: PageEvidence) -> Iterator[tuple[float, Indices]]:
    """Yield the places across the page at which lines have a gap one below the other, and those lines."""
    step = STEP_TS * evidence.scale
    places = np.arange(int(evidence.ink.shape[1] / step) + 1) * step
    margin = MIN_COLUMN_TS * evidence.scale
    inside = (places > lines[:, 0, None] + margin) & (places < lines[:, 2, None] - margin)
    has_gap = _gaps_at(own, len(lines), step, len(places), evidence) & inside
    least = max(MIN_CHAIN_SHARE, has_gap.sum() / max(1, inside.sum()) + MIN_EXCESS_SHARE) * CHAIN_LINES
    order = np.argsort(lines[:, 1] + lines[:, 3])
    together = has_gap.sum(axis=0)
    often = (together >= CHAIN_LINES) & (together >= MIN_CHAIN_SHARE * inside.sum(axis=0))
    if has_gap[:, often].sum() > MAX_CHAINED_SHARE * has_gap.sum():
        return
    for number in np.flatnonzero(inside.sum(axis=0) >= CHAIN_LINES).tolist():
        crossing = order[inside[order, number]]
        sums = np.append(0, np.cumsum(has_gap[crossing, number]))
        first = np.flatnonzero(sums[CHAIN_LINES:] - sums[:-CHAIN_LINES] >= least)
        if len(first):
            chained = np.unique(first[:, None] + np.arange(CHAIN_LINES))
            all_along = sums[-1] >= MIN_ALL_ALONG_SHARE * len(crossing)
            yield float(places[number]), crossing if all_along else crossing[chained]


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
