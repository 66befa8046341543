"""Which boxes are lines of letters, and which ends of lines are dirt: folds, shadows, specks beside a column."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Truths
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.separators.components import PAPER, TEXT, Components

MAX_SPECKS_SHARE = 0.4  # of a line's ink in components smaller than letters
MIN_LETTER_SHARE = 0.3  # of the line's height, in its longer direction
MAX_LETTER_LINE_TS = 1.5  # of letters smaller than the text's
MIN_BLOT_FILL_SHARE = 0.4  # of its box that a blot fills
MIN_BLOT_STROKES = 2.5  # strokes of body text: thicker ones are no letters of its size
MAX_BLOT_LETTERS = 3
MIN_CONTRAST_SHARE = 0.4  # of the usual contrast of a page's lines
MAX_PICTURED_SHARE = 0.3  # of the ink in a line's box that belongs to a picture, where it has
MIN_SURE_LETTERS = 5  # letters; with more a line stays that runs over a picture's edge
MIN_LINE_CONTRAST_SHARE = 0.6  # of the usual contrast of the lines, measured on the grey levels alone
MAX_CONTRAST_DEVIATIONS = 4.0  # where all lines are nearly alike, as in print; a pen's lines differ by more
MAX_PALE_SHARE = 0.2  # of the lines that may be show-through: more are set in light type
LIGHT_DARK_PERCENTILES = (90, 5)  # of the grey levels in a line's box: paper, and the darkest of its strokes
MAX_STRIP_TS = 8.0  # of a strip of the page beside: such a one is cut through every word
MAX_CUT_TS = 0.3  # from the scan's edge: what begins there is cut by it; numbers beside a rule are half a size away
MIN_CUT_LINES = 5  # that are cut
MIN_CUT_SHARE = 0.5  # of the lines in the strip
MAX_UPRIGHT_RATIO = 1.3  # width by height of a box with room for one or two characters
MIN_CHARACTER_RATIO = 0.4  # and of the most slender of them
MIN_STROKE_RATIO = 5.0  # length by width of a straight stroke: a dash, a piece of a frame
MIN_STROKE_FILL_SHARE = 0.75  # of its box that is black
MAX_BARE_STROKES = 3
MIN_CHARACTER_SHARE = 0.5  # of such a box's height that a character has at least


def drop_noise_and_trim_ends(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out lines that are made of specks, or of one or two blots, and not of letters; cut such ends of lines off.

    Without this step specks in a margin, a stain and the shadow at the scan's edge are lines, and those beside a column
    lengthen its lines.
    """
    c, holes = evidence.components, evidence.gaps.gaps_in(lines)
    own = assign_components(lines, c)
    own[(c.kind == PAPER) | c.on_edge] = 0  # borders, shadows, the page beside; a letter that is cut proves no line
    height = np.append(0, lines[:, 3] - lines[:, 1])
    whole = _made_of_letters(own, height[own], np.append(0, lines[:, 2] - lines[:, 0]) * height, c)[1:]
    if not len(holes):
        return lines[whole]
    pieces, piece_of = _pieces(lines, holes)
    part = _piece_at(own, c.middle[1], holes)
    width = np.append(0, pieces[:, 1] - pieces[:, 0])
    good = _made_of_letters(part, height[own], width * np.append(0, height[1:][piece_of]), c)[1:]
    first, last = np.full(len(lines), 2**30), np.full(len(lines), -1)
    np.minimum.at(first, piece_of[good], pieces[good, 0])
    np.maximum.at(last, piece_of[good], pieces[good, 1])
    return _cut_to(lines, first, last, own, c)[whole & (last > first)]


