"""The connected components of a page's ink, with the measures that tell letters from dust, pictures and borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.stages.binarization.text_size import weighted_median
from workers.stages.raster.arrays import Bits, Boxes, Coordinates, Counts, Floats, Mask, Truths
from workers.stages.raster.bits import any_of_rows, inner, number_between, packed
from workers.stages.raster.labelling import Labelled, Runs, label_dense

PAPER, DUST, SMALL, TEXT, LARGE = range(5)
MAX_DUST_TS = 0.3  # of the text scale: smaller in both directions than any full stop
MIN_TEXT_TS = 0.5  # root box area, as in kraken's box map: full stops and accents are smaller
MAX_TEXT_TS = 4.0
LETTER_STROKE_RATIO = (0.06, 0.45)  # stroke by height of a letter: line art is thinner, stains and blocks are thicker
MAX_LETTER_RATIO = 12  # width by height of a letter, or of letters that touch
MIN_HEAVY_RATIO = 2.0  # stroke of words whose letters touch by that of the body text
MIN_TOUCHING_TS = 1.3  # their least height
MAX_SPOT_TS_RATIO_SHARE = (3.0, 0.8, 0.92)  # text scales of height, stroke by height and share of the box, at most
MIN_BLOCK_TS = 1.5  # side of a black block
MIN_BLOCK_FILL_SHARE = 0.85  # of its box that is black
FRAYED_EDGE_PX = 2  # at the page's edges
MIN_NOISE_COMPONENTS = 1500  # components: fewer are not worth asking whether they stand in rows
NOISE_CELL_TS = (0.5, 8.0)  # height and width
MIN_ROWS_VARIANCE_RATIO = 1.5
DUST_NEAR_TEXT_TS = (1.2, 0.8)  # how far from text dust still belongs to it, along and across the line
SMALL_NEAR_TEXT_TS = (2.0, 0.5)
MIN_SMALL_LETTER_TS = 0.5  # in its longer direction: of small print
MIN_COMPANY = 3  # small letters beside each other that are no dust


@dataclass(frozen=True, slots=True)
class Components:
    """Components of the ink of a page; index 0 of every array is the paper.

    Attributes:
        labelled: where they lie.
        x, y, width, height, area: of each component, in pixels.
        stroke: mean stroke width: twice the area by the length of the outline.
        kind: `PAPER`, `DUST`, `SMALL`, `TEXT` or `LARGE`.
        scale: the text scale in pixels.
        stroke_of_text: the stroke width of plain text in pixels.
    """

    labelled: Labelled
    x: Coordinates
    y: Coordinates
    width: Coordinates
    height: Coordinates
    area: Counts
    stroke: Floats
    kind: Mask
    scale: float
    stroke_of_text: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width of the page."""
        return self.labelled.shape

    def mask(self, chosen: Truths) -> Mask:
        """Return (h, w), 1 on the components that are True in `chosen`."""
        return self.labelled.mask(chosen)

    @property
    def boxes(self) -> Boxes:
        """Their boxes (n, 4)."""
        return np.stack([self.x, self.y, self.x + self.width, self.y + self.height], axis=1)

    @property
    def middle(self) -> tuple[Coordinates, Coordinates]:
        """The rows and the columns of their middles, as a mask is indexed."""
        return self.y + self.height // 2, self.x + self.width // 2

    @property
    def letterlike(self) -> Truths:
        """Which components could be letters, whatever their size, judged by stroke and shape."""
        by_height = self.stroke / np.maximum(self.height, 1)
        low, high = LETTER_STROKE_RATIO
        return (by_height > low) & (by_height < high) & (self.width < MAX_LETTER_RATIO * self.height)

    @property
    def blocks(self) -> Truths:
        """Which components are large and black all over: the cells of a crossword; no letters, dashes or dots."""
        large = np.minimum(self.width, self.height) >= MIN_BLOCK_TS * self.scale
        return large & (self.area >= MIN_BLOCK_FILL_SHARE * self.width * self.height)

    @property
    def bold_strokes(self) -> Truths:
        """Which components have the strokes of heavy type, and its height at least."""
        return (self.stroke > MIN_HEAVY_RATIO * self.stroke_of_text) & (self.height >= MIN_TOUCHING_TS * self.scale)

    @property
    def touching_words(self) -> Truths:
        """Which components may be words whose letters have run into one spot, by shape; bars and squares are none."""
        tallest, thickest, fullest = MAX_SPOT_TS_RATIO_SHARE
        low = self.height <= tallest * self.scale
        frayed = (self.stroke <= thickest * self.height) & (self.area <= fullest * self.width * self.height)
        long = (self.width > self.height) & (self.width < MAX_LETTER_RATIO * self.height)
        return low & frayed & long & ~self.on_edge

    @property
    def on_edge(self) -> Truths:
        """Which components touch the edge of the page, or all but touch it: reducing a page frays its edges."""
        page_height, page_width = self.shape
        right, bottom = (
            self.x + self.width + FRAYED_EDGE_PX >= page_width,
            self.y + self.height + FRAYED_EDGE_PX >= page_height,
        )
        return (self.x <= FRAYED_EDGE_PX) | (self.y <= FRAYED_EDGE_PX) | right | bottom


