"""From a grey scan to an upright page of ink and paper at the size its text needs.

The scan is reduced once by area averaging, its text size is measured, and everything later works at the size where
kraken's scale is `WORKING_SCALE` pixels: text is found as well there as at 600 dpi, for a fraction of the time.
The threshold is Otsu's on a page whose paper was made evenly white, or Sauvola's. Nothing is ever dithered.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.parameters import BinarizationParameters, TextDirection
from workers.stages.deskew import Placement, upright
from workers.stages.kraken_core.runs import Labelled, Stats, label_dense
from workers.stages.kraken_core.turns import QUARTER_TURNS
from workers.stages.reduction import reduce_by
from workers.stages.sharpening import SMALLER, hangs_together, sharpened
from workers.stages.skew import skew_degrees
from workers.stages.text_size import line_pitch, text_scale

Grey = NDArray[np.uint8]

WORKING_SCALE = 11.0  # px; at 9 px 0.01 of F1 is lost, at 7 px 0.07
LEAST_SCALE = 9.0  # px: for small type on pages that would be larger than
WORKING_PIXELS = 8e6
OF_WORDS = 0.8  # of the scale, where words are measured as letters; 0.81 and more in joined hands and Arabic
LARGEST_FACTOR = 2.0  # to which a scan too small is enlarged
SURVEY_PIXELS = 6e6  # the first look at a page: enough for text of 1/400 of its width
SURVEY_SCALE = 5.9  # px: smaller text runs together in the first look
GRAIN = 3  # px
MUCH_GRAIN = 0.2  # of the ink; clean and worn pages have 0.001 to 0.1
TOLERANCE = 0.05  # a survey that is nearly of the working size is taken as it is
NEARLY_ALL = 0.7  # of the size: from there on every pixel has its part in an interpolation, at a fifth of the time
DARKEST_INK = 0.001  # share of the page that is made black
PALEST_INK = 200  # on a page without anything darker there is no ink
DARK_SIDE = 2.0  # text scales: so large a dark spot is no letter
SAMPLE_PIXELS = 2_000_000
CONTRAST = 64.0  # grey levels between text and paper; without large dark spots less is left where they are the text
LEVEL_DEGREES = 0.5  # a page turned by less than this is left as it is
DARKEST_PAPER = 0.45  # of the page's white: what is darker is a border or a picture, never paper
SAUVOLA_K = 0.2  # Sauvola and Pietikainen 2000 give 0.5 for dark text; faint print wants less
SAUVOLA_RANGE = 128.0


@dataclass(frozen=True, slots=True)
class WorkingPage:
    """An upright page at working size.

    Attributes:
        grey: (h, w) uint8, its paper made evenly white.
        ink: (h, w) uint8, 1 for ink and 0 for paper.
        scale: text scale in working pixels, as kraken's; 0.0 on a page without anything like text.
        pitch: distance of text lines in working pixels.
        skew: by how many degrees the scan was turned clockwise.
        placement: the way back to the original scan.
    """

    grey: Grey
    ink: NDArray[np.uint8]
    scale: float
    pitch: float
    skew: float
    placement: Placement


def working_page(
    grey: Grey,
    parameters: BinarizationParameters,
    scale: float | None = None,
    text_direction: TextDirection = "horizontal-lr",
) -> WorkingPage:
    """Reduce, even out, turn upright and threshold a page; vertical text is turned to lie horizontally.

    Args:
        grey: (h, w) uint8, 0 is black.
        parameters: how ink is told from paper.
        scale: text scale in pixels of `grey` where it is known; measured when None.
        text_direction: as kraken names it.
    """
    turns = QUARTER_TURNS[text_direction]
    turned = np.rot90(grey, turns)
    look, factor = _looked_at(turned, parameters)
    measured = look.scale
    if scale is not None:
        measured = scale / factor
    skew = skew_degrees(look.labelled.stats, measured) if measured else 0.0
    if abs(skew) < LEVEL_DEGREES:
        skew = 0.0
    wanted = _wanted(measured * factor, grey.size) if measured else 1 / factor
    reduced, pixel = _at_size(turned, look.page, factor, wanted, measured)
    level, placement = upright(reduced, skew, 255, turned.shape[::-1], pixel)
    now = measured * factor / pixel[0]
    if look.soft:
        level = sharpened(level, now)
    ink = threshold(level, parameters, now)
    return WorkingPage(level, ink, now, line_pitch(ink, now), skew, placement.turned_back(turns))


@dataclass(frozen=True, slots=True)
class _Look:
    """The survey without grain, its components, the text scale in its pixels, and whether the scan is soft."""

    page: Grey
    labelled: Labelled
    scale: float
    soft: bool


def _looked_at(grey: Grey, parameters: BinarizationParameters) -> tuple[_Look, int]:
    """Look at a page reduced by a whole factor, and at twice its size where letters may have run together there."""
    survey, factor = _survey(grey, SURVEY_PIXELS)
    look = _first_look(survey, parameters)
    if factor == 1 or (look.scale >= SURVEY_SCALE and not look.soft):
        return look, factor
    finer, finer_factor = _survey(grey, 4 * SURVEY_PIXELS)
    closer = _first_look(finer, parameters)
    if look.scale < SURVEY_SCALE or closer.scale * finer_factor < SMALLER * look.scale * factor:
        return closer, finer_factor
    return look, factor


def _first_look(survey: Grey, parameters: BinarizationParameters) -> _Look:
    """Find out of what size and how sharp the text of a survey is."""
    labelled, soft = label_dense(threshold(survey, parameters, 0)), False
    if _is_grainy(labelled.stats[1:]):
        survey = np.asarray(cv2.medianBlur(survey, 3))
        labelled = label_dense(threshold(survey, parameters, 0))
    scale = text_scale(labelled.stats[1:])
    while hangs_together(labelled.stats[1:]):
        again = label_dense(threshold(sharpened(survey, scale), parameters, 0))
        smaller = text_scale(again.stats[1:])
        if not 0 < smaller <= SMALLER * scale:
            break
        labelled, scale, soft = again, smaller, True
    letters = text_scale(labelled.stats[1:], run_together=True)
    if letters <= OF_WORDS * scale:
        scale = letters
    return _Look(survey, labelled, scale, soft)


def _is_grainy(stats: Stats) -> bool:
    """Tell whether much of the ink is a sensor's noise: specks too small for anything printed."""
    area = stats[:, 4]
    grain = area[np.maximum(stats[:, 2], stats[:, 3]) <= GRAIN].sum()
    return bool(grain > MUCH_GRAIN * area.sum())


