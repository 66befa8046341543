"""The reading order of a whole page: by columns under their headline, and within a block of text as kraken orders.

The page is cut like a tree (Nagy's XY-cut, on lines instead of pixels). Where lines stand left and right of a place
that few lines cross, those that cross it are headlines: what is above one is read before it and what is below after
it. Between two of them the columns are read one after the other, each from top to bottom. Where no such place is
left, the lines are one block.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from workers.stages.raster.arrays import Boxes, Coordinates, Floats, Indices, Truths
from workers.stages.raster.groups import ragged
from workers.stages.segmentation.reading_order import reading_order

Direction = Literal["lr", "rl"]

CUT_PLACES = 400  # places across a block where columns could part
SLACK_TS = 0.5  # a line that reaches no further over a place does not cross it
MIN_SIDE_BY_SIDE_TS = 3.0  # of height over which lines stand on both sides
MIN_LEVEL_SHARE = 0.5  # of the lower one's height that two boxes beside each other have in common
MAX_ACROSS_RATIO = 0.5  # lines that cross, for each line of the side that has fewer


def xy_cut_order(lines: Boxes, rules: Boxes, scale: float, direction: Direction) -> list[int]:
    """Return the indices of `lines` in reading order.

    Args:
        lines: (n, 4) x_min, y_min, x_max, y_max.
        rules: (m, 4) horizontal rules, which part what is above from what is below like a headline.
        scale: text scale in pixels.
        direction: whether columns follow each other from left to right (`lr`) or from right to left (`rl`).
    """
    boxes = np.concatenate([lines, rules])
    order: list[int] = []
    waiting = [np.arange(len(boxes))]
    while waiting:
        block = waiting.pop()
        pieces = _parted(block, boxes, len(lines), scale, direction)
        if pieces is None:
            text = block[block < len(lines)]
            order += text.tolist() if len(text) < 2 else text[reading_order(boxes[text], direction)].tolist()
        else:
            waiting += pieces[::-1]
    return order


def _parted(block: Indices, boxes: Boxes, lines: int, scale: float, direction: Direction) -> list[Indices] | None:
    """Return the pieces of a block in reading order, None where it cannot be parted.

    Where only lines cross that stand between others, as a title between two boxes, the block is parted beside them.
    """
    if len(block) < 3:
        return None
    pieces = _parted_at(_best_place(boxes[block], scale), block, boxes, lines, scale, direction)
    if pieces is None or len(pieces) > 1:
        return pieces
    between = boxes[block[_flanked(block, block[block < lines], boxes, scale)]]
    pieces = _parted_at(_best_place(boxes[block], scale, between), block, boxes, lines, scale, direction)
    return pieces if pieces is not None and len(pieces) > 1 else None


def _parted_at(
    place: float | None, block: Indices, boxes: Boxes, lines: int, scale: float, direction: Direction
) -> list[Indices] | None:
    """Return the pieces left and right of a place, or those between the lines that cross it."""
    if place is None:
        return None
    left = boxes[block, 2] <= place + SLACK_TS * scale
    right = ~left & (boxes[block, 0] >= place - SLACK_TS * scale)
    across = block[~left & ~right]
    if not len(across):
        columns = [block[left], block[right]]
        return columns if direction == "lr" else columns[::-1]
    across = across[~_flanked(across, block[block < lines], boxes, scale)]
    return _between(across, block[~np.isin(block, across)], boxes)


def _flanked(chosen: Indices, lines: Indices, boxes: Boxes, scale: float) -> Truths:
    """Tell which of the chosen boxes have a line on either side: what stands between others parts nothing."""
    x0, y0, x1, y1 = boxes[chosen].T[:, :, None]
    left, top, right, bottom = boxes[lines].T
    height = np.minimum(y1 - y0, bottom - top)
    level = np.minimum(y1, bottom) - np.maximum(y0, top) >= MIN_LEVEL_SHARE * height
    before, after = right <= x0 + SLACK_TS * scale, left >= x1 - SLACK_TS * scale
    return np.asarray((level & before).any(axis=1) & (level & after).any(axis=1))


def _between(across: Indices, others: Indices, boxes: Boxes) -> list[Indices]:
    """Return the headlines `across` in their order, with what lies above, between and below them."""
    across = across[np.argsort(boxes[across, 1], kind="stable")]
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    above = np.searchsorted(middle[across], middle[others])
    pieces = []
    for k in range(len(across) + 1):
        pieces.append(others[above == k])
        pieces.append(across[k : k + 1])
    return [piece for piece in pieces if len(piece)]


def _best_place(lines: Boxes, scale: float, barred: Boxes | None = None) -> float | None:
    """Return the x at which columns stand side by side over the greatest height and few lines cross.

    It lies within none of the boxes `barred` (m, 4).
    """
    x0, y0, x1, y1 = lines.T
    inside = SLACK_TS * scale
    places = np.linspace(x0.min(), x1.max(), CUT_PLACES)
    left = np.searchsorted(np.sort(x1), places + inside, side="right")
    starts = _where_right_begins(x0, x1, inside)
    right = len(lines) - np.searchsorted(np.sort(starts), places - inside)
    across, fewer = len(lines) - left - right, np.minimum(left, right)
    free = (fewer > 0) & (across <= MAX_ACROSS_RATIO * fewer)
    if barred is not None:
        crossed = (places[:, None] > barred[:, 0] + inside) & (places[:, None] < barred[:, 2] - inside)
        free &= ~crossed.any(axis=1)
    possible = np.flatnonzero(free)
    if not len(possible):
        return None
    line, row = _rows_covered(y0, y1, scale)
    leftmost, rightmost = np.full(row.max() + 1, np.inf), np.full(row.max() + 1, -np.inf)
    np.minimum.at(leftmost, row, x1[line].astype(np.float64))
    np.maximum.at(rightmost, row, starts[line])
    both = (leftmost <= places[possible, None] + inside) & (rightmost >= places[possible, None] - inside)
    score = both.sum(axis=1) - 2.0 * across[possible]
    best = int(score.argmax())
    if both[best].sum() < MIN_SIDE_BY_SIDE_TS or score[best] <= 0:
        return None
    ties = possible[score == score[best]]
    return float(places[ties[len(ties) // 2]])


def _where_right_begins(x0: Coordinates, x1: Coordinates, inside: float) -> Floats:
    """Return up to which place, less `inside`, a line stands right of it: one that could be either side stands left."""
    return np.where(x1 - x0 > 2 * inside, x0, np.nextafter(x1 - 2 * inside, -np.inf))


def _rows_covered(y0: Coordinates, y1: Coordinates, scale: float) -> tuple[Indices, Indices]:
    """Return pairs of a line and a row it reaches into; rows are a text scale high."""
    step, top = max(1.0, scale), y0.min()
    first = np.maximum(np.floor((y0 - scale - top) / step).astype(int) + 1, 0)
    last = np.ceil((y1 - top) / step).astype(int)
    line, place = ragged(last - first)
    return line, first[line] + place