def find_components(ink: Mask, scale: float) -> Components:
    """Label and measure the components of `ink` (h, w; 1 is ink) at text scale `scale`."""
    labelled = label_dense(ink)
    stats = labelled.stats
    x, y, width, height, area = stats.astype(np.int64).T
    inside = inner(packed(ink), ink.shape[1])
    core = number_between(inside, labelled.runs.start, labelled.runs.end)
    core = np.bincount(labelled.label, core, len(stats))
    stroke = 2.0 * area / np.maximum(area - core, 1)
    size = np.sqrt(width * height)
    kind = np.full(len(stats), LARGE, np.uint8)
    kind[np.maximum(width, height) <= MAX_TEXT_TS * scale] = TEXT
    kind[size < MIN_TEXT_TS * scale] = SMALL
    kind[np.maximum(width, height) < MAX_DUST_TS * scale] = DUST
    kind[0] = PAPER
    text = kind == TEXT
    plain = weighted_median(stroke[text], area[text].astype(np.float64)) if text.any() else 2.0
    return Components(labelled, x, y, width, height, area, stroke, kind, scale, plain)


def isolated_specks(components: Components) -> Truths:
    """Return which dust and specks lie too far from any text to be its full stops and accents.

    Left in the ink, one speck in a gutter or a margin ends the white, and rows of them are lines.

    Small print beside nothing larger is no dust: its letters have others beside them.
    """
    c = components
    text = c.labelled.bits((c.kind == TEXT) | (c.kind == LARGE))
    letter = (c.kind == SMALL) & c.letterlike & (np.maximum(c.width, c.height) >= MIN_SMALL_LETTER_TS * c.scale)
    letters = _middles(c, letter)
    far = np.zeros(len(c.x), bool)
    rows, columns = c.middle
    for kind, reach in ((DUST, DUST_NEAR_TEXT_TS), (SMALL, SMALL_NEAR_TEXT_TS)):
        along, across = (round(side * c.scale) for side in reach)
        own = np.flatnonzero(c.kind == kind)
        row, middle = rows[own] * c.labelled.runs.stride, columns[own]
        left, right = row + np.maximum(middle - along, 0), row + np.minimum(middle + along + 1, c.shape[1])
        beside_text = number_between(any_of_rows(text, 2 * across + 1), left, right) > 0
        beside_letters = number_between(any_of_rows(letters, 2 * across + 1), left, right) >= MIN_COMPANY
        far[own] = ~(beside_text | beside_letters)
    return far


def _middles(c: Components, chosen: Truths) -> Bits:
    """Return (h, words), 1 in the middle of each of the chosen components."""
    stride = c.labelled.runs.stride
    rows, columns = c.middle
    place = np.unique((rows * stride + columns)[chosen])
    apart = np.append(True, np.diff(place) > 1)[: len(place)]  # runs that touch would be one
    return Runs(place[apart], place[apart] + 1, stride).bits(c.shape[0])


def is_noise(components: Components) -> bool:
    """Tell whether a crowd of components lies about without lines: dust, grain, a screen.

    The lower edges of letters stand in rows, so that their number in cells half a text size tall varies much more
    than chance (variance over mean 2 to 6 on pages of text, 0.7 to 1.1 on any noise).
    """
    c = components
    chosen = (c.kind == SMALL) | (c.kind == TEXT)
    if chosen.sum() < MIN_NOISE_COMPONENTS:
        return False
    height, width = c.shape
    cells = (max(1, int(height / (NOISE_CELL_TS[0] * c.scale))), max(1, int(width / (NOISE_CELL_TS[1] * c.scale))))
    count, _, _ = np.histogram2d((c.y + c.height)[chosen], c.middle[1][chosen], bins=cells)
    return bool(count.var() < MIN_ROWS_VARIANCE_RATIO * count.mean())
