"""What is done to the boxes of lines after they were found: pieces joined, words that were left over picked up."""

from __future__ import annotations

import numpy as np

from workers.stages.kraken import find_line_boxes
from workers.stages.raster.arrays import Boxes, Counts, Indices, Mask, Truths
from workers.stages.raster.bits import packed
from workers.stages.raster.labelling import label_runs, runs_of_bits
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.joining import joined, level_neighbours
from workers.stages.segmentation.noise import assign_components
from workers.stages.separators.components import LARGE, SMALL, Components

MAX_GAP_TS = 2.2  # widest space between pieces of one line
MIN_FRAGMENT_COMMON_SHARE = 0.5  # of the lower piece's height that both have in common
MAX_FRAGMENT_HEIGHT_RATIO = 1.8  # greatest ratio of heights of pieces of one line; a full stop is not asked
MAX_LETTER_SPACE_TS = 0.8  # letters so near to each other are one word
WORD_HEIGHT_TS = (0.8, 3.0)  # of a word that stands alone
MIN_WORD_WIDTH_TS = 1.2
MIN_WORD_INK_SHARE = 0.12  # of its box that is ink
# of a line's height, above it and below: what does so further hangs together with the next line
MAX_STICKING_OUT_SHARE = 0.3
MAX_LETTER_WIDTH_TS = 12.0  # letters of a hand hang together
MIN_LETTER_TS = 0.5  # of footnotes
MIN_WORD_LETTERS = 2  # components of the size of letters in a word that stands alone


def find_body_lines(evidence: PageEvidence) -> Boxes:
    """Return the boxes (n, 4) that kraken's segmenter makes of the body text; pieces of one line may be apart."""
    body = evidence.body * np.uint8(255)
    return find_line_boxes(body, evidence.barrier, scale=evidence.scale, no_hlines=True).astype(np.int64)


def merge_fragments(found: Boxes, evidence: PageEvidence) -> Boxes:
    """Join the pieces of each line, with words between, beside or far from them that no line covers.

    Without this step a line with wide spaces is several, and the last word of a paragraph is none. Large type is left
    for `add_headlines`.
    """
    components, barrier = evidence.components, evidence.barrier
    words, letters = _words(components, np.concatenate([found, evidence.headlines.boxes]), evidence.pictured, barrier)
    boxes = np.concatenate([found, words])
    if not len(boxes):
        return boxes
    group = _same_line(boxes, barrier, components.scale)
    lines = _unions(boxes, group)
    has_line = np.bincount(group[: len(found)], minlength=len(lines)) > 0
    letters_of = np.bincount(group[len(found) :], letters, minlength=len(lines))
    width, height = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    low, high = (factor * components.scale for factor in WORD_HEIGHT_TS)
    word = (
        (height >= low)
        & (height <= high)
        & (width >= MIN_WORD_WIDTH_TS * components.scale)
        & (letters_of >= MIN_WORD_LETTERS)
    )
    return lines[has_line | (word & (width >= height))]


def add_headlines(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Return the lines with those of large type, which the line finder was not shown: it would cut them to pieces."""
    return np.concatenate([lines, evidence.headlines.boxes])


def grow_to_components(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Widen boxes so that no letter whose middle they hold is cut: long strokes of a hand, accents, swashes.

    Without this step a crop of the line lacks its accents, and OCR reads other letters.
    Letters that stick out further touch the next line and are left cut.
    """
    if not len(lines):
        return lines
    c = evidence.components
    own = assign_components(lines, c) - 1
    allowed = MAX_STICKING_OUT_SHARE * (lines[:, 3] - lines[:, 1])[own]
    above, below = lines[own, 1] - c.y, c.y + c.height - lines[own, 3]
    letter = (own >= 0) & (c.kind >= SMALL) & ~evidence.pictured
    letter &= (above <= allowed) & (below <= allowed) & (c.width <= MAX_LETTER_WIDTH_TS * c.scale)
    grown = lines.copy()
    np.minimum.at(grown[:, 0], own[letter], c.x[letter])
    np.minimum.at(grown[:, 1], own[letter], c.y[letter])
    np.maximum.at(grown[:, 2], own[letter], (c.x + c.width)[letter])
    np.maximum.at(grown[:, 3], own[letter], (c.y + c.height)[letter])
    return grown


def _words(c: Components, covered_by: Boxes, excluded: Truths, barrier: Mask) -> tuple[Boxes, Counts]:
    """Return the boxes of words outside of all `covered_by`, and how many letters each has."""
    covered = np.zeros(c.shape, np.uint8)
    for x0, y0, x1, y1 in covered_by:
        covered[y0:y1, x0:x1] = 1
    left_over = (c.kind >= SMALL) & (c.kind < LARGE) & ~excluded & (covered[c.middle] == 0)
    left_over &= c.height < WORD_HEIGHT_TS[1] * c.scale
    if not left_over.any():
        return np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
    of_words = c.labelled.runs.chosen(left_over[c.labelled.label])
    free = ~packed(barrier)
    closed = of_words.closed(max(3, round(MAX_LETTER_SPACE_TS * c.scale)))
    words = label_runs(runs_of_bits(closed.bits(len(free)) & free), c.shape)
    stats, inked = words.stats, runs_of_bits(of_words.bits(len(free)) & free)
    area = np.bincount(words.of(inked.start), inked.end - inked.start, len(stats))
    word_of = np.zeros(len(c.x), np.intp)
    own = left_over[c.labelled.label]
    word_of[c.labelled.label[own]] = words.of(c.labelled.runs.chosen(own).end - 1)
    letter = left_over & (np.maximum(c.width, c.height) >= MIN_LETTER_TS * c.scale)
    letters = np.bincount(word_of[letter], minlength=len(stats))
    x, y, width, height, _ = stats.astype(np.int64).T
    good = (letters >= 1) & (area >= MIN_WORD_INK_SHARE * width * height)
    good[0] = False
    return np.stack([x, y, x + width, y + height], axis=1)[good], letters[good]


def _same_line(boxes: Boxes, barrier: Mask, scale: float) -> Indices:
    """Return the number of the line for each box: side by side, level, and no separator between."""
    x0, _, x1, _ = boxes.T
    a, b, lower, taller = level_neighbours(boxes, np.full(len(boxes), MAX_GAP_TS * scale), MIN_FRAGMENT_COMMON_SHARE)
    overlap = np.minimum(x1[a], x1[b]) - np.maximum(x0[a], x0[b])
    apart = overlap < 0.5 * np.minimum(x1[a] - x0[a], x1[b] - x0[b])
    alike = (taller < np.maximum(MAX_FRAGMENT_HEIGHT_RATIO * lower, 2 * scale)) & apart
    return joined(boxes, a[alike], b[alike], barrier)


def _unions(boxes: Boxes, group: Indices) -> Boxes:
    """Return the box around each group of boxes."""
    around = np.full((int(group.max()) + 1, 4), [2**30, 2**30, 0, 0], np.int64)
    np.minimum.at(around[:, :2], group, boxes[:, :2])
    np.maximum.at(around[:, 2:], group, boxes[:, 2:])
    return around
