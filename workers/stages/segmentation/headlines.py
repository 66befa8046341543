"""Headlines and other large type: cut out and grouped into lines at their own size, before the body text is looked at.

Kraken's segmenter has one scale for a page. Letters well above it are taken by size and stroke, and words in heavy type
whose letters touch, and joined with their neighbours of the same line as long as the space between them is one that
their own height allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Indices, Mask, Truths
from workers.stages.segmentation.joining import joined, level_neighbours
from workers.stages.separators.components import LARGE, SMALL, TEXT, Components

MIN_HEADLINE_TS = 2.6  # letters this tall are not of the body text
MAX_HEADLINE_TS = 30.0
MIN_BOLD_RATIO = 1.35  # stroke of large type by that of the body text
MIN_BOLD_LETTER_TS = 1.0  # the least height of a letter of a headline
MAX_SPACE_HEIGHTS = 1.4  # widest space within a headline, by the height of its taller neighbour
MAX_HEADLINE_HEIGHT_RATIO = 2.6  # greatest ratio of heights of neighbours
MIN_HEADLINE_COMMON_SHARE = 0.5  # of the lower letter's height that neighbours have in common
MIN_LIGHT_LETTERS = 5  # letters that make a headline in type no bolder than the body
HEIGHT_QUANTILE = 0.75  # a quarter of a headline's letters may be lower
MIN_BOLD_SHARE = 0.5  # of the letters: fewer are letters of the body that touch across lines
MIN_PIECE_SHARE = 0.1  # of a headline's height: what is lower beside it is dirt
MIN_LETTERS = 2  # letters that make a headline; a single one is a drop capital or an ornament


@dataclass(frozen=True, slots=True)
class Headlines:
    """Lines of large type.

    Attributes:
        boxes: (n, 4) int64: x_min, y_min, x_max, y_max.
        members: for each component whether it belongs to a headline.
        initials: for each component whether it is a single large letter.
    """

    boxes: Boxes
    members: Truths
    initials: Truths


def find_headlines(components: Components, barrier: Mask, excluded: Truths) -> Headlines:
    """Group large letters into lines.

    Without this a masthead is a heap of pieces as tall as body text, and breaks the lines beside it.

    Args:
        components: of the page without rules.
        barrier: (h, w), 1 where no line may cross.
        excluded: components that belong to pictures.
    """
    c, scale = components, components.scale
    bold = (c.stroke > MIN_BOLD_RATIO * c.stroke_of_text) & (c.height >= MIN_BOLD_LETTER_TS * scale)
    tall = (c.stroke > c.stroke_of_text) & (c.height >= MIN_HEADLINE_TS * scale)
    large = c.letterlike & (bold | tall) & (c.height <= MAX_HEADLINE_TS * scale)
    candidate = (large | bold & c.touching_words) & ~excluded & (c.kind >= TEXT)
    chosen = np.flatnonzero(candidate)
    members = np.zeros(len(c.x), bool)
    initials = np.zeros(len(c.x), bool)
    if not len(chosen):
        return Headlines(np.zeros((0, 4), np.int64), members, initials)
    line = _groups(c.boxes[chosen], barrier)
    boxes = []
    touching = (c.kind == LARGE) & c.bold_strokes & ~c.on_edge  # kraken's segmenter drops them
    blotted = c.bold_strokes & c.touching_words & ~c.letterlike
    tallest = np.zeros(line.max() + 1, np.int64)
    np.maximum.at(tallest, line, c.height[chosen])
    words = np.bincount(line, (touching | blotted)[chosen], len(tallest)) > 0
    for group in np.flatnonzero((tallest >= MIN_HEADLINE_TS * scale) | words):
        own = chosen[line == group]
        if np.quantile(c.height[own], HEIGHT_QUANTILE) < MIN_HEADLINE_TS * scale and not words[group]:
            continue
        if bold[own].mean() < MIN_BOLD_SHARE and len(own) < MIN_LIGHT_LETTERS:
            continue
        if blotted[own].any() and _in_body(own, c, barrier):
            continue
        if len(own) < MIN_LETTERS and c.width[own[0]] < 2 * c.height[own[0]]:
            initials[own] = True
            continue
        members[own] = True
        boxes.append(_union(c.boxes[own]))
    found = np.array(boxes, np.int64).reshape(-1, 4)
    return Headlines(*_with_small_pieces(found, c, members, excluded), initials)


def _in_body(own: Counts, c: Components, barrier: Mask) -> bool:
    """Tell whether letters of the body stand beside these words, in their line: words with too much ink on them."""
    x0, y0, x1, y1 = _union(c.boxes[own]).tolist()
    reach = round(MAX_SPACE_HEIGHTS * (y1 - y0))
    row = barrier[(y0 + y1) // 2]
    left, right = np.flatnonzero(row[max(0, x0 - reach) : x0]), np.flatnonzero(row[x1 : x1 + reach])
    first = max(0, x0 - reach) + int(left[-1]) if len(left) else x0 - reach
    last = x1 + int(right[0]) if len(right) else x1 + reach
    middle, _ = c.middle
    beside = (c.kind >= TEXT) & c.letterlike & (middle > y0) & (middle < y1) & (c.x < last) & (c.x + c.width > first)
    return bool(np.count_nonzero(beside) > np.count_nonzero(beside[own]))


def _union(boxes: Boxes) -> Boxes:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _groups(boxes: Boxes, barrier: Mask) -> Indices:
    """Return the number of the line for each of the letters' boxes."""
    a, b, lower, taller = level_neighbours(
        boxes, MAX_SPACE_HEIGHTS * (boxes[:, 3] - boxes[:, 1]).astype(np.float64), MIN_HEADLINE_COMMON_SHARE
    )
    alike = taller <= MAX_HEADLINE_HEIGHT_RATIO * lower
    return joined(boxes, a[alike], b[alike], barrier)


def _with_small_pieces(boxes: Boxes, c: Components, members: Truths, excluded: Truths) -> tuple[Boxes, Truths]:
    """Give dots, hyphens and thin letters inside a headline, or at its ends, to it."""
    usable = np.flatnonzero((c.kind >= SMALL) & ~excluded)
    own, height = c.boxes[usable], c.height[usable]
    members = members.copy()
    grown = boxes.copy()
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        reach = (y1 - y0) // 3
        middle = (own[:, 1] + own[:, 3]) / 2
        inside = (own[:, 0] >= x0 - reach) & (own[:, 2] <= x1 + reach) & (own[:, 1] >= y0 - reach // 2)
        inside &= (own[:, 3] <= y1 + reach // 2) & (middle > y0) & (middle < y1)
        beside = inside & ((own[:, 0] < x0) | (own[:, 2] > x1))
        inside &= ~beside | (height > MIN_PIECE_SHARE * (y1 - y0))
        members[usable[inside]] = True
        if inside.any():
            grown[k] = _union(np.concatenate([boxes[k : k + 1], own[inside]]))
    return grown, members