def drop_slivers(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out boxes hardly wider than tall that hold no character, and those that hold but one to three bare strokes.

    Without this step each piece of a fold, of a border, of a picture's edge or of a crossword's cell is a short line.
    """
    c = evidence.components
    lines = lines[~_of_bare_strokes(lines, c)]
    width, height = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    upright = np.flatnonzero(width < MAX_UPRIGHT_RATIO * height)
    own = assign_components(lines[upright], c)
    letter = np.flatnonzero((own > 0) & (c.kind == TEXT) & c.letterlike)
    tallest = np.zeros(len(upright) + 1, np.int64)
    np.maximum.at(tallest, own[letter], c.height[letter])
    good = np.ones(len(lines), bool)
    good[upright] = (tallest[1:] >= MIN_CHARACTER_SHARE * height[upright]) & (width >= MIN_CHARACTER_RATIO * height)[
        upright
    ]
    return lines[good]


def _of_bare_strokes(lines: Boxes, c: Components) -> Truths:
    """Tell which lines have no letter but straight strokes, and hardly one of those."""
    own = assign_components(lines, c)
    shorter, longer = np.minimum(c.width, c.height), np.maximum(c.width, c.height)
    stroke = (longer >= MIN_STROKE_RATIO * shorter) & (c.area >= MIN_STROKE_FILL_SHARE * c.width * c.height)
    of_size = c.kind >= TEXT
    strokes, others = (np.bincount(own, of_size & kind, len(lines) + 1)[1:] for kind in (stroke, ~stroke))
    return np.asarray((others == 0) & (strokes > 0) & (strokes <= MAX_BARE_STROKES))


def drop_facing_page(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out the ends of lines of the page beside, of which the scan shows a strip at its edge.

    Several pieces no longer than a word that all run into the same edge of the scan are no lines of this page.
    """
    width, strip = evidence.ink.shape[1], MAX_STRIP_TS * evidence.scale
    margin = MAX_CUT_TS * evidence.scale
    at_left = (lines[:, 0] <= margin) & (lines[:, 2] <= strip)
    at_right = (lines[:, 2] >= width - margin) & (lines[:, 0] >= width - strip)
    dropped = np.zeros(len(lines), bool)
    for cut, inside in ((at_left, lines[:, 2] <= strip), (at_right, lines[:, 0] >= width - strip)):
        if cut.sum() >= MIN_CUT_LINES and cut.sum() >= MIN_CUT_SHARE * inside.sum():
            dropped |= inside
    return lines[~dropped]


def drop_low_contrast(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out what hardly stands out from the paper around it.

    Without this step grain in the shade of an edge, and the middle tones of a grey picture, are lines. Ink there is
    what happens to lie below the page's threshold, its paper is nearly as dark. Of the lines of a page of print,
    typescript or manuscript none has less than 0.6 of the usual contrast.
    """
    grey, ink = evidence.grey, evidence.ink
    contrast = np.zeros(len(lines))
    for number, (x0, y0, x1, y1) in enumerate(lines.tolist()):
        values, inked = grey[y0:y1:2, x0:x1], ink[y0:y1:2, x0:x1]
        count = cv2.countNonZero(inked)
        dark = cv2.mean(values, inked)[0]
        paper = (cv2.sumElems(values)[0] - dark * count) / max(1, inked.size - count)
        contrast[number] = paper - dark
    return lines[contrast >= MIN_CONTRAST_SHARE * np.median(contrast)] if len(lines) else lines


def drop_in_pictures(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out what has hardly a letter and much of a picture in its box.

    Without this step the rooms of a floor plan and the cells of a crossword are lines.
    """
    c = evidence.components
    own = assign_components(lines, c)
    letters = np.bincount(own, (c.kind == TEXT) & c.letterlike, len(lines) + 1)[1:]
    of_pictures = c.mask(evidence.pictured & (c.kind != PAPER))
    pictured = np.zeros(len(lines), bool)
    for number in np.flatnonzero(letters < MIN_SURE_LETTERS).tolist():
        x0, y0, x1, y1 = lines[number].tolist()
        ink = cv2.countNonZero(evidence.ink[y0:y1, x0:x1])
        pictured[number] = cv2.countNonZero(of_pictures[y0:y1, x0:x1]) > MAX_PICTURED_SHARE * ink
    return lines[~pictured]


def drop_show_through(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Leave out a few lines that are much paler than the others where the others are alike.

    Without this step a reader that needs no ink reads the other side of the sheet.
    """
    if not len(lines):
        return lines
    grey = evidence.grey
    light, dark = np.array(
        [np.percentile(grey[y0:y1:2, x0:x1:2], LIGHT_DARK_PERCENTILES) for x0, y0, x1, y1 in lines.tolist()]
    ).T
    contrast = light - dark
    usual = np.median(contrast)
    deviation = 1.4826 * np.median(np.abs(contrast - usual))
    least = min(MIN_LINE_CONTRAST_SHARE * usual, usual - MAX_CONTRAST_DEVIATIONS * deviation)
    pale = contrast < least
    return lines[~pale] if pale.mean() <= MAX_PALE_SHARE else lines


def _cut_to(lines: Boxes, first: Counts, last: Counts, own: Counts, c: Components) -> Boxes:
    """Return the lines from column `first` to `last`; those that became narrower are as tall as what is left."""
    cut = lines.copy()
    cut[:, 0], cut[:, 2] = first, last
    narrower = np.append(False, (cut[:, 0] > lines[:, 0]) | (cut[:, 2] < lines[:, 2]))
    _, middle = c.middle
    left = np.flatnonzero(narrower[own] & (middle >= np.append(0, first)[own]) & (middle < np.append(0, last)[own]))
    top, bottom = np.full(len(lines) + 1, 2**30), np.zeros(len(lines) + 1, np.int64)
    np.minimum.at(top, own[left], c.y[left])
    np.maximum.at(bottom, own[left], (c.y + c.height)[left])
    inked = narrower[1:] & (bottom[1:] > 0)
    cut[inked, 1] = np.maximum(lines[:, 1], top[1:])[inked]
    cut[inked, 3] = np.minimum(lines[:, 3], bottom[1:])[inked]
    return cut


def assign_components(lines: Boxes, components: Components) -> Counts:
    """Return for each component the number of the line that holds its middle, counted from 1; 0 outside of all."""
    owner = np.zeros(components.shape, np.min_scalar_type(len(lines)))
    for number, (x0, y0, x1, y1) in enumerate(lines.tolist(), start=1):
        owner[y0:y1, x0:x1] = number
    return owner[components.middle].astype(np.int64)


def _made_of_letters(own: Counts, height: Counts, area: Counts, c: Components) -> Truths:
    """Tell for each box whether it holds letters.

    Args:
        own: for each component the number of its box; 0 is none.
        height: for each component the height of its line.
        area: of each box, in the order of their numbers.
        c: the components.
    """
    height = np.minimum(height, MAX_LETTER_LINE_TS * c.scale)  # a rule of dots above a line makes its box taller
    letter = (c.kind >= TEXT) | (np.maximum(c.width, c.height) >= MIN_LETTER_SHARE * height)
    size = len(area)
    letters = np.bincount(own, letter, size)
    ink = np.bincount(own, c.area, size)
    specks = ink - np.bincount(own, np.where(letter, c.area, 0), size)
    blot = (c.stroke > MIN_BLOT_STROKES * c.stroke_of_text) & ~c.letterlike  # letters of a heavy heading may touch
    heavy = np.bincount(own, np.where(blot, c.area, 0), size)
    made_of_specks = specks > MAX_SPECKS_SHARE * ink
    made_of_blots = (letters <= MAX_BLOT_LETTERS) & (heavy > 0.5 * ink) & (ink > MIN_BLOT_FILL_SHARE * area)
    return (letters > 0) & ~made_of_specks & ~made_of_blots


def _pieces(lines: Boxes, holes: Boxes) -> tuple[Boxes, Counts]:
    """Return first and last column of the pieces between holes, line by line, and the line of each."""
    count = np.bincount(holes[:, 0], minlength=len(lines)) + 1
    piece_of = np.repeat(np.arange(len(lines)), count)
    ends = np.cumsum(count)
    pieces = np.empty((len(piece_of), 2), np.int64)
    is_first, is_last = np.zeros(len(piece_of), bool), np.zeros(len(piece_of), bool)
    is_first[ends - count], is_last[ends - 1] = True, True
    pieces[is_first, 0], pieces[~is_first, 0] = lines[:, 0], holes[:, 2]
    pieces[is_last, 1], pieces[~is_last, 1] = lines[:, 2], holes[:, 1]
    return pieces, piece_of


def _piece_at(own: Counts, x: Counts, holes: Boxes) -> Counts:
    """Return for each component the number of its piece, counted from 1; 0 for those of no line."""
    page = int(max(x.max(initial=0), holes[:, 2].max())) + 1
    before = np.searchsorted(holes[:, 0] * page + holes[:, 1], (own - 1) * page + x)
    return np.where(own > 0, own + before, 0)
