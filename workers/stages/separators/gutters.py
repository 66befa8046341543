"""White gutters between columns: white from top to bottom, with text on both sides over several lines.

The page is looked at in bands of a third of the text size. White boxes one text size wide and some lines tall are
found by opening; what tells a gutter from a margin, a river of word spaces or the white after a paragraph is the text
on either side: close to the edge, in most lines, over some line pitches. What remains is extended up and down through
white while one side still has text and no horizontal rule is crossed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from workers.stages.raster.arrays import Coordinates, Floats, Indices, Mask, RowRuns, Truths
from workers.stages.raster.bits import row_stride, unpacked
from workers.stages.raster.labelling import Runs, label_sparse, runs_of
from workers.stages.separators.gutter_pieces import Gutter, is_collinear, merge_collinear

MIN_WHITE_TS = 0.8  # a word space is about half of one
MIN_WHITE_PITCHES = 5.0  # that a white box must be tall
MIN_GUTTER_PITCHES = 6.0  # with text on both sides that make a gutter
MAX_TO_TEXT_TS = 2.0  # so near to the edge must text be
MIN_TEXT_SHARE = 0.05  # of ink beside the edge that makes text and not dust
TEXT_REACH_TS = 6.0  # how far beside the edge that share is taken
MIN_TALL_GUTTER_PITCHES = 20.0  # over so many, white is a gutter however narrow the column
MIN_WORD_SPACES = 1.5  # word spaces; a river of word spaces is as wide as they are
MIN_TALL_WORD_SPACES = 1.2  # over many lines
WORD_GAP_TS = (0.4, 4.0)  # narrower gaps part letters, wider ones columns
MIN_COLUMN_TS = 16.0  # about as many letters: narrower blocks are the cells of a table
MIN_THROUGH_TS = 0.4  # a gutter goes on through white no narrower than this
MIN_THROUGH_SHARE = 0.6  # nor than this share of its own width: that is a space between words
MIN_CROSSING_TS = 0.8  # over so many rows narrow white is the space between words of a line across the gutter
MIN_CORRIDOR_PITCHES = 20.0  # of unbroken white
CORRIDOR_REACH_TS = 12.0  # so near must text be to it
MIN_CORRIDOR_TEXT_SHARE = 0.04
MIN_CORRIDOR_LINES_SHARE = 0.5  # of its lines have text so near on the left, and on the right
MAX_WHITE_TS = 8.0  # wider white leads from gutter to gutter below a column that ends early
MIN_SUPPORTED_SHARE = 0.45  # of the gutter's lines have text close to both edges


@dataclass(frozen=True, slots=True)
class _Bands:
    """The page in bands `step` rows high: any ink, and the text that counts as evidence."""

    step: int
    ink: Mask
    text: Mask
    pitch: float  # in bands

    def are_white(self, columns: Floats, rows: Floats) -> bool:
        """Tell whether all of the given places on the page, in pixels, are white."""
        band = np.clip(rows / self.step, 0, len(self.ink) - 1).astype(int)
        return not self.ink[band, np.clip(columns, 0, self.ink.shape[1] - 1).astype(int)].any()


def find_gutters(ink: Mask, text: Mask, rules_horizontal: Mask, scale: float, pitch: float) -> list[Gutter]:
    """Find the gutters of an upright page.

    Without them lines run across the columns of every page that has no printed rules.

    Args:
        ink: (h, w), 1 is ink; printed rules and dust taken out.
        text: (h, w), 1 is ink of the size of text: what counts as text beside a gutter.
        rules_horizontal: (h, w), 1 where a horizontal rule lies: no gutter crosses it.
        scale: text scale in pixels.
        pitch: distance of text lines in pixels.
    """
    step = max(1, round(scale / 3))
    bands = _Bands(step, np.maximum(_any(ink, step), _any(rules_horizontal, step)), _any(text, step), pitch / step)
    white = _white_boxes(bands, scale)
    runs = _runs(white)
    if not len(runs):
        return []
    supported = _supported(runs, bands, scale) & (runs[:, 2] - runs[:, 1] <= MAX_WHITE_TS * scale)
    space = word_space(bands.text, scale)
    blocks = _blocks(runs, ink.shape[1], MIN_TALL_WORD_SPACES * space)
    found = []
    for own in _linked(runs, supported, bands):
        lines = len(np.unique(runs[own, 0])) / bands.pitch
        # most chains are not worth their medians
        if lines >= MIN_GUTTER_PITCHES and np.median(runs[own, 2] - runs[own, 1]) >= MIN_TALL_WORD_SPACES * space:
            block = float(np.median(blocks[own]))
            found += [_trace(part, block, bands, scale) for part in _unbroken(runs[own], bands, scale)]
    pieces = [gutter for gutter in found if gutter is not None]
    whole = merge_collinear(pieces, MAX_TO_TEXT_TS * scale, bands.are_white)
    sure = [gutter for gutter in whole if parts_columns(gutter.width, gutter.block, gutter.lines, space, scale)]
    gutters = [gutter for gutter in whole if any(is_collinear(gutter, other, MAX_TO_TEXT_TS * scale) for other in sure)]
    return gutters + _corridors(white, gutters, bands, scale)


def parts_columns(width: float, block: float, lines: float, word_space: float, scale: float) -> bool:
    """Decide whether white with text on both sides is a gutter.

    Args:
        width: of the white in pixels.
        block: width in pixels of the narrower neighbour, up to the next white.
        lines: over how many line pitches it has text on both sides.
        word_space: typical space between words in pixels.
        scale: text scale in pixels.
    """
    if lines < MIN_GUTTER_PITCHES:
        return False
    if lines < MIN_TALL_GUTTER_PITCHES:
        return width >= MIN_WORD_SPACES * word_space and block >= MIN_COLUMN_TS * scale
    return width >= MIN_TALL_WORD_SPACES * word_space


def word_space(text: Mask, scale: float) -> float:
    """Return the usual space between words in pixels: the median of the gaps that part words.

    Args:
        text: (bands, w), 1 is ink of the size of text, in bands of a third of the text scale.
        scale: text scale in pixels.
    """
    _, start, end = _runs(1 - cv2.dilate(text, np.ones((3, 1), np.uint8))[1::3]).T
    gaps = (end - start)[(start > 0) & (end < text.shape[1])]
    low, high = WORD_GAP_TS
    words = gaps[(gaps > low * scale) & (gaps < high * scale)]
    return float(np.median(words)) if len(words) else scale


def _blocks(runs: RowRuns, width: int, wide: float) -> Coordinates:
    """Return for each white run the width of the narrower block of text beside it, up to the next `wide` white."""
    row, start, end = runs.T
    count = len(runs)
    parts = end - start >= wide
    last = np.maximum.accumulate(np.where(parts, np.arange(count), -1))
    following = np.minimum.accumulate(np.where(parts, np.arange(count), count)[::-1])[::-1]
    last, following = np.append(-1, last[:-1]), np.append(following[1:], count)
    same_row = np.append(row, -1)
    left = start - np.where(same_row[last] == row, np.append(end, 0)[last], 0)
    right = np.where(same_row[following] == row, np.append(start, 0)[following], width) - end
    return np.minimum(left, right)


def _any(mask: Mask, step: int) -> Mask:
    """Return the mask in bands of `step` rows, 1 where any of them is."""
    height = mask.shape[0] // step * step
    return mask[:height].reshape(-1, step, mask.shape[1]).max(axis=1)


def _white_boxes(bands: _Bands, scale: float) -> Mask:
    """Return the white that boxes of the least size fit into; the page's edges count as ink."""
    kernel = np.ones((max(3, round(MIN_WHITE_PITCHES * bands.pitch)), max(3, round(MIN_WHITE_TS * scale))), np.uint8)
    framed = cv2.copyMakeBorder(1 - bands.ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return opened[1:-1, 1:-1]


def _runs(mask: Mask) -> RowRuns:
    """Return the runs of 1 along the rows as (n, 3): row, first, one past the last column."""
    found = runs_of(mask)
    rows, starts = np.divmod(found.start, found.stride)
    return np.stack([rows, starts, starts + found.end - found.start], axis=1)


def _supported(runs: RowRuns, bands: _Bands, scale: float) -> Truths:
    """Tell for each run whether text stands close to both of its edges within a line pitch."""
    close, reach = int(MAX_TO_TEXT_TS * scale), max(1, round(TEXT_REACH_TS * scale))
    near = np.minimum(*_beside(runs, close, bands.pitch, bands.text))
    dense = np.minimum(*_beside(runs, reach, bands.pitch, bands.text))
    start, end = runs[:, 1], runs[:, 2]
    return (near > 0) & (dense > MIN_TEXT_SHARE) & (start > 0) & (end < bands.text.shape[1])


def _beside(runs: RowRuns, reach: int, tall: float, text: Mask) -> tuple[Floats, Floats]:
    """Return for each run the shares of text in the windows left and right of it, `reach` wide and `tall` high."""
    high = max(1, round(tall)) // 2
    height, width = text.shape
    total = cv2.integral(text, sdepth=cv2.CV_32S)
    row, start, end = runs.T
    top, bottom = np.maximum(row - high, 0), np.minimum(row + high + 1, height)
    left, right = np.maximum(start - reach, 0), np.minimum(end + reach, width)
    before = total[bottom, start] - total[top, start] - total[bottom, left] + total[top, left]
    after = total[bottom, right] - total[top, right] - total[bottom, end] + total[top, end]
    area = reach * (2 * high + 1)
    return before / area, after / area


def _corridors(white: Mask, found: list[Gutter], bands: _Bands, scale: float) -> list[Gutter]:
    """Return white so tall and straight that it is a gutter although text seldom stands close to it.

    Lines of advertisements are centred, so few reach to the gutter; but nothing else is white over so many lines
    between two wide blocks. Where a gutter of `found` runs there is none.
    """
    kernel = np.ones((max(3, round(MIN_CORRIDOR_PITCHES * bands.pitch)), max(3, round(MIN_WHITE_TS * scale))), np.uint8)
    runs = _runs(cv2.morphologyEx(white, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0))
    if not len(runs):
        return []
    between = (
        np.minimum(*_beside(runs, round(CORRIDOR_REACH_TS * scale), MIN_CORRIDOR_PITCHES * bands.pitch, bands.text))
        > MIN_CORRIDOR_TEXT_SHARE
    )
    between &= _blocks(runs, white.shape[1], 0.0) >= MIN_COLUMN_TS * scale
    row, start, end = runs.T
    for gutter in found:
        x = np.interp((row + 0.5) * bands.step, gutter.path[:, 1], gutter.path[:, 0], left=-np.inf, right=-np.inf)
        between &= (x < start - MAX_TO_TEXT_TS * scale) | (x > end + MAX_TO_TEXT_TS * scale)
    left, right = (side > 0 for side in _beside(runs, round(CORRIDOR_REACH_TS * scale), bands.pitch, bands.text))
    corridors = []
    for own in _linked(runs, between, bands):
        if left[own].mean() < MIN_CORRIDOR_LINES_SHARE or right[own].mean() < MIN_CORRIDOR_LINES_SHARE:
            continue  # the white beside a picture, with some lines above and below
        beside = np.flatnonzero(left[own] | right[own])
        own = own[beside[0] : beside[-1] + 1]
        if len(np.unique(runs[own, 0])) >= MIN_GUTTER_PITCHES * bands.pitch:
            corridors.append(_trace(runs[own], 0.0, bands, scale, extended=False))
    return [corridor for corridor in corridors if corridor is not None]


def _linked(runs: RowRuns, supported: Truths, bands: _Bands) -> list[Indices]:
    """Link supported runs from band to band; return the indices of the runs of each chain that is mostly supported."""
    shape = bands.ink.shape
    chosen = np.flatnonzero(supported)
    row, start, end = runs[chosen].T
    stride = row_stride(shape[1])
    mask = unpacked(Runs(row * stride + start, row * stride + end, stride).bits(shape[0]), shape[1])
    bridged = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((max(3, round(2 * bands.pitch)) | 1, 1), np.uint8))
    bridged &= 1 - bands.ink
    labelled = label_sparse(bridged)
    owner = labelled.at(row, (start + end) // 2)
    chains = [chosen[owner == label] for label in range(1, len(labelled.stats))]
    heights = labelled.stats[1:, 3]
    return [
        own
        for own, tall in zip(chains, heights, strict=True)
        if len(np.unique(runs[own, 0])) >= MIN_SUPPORTED_SHARE * tall
    ]


def _unbroken(runs: RowRuns, bands: _Bands, scale: float) -> list[RowRuns]:
    """Return the parts of a chain of runs between lines of text that cross the gutter and let it through a space."""
    width = runs[:, 2] - runs[:, 1]
    rows, number = np.unique(runs[:, 0], return_inverse=True)
    widest = np.zeros(len(rows), np.int64)
    np.maximum.at(widest, number, width)
    ends = np.flatnonzero(np.diff(np.pad((widest < MIN_THROUGH_SHARE * np.median(width)).astype(np.int8), 1))).reshape(
        -1, 2
    )
    tall = [(a, b) for a, b in ends.tolist() if (rows[b - 1] + 1 - rows[a]) * bands.step >= MIN_CROSSING_TS * scale]
    bounds = [0, *(end for stretch in tall for end in stretch), len(rows)]
    return [runs[(number >= a) & (number < b)] for a, b in zip(bounds[::2], bounds[1::2], strict=True) if a < b]


def _trace(runs: RowRuns, block: float, bands: _Bands, scale: float, *, extended: bool = True) -> Gutter | None:
    """Return the gutter that runs through a chain of white runs; None where it comes to nothing.

    It is `extended` up and down through white.

    The narrow places say where it runs: a straight line is laid through them, and of each band the run is taken that
    the line meets.
    """
    width = runs[:, 2] - runs[:, 1]
    runs = runs[
        width >= MIN_THROUGH_SHARE * np.median(width)
    ]  # what is narrower is a space between words above or below
    line = _fit_line(runs)
    offset = np.maximum(runs[:, 1] - np.polyval(line, runs[:, 0]), np.polyval(line, runs[:, 0]) - runs[:, 2])
    runs = runs[offset < MAX_TO_TEXT_TS * scale]
    if not len(runs):
        return None
    order = np.lexsort((offset[offset < MAX_TO_TEXT_TS * scale], runs[:, 0]))
    row, start, end = runs[order][np.unique(runs[order, 0], return_index=True)[1]].T
    margin = np.minimum(0.5 * scale, (end - start) / 2.0)
    middle = np.clip(np.polyval(line, row), start + margin, end - margin)
    every = max(1, round(3 * bands.pitch))
    some = np.append(np.arange(0, len(row) - 1, every), len(row) - 1)
    points = [(x, (r + 0.5) * bands.step) for x, r in zip(middle[some], row[some], strict=True)]
    seen, wide = (points[0][1], points[-1][1]), float(np.median(end - start))
    lines = len(row) / bands.pitch
    if not extended:
        return Gutter(np.array(points, np.float64), seen, wide, block, lines)
    slim = max(MIN_THROUGH_TS * scale, MIN_THROUGH_SHARE * wide)
    top, top_x = _extend_through_white(bands, (int(row[0]), int(start[0]), int(end[0])), middle[0], slim, -1, scale)
    if top < row[0]:
        points[:0] = [(top_x, top * bands.step), (top_x, row[0] * bands.step)]
    bottom, bottom_x = _extend_through_white(
        bands, (int(row[-1]), int(start[-1]), int(end[-1])), middle[-1], slim, 1, scale
    )
    if bottom > row[-1]:
        points += [(bottom_x, (row[-1] + 1) * bands.step), (bottom_x, (bottom + 1) * bands.step)]
    return Gutter(np.array(points, np.float64), seen, wide, block, lines)


def _fit_line(runs: RowRuns) -> Floats:
    """Return slope and offset of the line x(row) through the middles of the narrower half of the runs."""
    width = runs[:, 2] - runs[:, 1]
    narrow = width <= np.median(width)
    row, middle = runs[narrow, 0].astype(np.float64), (runs[narrow, 1] + runs[narrow, 2]) / 2.0
    usual = np.median(middle)
    near = np.abs(middle - usual) <= np.median(width)
    if near.sum() > 1 and np.ptp(row[near]) > 0:
        return np.polyfit(row[near], middle[near], 1)
    return np.array([0.0, usual])


def _extend_through_white(
    bands: _Bands, run: tuple[int, int, int], middle: float, slim: float, direction: int, scale: float
) -> tuple[int, float]:
    """Return how far a gutter goes on through white, and at which x.

    Goes as far as one side still has text within `TEXT_REACH_TS`, and not through the space between two words.

    Args:
        bands: the page.
        run: band, first and one past the last column of the gutter's outermost white run.
        middle: where the gutter's middle line meets it.
        slim: least width of the white in pixels.
        direction: -1 upwards, 1 downwards.
        scale: text scale in pixels.
    """
    row = run[0]
    left, right = (
        max(run[1], int(middle - MAX_TO_TEXT_TS * scale)),
        min(run[2], int(middle + MAX_TO_TEXT_TS * scale) + 1),
    )
    rows = slice(row, None, 1) if direction > 0 else slice(row, None, -1)
    window = bands.ink[rows, left:right]
    kernel = np.ones((1, min(max(1, round(slim)), window.shape[1])), np.uint8)
    wide = cv2.dilate(window, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    blocked = wide > 0
    free = np.where(blocked.any(axis=0), blocked.argmax(axis=0), len(blocked))
    far = np.flatnonzero(free == free.max())
    best = float(far[np.abs(far - middle + left).argmin()])
    length = max(1, int(free.max()))
    reach = max(1, round(TEXT_REACH_TS * scale))
    x = int(left + best)
    beside = np.maximum(
        bands.text[rows, max(0, x - reach) : x].max(axis=1, initial=0),
        bands.text[rows, x : x + reach].max(axis=1, initial=0),
    )[:length]
    text = np.flatnonzero(beside)
    gap = np.diff(text, prepend=0) > 4 * bands.pitch
    if gap.any():
        text = text[: int(gap.argmax())]
    last = int(text[-1]) if len(text) else 0
    return row + direction * last, x + 0.5
