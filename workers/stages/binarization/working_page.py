"""From a grey scan to an upright page of ink and paper at the size its text needs.

The scan is reduced once by area averaging, its text size is measured, and everything later works at the size where
kraken's scale is `WORKING_SCALE_PX` pixels: text is found as well there as at 600 dpi, for a fraction of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from workers.parameters import BinarizationParameters, TextDirection
from workers.stages.binarization.deskew import PageTransform, deskewed
from workers.stages.binarization.orientation import quarter_turns
from workers.stages.binarization.sharpening import sharpened
from workers.stages.binarization.skew import skew_degrees
from workers.stages.binarization.survey import Survey, estimate_text_size
from workers.stages.binarization.text_size import line_pitch, text_scale
from workers.stages.binarization.threshold import normalise_background, threshold
from workers.stages.raster.arrays import Grey, Mask
from workers.stages.raster.labelling import label_dense
from workers.stages.raster.quarter_turns import QUARTER_TURNS

WORKING_SCALE_PX = 11.0  # at 9 px 0.01 of F1 is lost, at 7 px 0.07
MIN_SCALE_PX = 9.0  # for small type on pages that would be larger than
WORKING_PIXELS = 8e6
MAX_FACTOR = 2.0  # to which a scan too small is enlarged
FACTOR_TOLERANCE = 0.05  # a survey that is nearly of the working size is taken as it is
# of the size: from there on every pixel has its part in an interpolation, at a fifth of the time
MIN_INTERPOLATED_FACTOR = 0.7
SKEW_DEGREES_BY_TURNS = {
    0: 0.0,
    1: 90.0,
    3: -90.0,
}  # by which a scan was turned clockwise that needs so many quarter turns back
MIN_PITCH_TS = 1.6  # lines of real type are never nearer to each other
SMALL_TYPE_PITCH_TS = 1.8  # the distance of lines of small type
MIN_SKEW_DEGREES = 0.5  # a page turned by less than this is left as it is


@dataclass(frozen=True, slots=True)
class WorkingPage:
    """An upright page at working size.

    Attributes:
        grey: (h, w) uint8, its paper made evenly white.
        ink: (h, w) uint8, 1 for ink and 0 for paper.
        scale: text scale in working pixels, as kraken's; 0.0 on a page without anything like text.
        pitch: distance of text lines in working pixels.
        skew: by how many degrees the scan was turned clockwise; about 90 or -90 where it lay on its side.
        turns: counter-clockwise quarter turns that brought a scan upright which lay on its side; 0 for any other.
        placement: the way back to the original scan.
    """

    grey: Grey
    ink: Mask
    scale: float
    pitch: float
    skew: float
    turns: int
    placement: PageTransform


def working_page(
    grey: Grey,
    parameters: BinarizationParameters,
    scale: float | None = None,
    text_direction: TextDirection = "horizontal-lr",
) -> WorkingPage:
    """Reduce, even out, turn upright and threshold a page; vertical text is turned to lie horizontally.

    So is a page that was scanned lying on its side.

    Args:
        grey: (h, w) uint8, 0 is black.
        parameters: how ink is told from paper.
        scale: text scale in pixels of `grey` where it is known; measured when None.
        text_direction: as kraken names it.
    """
    turns = QUARTER_TURNS[text_direction]
    turned = np.rot90(grey, turns)
    look, factor = estimate_text_size(turned, parameters)
    lying = 0 if turns else quarter_turns(look.labelled.stats, look.scale)
    if lying:
        turned = np.rot90(grey, lying)
        look, factor = estimate_text_size(turned, parameters)
    # No letter is larger than the page: an icon among pages of large type is not reduced to nothing.
    size = look.scale * factor if scale is None else min(scale, *turned.shape)
    page = _at_text_size(turned, look, factor, size, parameters)
    if scale is None and page.pitch < MIN_PITCH_TS * page.scale:  # words were measured as letters
        size *= page.pitch / (SMALL_TYPE_PITCH_TS * page.scale)
        page = _at_text_size(turned, look, factor, size, parameters)
    way_back = page.placement.turned_back(turns or lying)
    return replace(page, skew=page.skew + SKEW_DEGREES_BY_TURNS[lying], turns=lying, placement=way_back)


def _at_text_size(
    grey: Grey, look: Survey, factor: int, scale: float, parameters: BinarizationParameters
) -> WorkingPage:
    """Return the page at the size that text of `scale` pixels of `grey` needs; 0.0: at the size of the survey."""
    measured = scale / factor
    skew = skew_degrees(look.labelled.stats, measured) if measured else 0.0
    if abs(skew) < MIN_SKEW_DEGREES:
        skew = 0.0
    wanted = _wanted(scale, grey.size) if measured else 1 / factor
    reduced, pixel = _at_size(grey, look.page, factor, wanted, measured)
    level, placement = deskewed(reduced, skew, 255, grey.shape[::-1], pixel)
    now = scale / pixel[0]
    if look.soft:
        level = sharpened(level, now)
    ink = threshold(level, parameters, now)
    return WorkingPage(level, ink, now, line_pitch(ink, now), skew, 0, placement)


def _wanted(scale: float, pixels: int) -> float:
    """Return the factor to the working size, from the text scale and the size of the scan in pixels.

    Small type on a large page would make the largest working pages; there a smaller scale costs 0.01 at most. What
    was scanned too small is enlarged: letters then touch less once they are thresholded.
    """
    if scale < MIN_SCALE_PX:
        return min(MAX_FACTOR, MIN_SCALE_PX / scale)
    wanted = min(1.0, WORKING_SCALE_PX / scale)
    enough = max(MIN_SCALE_PX / scale, float(np.sqrt(WORKING_PIXELS / pixels)))
    return min(wanted, enough)


def full_page(grey: Grey, parameters: BinarizationParameters) -> WorkingPage:
    """Threshold a page at the size and the angle of the scan, its paper as it is: what kraken is given."""
    ink = threshold(grey, parameters, 0)
    scale = text_scale(label_dense(ink).stats[1:])
    placement = deskewed(grey, 0.0, 255, grey.shape[::-1], (1.0, 1.0))[1]
    return WorkingPage(grey, ink, scale, line_pitch(ink, scale), 0.0, 0, placement)


def _at_size(grey: Grey, survey: Grey, factor: int, wanted: float, measured: float) -> tuple[Grey, tuple[float, float]]:
    """Return the page at `wanted` of its size, from the survey where that is large enough.

    Its pixels' width and height in those of the scan come with it.
    """
    if wanted * factor > 1 + FACTOR_TOLERANCE and factor > 1:
        reduced = normalise_background(resized(grey, wanted), measured * factor * wanted)
        return reduced, (grey.shape[1] / reduced.shape[1], grey.shape[0] / reduced.shape[0])
    reduced = resized(survey, wanted * factor) if abs(wanted * factor - 1) > FACTOR_TOLERANCE else survey
    return reduced, (factor * survey.shape[1] / reduced.shape[1], factor * survey.shape[0] / reduced.shape[0])


def resized(grey: Grey, factor: float) -> Grey:
    """Bring to `factor` of the size: by area averaging; where nearly every pixel stays, or more, by interpolation."""
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    way = cv2.INTER_AREA if factor < MIN_INTERPOLATED_FACTOR else cv2.INTER_LINEAR if factor <= 1 else cv2.INTER_CUBIC
    return cv2.resize(grey, size, interpolation=way)
