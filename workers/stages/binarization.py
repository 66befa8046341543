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

from workers.parameters import BinarizationParameters
from workers.stages.deskew import Placement, skew_degrees, upright
from workers.stages.text_size import component_stats, line_pitch, text_scale

Grey = NDArray[np.uint8]

WORKING_SCALE = 11.0  # px; at 9 px 0.01 of F1 is lost, at 7 px 0.07
SURVEY_PIXELS = 6e6  # the first look at a page: enough for text of 1/400 of its width
LEVEL_DEGREES = 0.25  # a page turned by less than this is left as it is
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
    grey: Grey, parameters: BinarizationParameters, scale: float | None = None, *, full_size: bool = False
) -> WorkingPage:
    """Reduce, even out, turn upright and threshold a page.

    Args:
        grey: (h, w) uint8, 0 is black.
        parameters: how ink is told from paper.
        scale: text scale in pixels of `grey` where it is known; measured when None.
        full_size: keep the size and the angle of the scan, as kraken does.
    """
    original = (grey.shape[1], grey.shape[0])
    factor = 1 if full_size else max(1, int(np.ceil(np.sqrt(grey.size / SURVEY_PIXELS))))
    survey = even_paper(reduce_by(grey, factor), 0)
    ink = threshold(survey, parameters, 0)
    measured = text_scale(component_stats(ink)[1][1:])
    if scale is not None:
        measured = scale / factor
    if measured == 0 or full_size:
        placement = upright(survey, 0.0, 255, original)[1]
        return WorkingPage(survey, ink, measured, line_pitch(ink, measured), 0.0, placement)
    return _at_working_size(grey, survey, ink, measured, factor, parameters)


def _at_working_size(
    grey: Grey, survey: Grey, ink: NDArray[np.uint8], measured: float, factor: int, parameters: BinarizationParameters
) -> WorkingPage:
    original = (grey.shape[1], grey.shape[0])
    skew = skew_degrees(ink, measured)
    if abs(skew) < LEVEL_DEGREES:
        skew = 0.0
    wanted = WORKING_SCALE / (measured * factor)  # working pixels for one of the scan
    if wanted * factor > 1.05 and factor > 1:
        survey = even_paper(reduce_to(grey, min(1.0, wanted)), measured * factor * min(1.0, wanted))
        ink = threshold(survey, parameters, 0)
        factor_now = min(1.0, wanted)
    elif wanted * factor < 0.95:
        survey = reduce_to(survey, wanted * factor)
        factor_now = wanted
    else:
        factor_now = 1 / factor
    turned, placement = upright(survey, skew, 255, original)
    scale = measured * factor * factor_now
    ink = threshold(turned, parameters, scale)
    return WorkingPage(turned, ink, scale, line_pitch(ink, scale), skew, placement)


def reduce_by(grey: Grey, factor: int) -> Grey:
    """Reduce by a whole factor, each pixel the mean of `factor` x `factor`."""
    if factor == 1:
        return grey
    size = (max(1, grey.shape[1] // factor), max(1, grey.shape[0] // factor))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


def reduce_to(grey: Grey, factor: float) -> Grey:
    """Reduce to `factor` (below 1) of the size by area averaging."""
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


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
    small = reduce_by(grey, step) if step > 1 else grey
    if min(small.shape) < 3:
        return grey
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
    paper = cv2.blur(cv2.dilate(small, kernel), (9, 9))
    white = float(np.percentile(paper, 75))
    if white < 32:  # a black image has no paper
        return grey
    gain = (255.0 / np.maximum(paper, DARKEST_PAPER * white)).astype(np.float32)
    gain = cv2.resize(gain, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(grey, gain, dtype=cv2.CV_8U))


def threshold(grey: Grey, parameters: BinarizationParameters, scale: float) -> NDArray[np.uint8]:
    """Return 1 where `grey` (h, w) is ink and 0 where it is paper."""
    if parameters.method == "sauvola":
        return _sauvola(grey, scale)
    _, ink = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return np.asarray(ink)


def _sauvola(grey: Grey, scale: float) -> NDArray[np.uint8]:
    """Sauvola's local threshold in windows of about five text sizes."""
    window = int(5 * scale) | 1 if scale else max(15, max(grey.shape) // 100) | 1
    values = grey.astype(np.float32)
    mean = cv2.blur(values, (window, window))
    deviation = np.sqrt(np.maximum(cv2.sqrBoxFilter(values, -1, (window, window)) - mean * mean, 0))
    return np.asarray(values < mean * (1 + SAUVOLA_K * (deviation / SAUVOLA_RANGE - 1)), dtype=np.uint8)
