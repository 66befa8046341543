"""Ink and paper: the page made evenly white, and the threshold between the two.

Otsu's threshold, which black borders and dark pictures have no part in, or Sauvola's. Nothing is ever dithered.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.parameters import BinarizationParameters
from workers.stages.raster.arrays import Grey, Mask
from workers.stages.raster.resize import reduce_by

BLACK_SHARE = 0.001  # of the page that is made black
MAX_INK_GREY = 200  # on a page without anything darker there is no ink
MIN_DARK_SPOT_TS = 2.0  # so large a dark spot is no letter
SAMPLE_PIXELS = 2_000_000
# grey levels between text and paper; without large dark spots less is left where they are the text
MIN_CONTRAST_GREY = 64.0
MIN_PAPER_SHARE = 0.45  # of the page's white: what is darker is a border or a picture, never paper
# a threshold so near to the usual grey lies in the grain of rough paper, or in a photograph
MAX_IN_GRAIN_DEVIATIONS = 2.0
MAX_GRAIN_RATIO = 3.0  # deviation of all grey values by that of neighbours: 2 for grain, 7 and more in photographs
MIN_CLEAR_DEVIATIONS = 4.0  # ink is darker; one in 30,000 pixels of grain is
MIN_PRINTED_SHARE = 0.001  # of a page so dark, where anything is printed on it
PAPER_REACH_TS = 4  # within which there is paper; a 60th of the page where the text's size is not known
PAPER_PERCENTILE = 75  # of the paper's brightness: a page may be half picture
MIN_WHITE_GREY = 32  # a black image has no paper
DARK_GREY = 127
SAUVOLA_WINDOW_TS = 5
SAUVOLA_K = 0.2  # Sauvola and Pietikainen 2000 give 0.5 for dark text; faint print wants less
SAUVOLA_RANGE = 128.0


def normalise_background(grey: Grey, scale: float) -> Grey:
    """Return the page with its paper made evenly white (255).

    The paper is the brightest value within about three text sizes, smoothed; where that is darker than
    `MIN_PAPER_SHARE` of the page's white lies a picture or a black border, which stays dark.

    Args:
        grey: (h, w) uint8.
        scale: text scale in pixels; 0.0 where unknown: a hundredth of the page then.
    """
    reach = PAPER_REACH_TS * scale if scale else max(grey.shape) / 60
    step = max(1, int(reach / 4))
    small = reduce_by(grey, step)
    if min(small.shape) < 3:
        return grey
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
    paper = cv2.blur(cv2.dilate(small, kernel), (9, 9))
    white = float(np.percentile(paper, PAPER_PERCENTILE))
    if white < MIN_WHITE_GREY:
        return grey
    paper = np.maximum(paper, np.uint8(round(MIN_PAPER_SHARE * white)))
    paper = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return stretch_ink(cv2.divide(grey, paper, scale=255))


def stretch_ink(grey: Grey) -> Grey:
    """Return a page of white paper (h, w) with its darkest ink made black: pale prints become as dark as others."""
    sample = grey[:: _rows_enough(grey)]
    count = np.cumsum(cv2.calcHist([sample], [0], None, [256], [0, 256]))
    black = int(np.searchsorted(count, BLACK_SHARE * sample.size))
    if black == 0 or black > MAX_INK_GREY:
        return grey
    levels = (np.arange(256) - black).clip(0) * (255.0 / (255 - black))
    return cv2.LUT(grey, levels.astype(np.uint8))


def threshold(grey: Grey, parameters: BinarizationParameters, scale: float) -> Mask:
    """Return 1 where `grey` (h, w) is ink and 0 where it is paper."""
    if parameters.method == "sauvola":
        return _sauvola(grey, scale)
    _, ink = cv2.threshold(grey, _otsu(grey, scale), 1, cv2.THRESH_BINARY_INV)
    return ink


def _otsu(grey: Grey, scale: float) -> float:
    """Return Otsu's threshold between the text and its paper: black borders and dark pictures have no part in it.

    They would draw it towards black, and thin strokes would be lost.
    """
    side = MIN_DARK_SPOT_TS * scale if scale else max(grey.shape) / 120
    step = max(1, int(side / 4))
    box = np.ones((max(1, round(side / step)),) * 2, np.uint8)
    _, dark = cv2.threshold(reduce_by(grey, step), DARK_GREY, 1, cv2.THRESH_BINARY_INV)
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, box)
    sample = grey[:: _rows_enough(grey)]
    if dark.any():
        text = cv2.resize(1 - cv2.dilate(dark, box), sample.shape[::-1], interpolation=cv2.INTER_NEAREST)
        level, contrast = otsu_threshold(cv2.calcHist([sample], [0], text, [256], [0, 256]).ravel())
        if contrast >= MIN_CONTRAST_GREY:
            return level
    level = float(cv2.threshold(np.ascontiguousarray(sample), 0, 1, cv2.THRESH_OTSU)[0])
    return _below_grain(sample, level)


def _below_grain(sample: Grey, level: float) -> float:
    """Return a threshold below the grain of a page (h, w) where `level` would part grain from grain.

    A few lines on rough paper are too little ink for Otsu: its threshold halves the paper. Where the grey values
    spread no further than neighbouring pixels differ, this is grain and no photograph, and ink is what is far darker:
    more than half as far as the mean of all that surely is.
    """
    count = cv2.calcHist([sample], [0], None, [256], [0, 256]).ravel()
    usual, deviation = _usual_grey(count)
    if usual - level >= MAX_IN_GRAIN_DEVIATIONS * deviation or deviation >= MAX_GRAIN_RATIO * _noise(sample):
        return level
    dark = np.arange(256) < usual - MIN_CLEAR_DEVIATIONS * deviation
    if count[dark].sum() < MIN_PRINTED_SHARE * sample.size:
        return level
    ink = float(np.average(np.arange(256)[dark], weights=count[dark]))
    return min(usual - MIN_CLEAR_DEVIATIONS * deviation, (usual + ink) / 2)


def _usual_grey(count: NDArray[np.float32]) -> tuple[float, float]:
    """Return the median of a histogram (256,) and the robust deviation from it, by their median (Hampel 1974)."""
    levels = np.arange(256)
    middle = int(np.searchsorted(np.cumsum(count), count.sum() / 2))
    away = np.bincount(np.abs(levels - middle), count)
    return float(middle), 1.4826 * float(np.searchsorted(np.cumsum(away), count.sum() / 2))


def _noise(sample: Grey) -> float:
    """Return by how much neighbouring pixels of a row deviate from a straight line through them, robustly."""
    kernel = np.array([[1, -2, 1]], np.float32)
    bend = np.abs(cv2.filter2D(sample, cv2.CV_16S, kernel))
    return 1.4826 * float(np.median(bend)) / float(np.sqrt(6))


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


def _sauvola(grey: Grey, scale: float) -> Mask:
    """Sauvola's local threshold in windows of about five text sizes."""
    window = int(SAUVOLA_WINDOW_TS * scale) | 1 if scale else max(15, max(grey.shape) // 100) | 1
    values = grey.astype(np.float32)
    mean = cv2.blur(values, (window, window))
    deviation = np.sqrt(np.maximum(cv2.sqrBoxFilter(values, -1, (window, window)) - mean * mean, 0))
    return np.asarray(values < mean * (1 + SAUVOLA_K * (deviation / SAUVOLA_RANGE - 1)), dtype=np.uint8)