def _wanted(scale: float, pixels: int) -> float:
    """Return the factor to the working size, from the text scale and the size of the scan in pixels.

    Small type on a large page would make the largest working pages; there a smaller scale costs 0.01 at most. What
    was scanned too small is enlarged: letters then touch less once they are thresholded.
    """
    if scale < LEAST_SCALE:
        return min(LARGEST_FACTOR, LEAST_SCALE / scale)
    wanted = min(1.0, WORKING_SCALE / scale)
    enough = max(LEAST_SCALE / scale, float(np.sqrt(WORKING_PIXELS / pixels)))
    return min(wanted, enough)


def full_page(grey: Grey, parameters: BinarizationParameters) -> WorkingPage:
    """Threshold a page at the size and the angle of the scan, its paper as it is: what kraken is given."""
    ink = threshold(grey, parameters, 0)
    scale = text_scale(label_dense(ink).stats[1:])
    placement = upright(grey, 0.0, 255, grey.shape[::-1], (1.0, 1.0))[1]
    return WorkingPage(grey, ink, scale, line_pitch(ink, scale), 0.0, placement)


def _survey(grey: Grey, pixels: float) -> tuple[Grey, int]:
    """Return the page reduced by a whole factor to `pixels` at most, its paper made even, and the factor."""
    factor = min(max(1, int(np.ceil(np.sqrt(grey.size / pixels)))), *grey.shape)
    return even_paper(reduce_by(grey, factor), 0), factor


def _at_size(grey: Grey, survey: Grey, factor: int, wanted: float, measured: float) -> tuple[Grey, tuple[float, float]]:
    """Return the page at `wanted` of its size, from the survey where that is large enough.

    Its pixels' width and height in those of the scan come with it.
    """
    if wanted * factor > 1 + TOLERANCE and factor > 1:
        reduced = even_paper(resized(grey, wanted), measured * factor * wanted)
        return reduced, (grey.shape[1] / reduced.shape[1], grey.shape[0] / reduced.shape[0])
    reduced = resized(survey, wanted * factor) if abs(wanted * factor - 1) > TOLERANCE else survey
    return reduced, (factor * survey.shape[1] / reduced.shape[1], factor * survey.shape[0] / reduced.shape[0])


def resized(grey: Grey, factor: float) -> Grey:
    """Bring to `factor` of the size: by area averaging; where nearly every pixel stays, or more, by interpolation."""
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    way = cv2.INTER_AREA if factor < NEARLY_ALL else cv2.INTER_LINEAR if factor <= 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, size, interpolation=way))


