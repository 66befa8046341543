"""The first look at a page, reduced: its components, how large its text is, and whether it is out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from workers.parameters import BinarizationParameters
from workers.stages.binarization.sharpening import MAX_SHARPENED_RATIO, has_touching_characters, sharpened
from workers.stages.binarization.text_size import text_scale
from workers.stages.binarization.threshold import normalise_background, threshold
from workers.stages.raster.arrays import Grey, Stats
from workers.stages.raster.labelling import Labelled, label_dense
from workers.stages.raster.resize import reduce_by

SURVEY_PIXELS = 6e6  # enough for text of 1/400 of the page's width
MIN_SURVEY_SCALE_PX = 5.9  # smaller text runs together in the first look
MAX_GRAIN_SCALE_PX = 9.0  # what is measured so small in the first look may be grain
GRAIN_SURVEY_PIXELS = 2e6
MIN_GRAIN_RATIO = 2.5  # of the scale there by that of grain (3 to 9); small type runs together to 2.2 times at most
MAX_LETTERS_RATIO = 0.8  # of the scale, where words are measured as letters; 0.81 and more in joined hands and Arabic
MAX_GRAIN_PX = 3
MIN_GRAIN_SHARE = 0.2  # of the ink; clean and worn pages have 0.001 to 0.1


@dataclass(frozen=True, slots=True)
class Survey:
    """The survey without grain, its components, the text scale in its pixels, and whether the scan is soft."""

    page: Grey
    labelled: Labelled
    scale: float
    soft: bool


def estimate_text_size(grey: Grey, parameters: BinarizationParameters) -> tuple[Survey, int]:
    """Look at a page (h, w) reduced by a whole factor, and at twice its size where letters may have run together there.

    Where the text seems to be very small, the page is looked at further reduced, too: a sensor's grain is gone there,
    and what is left is the text; real small type is hardly larger there. The factor comes with the look.
    """
    survey, factor = survey_of(grey, SURVEY_PIXELS)
    look = survey_page(survey, parameters)
    if 0 < look.scale < MAX_GRAIN_SCALE_PX:
        coarse, coarse_factor = survey_of(grey, GRAIN_SURVEY_PIXELS)
        without_grain = survey_page(coarse, parameters)
        if without_grain.scale * coarse_factor >= MIN_GRAIN_RATIO * look.scale * factor:
            return without_grain, coarse_factor
    if factor == 1 or (look.scale >= MIN_SURVEY_SCALE_PX and not look.soft):
        return look, factor
    finer, finer_factor = survey_of(grey, 4 * SURVEY_PIXELS)
    closer = survey_page(finer, parameters)
    if look.scale < MIN_SURVEY_SCALE_PX or closer.scale * finer_factor < MAX_SHARPENED_RATIO * look.scale * factor:
        return closer, finer_factor
    return look, factor


def survey_page(survey: Grey, parameters: BinarizationParameters) -> Survey:
    """Find out of what size and how sharp the text of a survey is."""
    labelled, soft = label_dense(threshold(survey, parameters, 0)), False
    if _is_grainy(labelled.stats[1:]):
        survey = cv2.medianBlur(survey, 3)
        labelled = label_dense(threshold(survey, parameters, 0))
    scale = text_scale(labelled.stats[1:])
    while has_touching_characters(labelled.stats[1:]):
        again = label_dense(threshold(sharpened(survey, scale), parameters, 0))
        smaller = text_scale(again.stats[1:])
        if not 0 < smaller <= MAX_SHARPENED_RATIO * scale:
            break
        labelled, scale, soft = again, smaller, True
    letters = text_scale(labelled.stats[1:], run_together=True)
    if letters <= MAX_LETTERS_RATIO * scale:
        scale = letters
    return Survey(survey, labelled, scale, soft)


def _is_grainy(stats: Stats) -> bool:
    """Tell whether much of the ink is a sensor's noise: specks too small for anything printed."""
    area = stats[:, 4]
    grain = area[np.maximum(stats[:, 2], stats[:, 3]) <= MAX_GRAIN_PX].sum()
    return bool(grain > MIN_GRAIN_SHARE * area.sum())


def survey_of(grey: Grey, pixels: float) -> tuple[Grey, int]:
    """Return the page reduced by a whole factor to `pixels` at most, its paper made even, and the factor."""
    factor = min(max(1, int(np.ceil(np.sqrt(grey.size / pixels)))), *grey.shape)
    return normalise_background(reduce_by(grey, factor), 0), factor