def even_paper(grey: Grey, scale: float) -> Grey:
    """Return the page with its paper made evenly white (255).

    The paper is the brightest value within about three text sizes, smoothed; where that is darker than
    `DARKEST_PAPER` of the page's white lies a picture or a black border, which stays dark.

    Args:
        grey: (h, w) uint8.
        scale: text scale in pixels; 0.0 where unknown: a hundredth of the page then.
    """
    reach = 4 * scale if scale else max(grey.shape) / 60
    step = max(1, int(reach / 4))
    small = reduce_by(grey, step)
    if min(small.shape) < 3:
        return grey
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
    paper = cv2.blur(cv2.dilate(small, kernel), (9, 9))
    white = float(np.percentile(paper, 75))
    if white < 32:  # a black image has no paper
        return grey
    paper = np.maximum(paper, np.uint8(round(DARKEST_PAPER * white)))
    paper = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return with_black_ink(np.asarray(cv2.divide(grey, paper, scale=255)))


def with_black_ink(grey: Grey) -> Grey:
    """Return a page of white paper (h, w) with its darkest ink made black: pale prints become as dark as others."""
    sample = grey[:: _rows_enough(grey)]
    count = np.cumsum(cv2.calcHist([sample], [0], None, [256], [0, 256]))
    black = int(np.searchsorted(count, DARKEST_INK * sample.size))
    if black == 0 or black > PALEST_INK:
        return grey
    levels = (np.arange(256) - black).clip(0) * (255.0 / (255 - black))
    return np.asarray(cv2.LUT(grey, levels.astype(np.uint8)))


def threshold(grey: Grey, parameters: BinarizationParameters, scale: float) -> NDArray[np.uint8]:
    """Return 1 where `grey` (h, w) is ink and 0 where it is paper."""
    if parameters.method == "sauvola":
        return _sauvola(grey, scale)
    _, ink = cv2.threshold(grey, _otsu(grey, scale), 1, cv2.THRESH_BINARY_INV)
    return np.asarray(ink)


def _otsu(grey: Grey, scale: float) -> float:
    """Return Otsu's threshold between the text and its paper: black borders and dark pictures have no part in it.

    They would draw it towards black, and thin strokes would be lost.
    """
    side = DARK_SIDE * scale if scale else max(grey.shape) / 120
    step = max(1, int(side / 4))
    box = np.ones((max(1, round(side / step)),) * 2, np.uint8)
    _, dark = cv2.threshold(reduce_by(grey, step), 127, 1, cv2.THRESH_BINARY_INV)
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, box)
    sample = grey[:: _rows_enough(grey)]
    if dark.any():
        text = cv2.resize(1 - cv2.dilate(dark, box), sample.shape[::-1], interpolation=cv2.INTER_NEAREST)
        level, contrast = otsu_threshold(cv2.calcHist([sample], [0], text, [256], [0, 256]).ravel())
        if contrast >= CONTRAST:
            return level
    return float(cv2.threshold(np.ascontiguousarray(sample), 0, 1, cv2.THRESH_OTSU)[0])


def _rows_enough(grey: Grey) -> int:
    """Return of how many rows one is enough to know how often each grey level is on a page."""
    return max(1, grey.size // SAMPLE_PIXELS)


def otsu_threshold(histogram: NDArray[np.float32]) -> tuple[float, float]:
    """Return the grey level that parts a histogram (256,) best in two, and how far apart their means are (Otsu 1979).

    The level belongs to the darker part.
    """
    levels = np.arange(256)
    below = np.cumsum(histogram, dtype=np.float64)
    brightness = np.cumsum(histogram * levels, dtype=np.float64)
    above = below[-1] - below
    valid = (below > 0) & (above > 0)
    means = np.divide(brightness, below, where=valid, out=np.zeros(256))
    others = np.divide(brightness[-1] - brightness, above, where=valid, out=np.zeros(256))
    level = int(np.argmax(below * above * (means - others) ** 2))
    return float(level), float(others[level] - means[level])


def _sauvola(grey: Grey, scale: float) -> NDArray[np.uint8]:
    """Sauvola's local threshold in windows of about five text sizes."""
    window = int(5 * scale) | 1 if scale else max(15, max(grey.shape) // 100) | 1
    values = grey.astype(np.float32)
    mean = cv2.blur(values, (window, window))
    deviation = np.sqrt(np.maximum(cv2.sqrBoxFilter(values, -1, (window, window)) - mean * mean, 0))
    return np.asarray(values < mean * (1 + SAUVOLA_K * (deviation / SAUVOLA_RANGE - 1)), dtype=np.uint8)
