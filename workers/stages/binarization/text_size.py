"""How large the text of a page is: the unit in which every other length of the page engine is given.

Kraken's scale is the median of the square root of the components' box areas, weighted by box area. Here the weight
is the square root of the area, so that a masthead or a picture does not outweigh a page of body text; the result is
brought to kraken's figure for plain text.
"""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Floats, Mask, Stats, Strength, Truths

TO_KRAKEN = 1.1  # median over books and newspapers of kraken's scale by the root-weighted median
MAX_TEXT_PX = 100.0  # larger root box areas are pictures, frames or borders
MIN_TEXT_PX = 3.0  # what is smaller is a speck, also for kraken
MAX_TEXT_RATIO = 8  # of a component's sides: longer ones are rules
TEXT_SIDE_TS = (0.4, 6.0)  # of letters, in their longer direction
USUAL_PITCH_TS = 2.2  # distance of text lines where none can be measured
PITCH_TS = (1.2, 5.0)  # between which it is looked for
STRIP_TS = 10  # width of the strips that vote on it
MIN_PEAK_SHARE = 0.6  # of the highest peak of the autocorrelation: the first such one is the pitch
MIN_PEAK = 0.05  # of the autocorrelation at 0: lower ones are chance


def text_scale(stats: Stats, *, run_together: bool = False) -> float:
    """Return the text scale in pixels (about kraken's), 0.0 where nothing looks like text.

    Args:
        stats: rows of x, y, width, height, area, without the paper.
        run_together: whether letters have run together to words: no component counts as wider than tall then.
    """
    width, height = stats[:, 2].astype(np.float64), stats[:, 3].astype(np.float64)
    text = like_text(width, height)
    if not text.any():
        return 0.0
    size = np.sqrt(width * height)
    letter = np.sqrt(np.minimum(width, height) * height) if run_together else size
    return TO_KRAKEN * weighted_median(letter[text], size[text])


def like_text(width: Floats, height: Floats) -> Truths:
    """Tell which components could be letters or words, whatever the size of the text."""
    size = np.sqrt(width * height)
    return (
        (size > MIN_TEXT_PX)
        & (size < MAX_TEXT_PX)
        & (width < MAX_TEXT_RATIO * height)
        & (height < MAX_TEXT_RATIO * width)
    )


def is_text(stats: Stats, scale: float) -> Truths:
    """Tell for each component whether it has the size of text and is no dust, picture or border.

    Args:
        stats: rows of x, y, width, height, area, the paper first.
        scale: text scale in pixels.
    """
    longer = np.maximum(stats[:, 2], stats[:, 3])
    text = (longer > TEXT_SIDE_TS[0] * scale) & (longer < TEXT_SIDE_TS[1] * scale)
    text[0] = False
    return text


def weighted_median(values: Floats, weights: Floats) -> float:
    """Return the value at half of the total weight."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def strip_sums(ink: Mask, strips: int) -> Strength:
    """Return (h, strips): the ink of each row of `ink` (h, w) in `strips` of equal width; what is left over is not."""
    wide = ink.shape[1] // strips
    parts = np.ascontiguousarray(ink[:, : wide * strips]).reshape(-1, wide)
    return cv2.reduce(parts, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F).reshape(-1, strips)


def line_pitch(ink: Mask, scale: float) -> float:
    """Return the distance of one text line to the next in pixels, from the autocorrelation of row sums.

    The page is cut into strips about ten scales wide, so that columns which are out of step do not cancel out; each
    strip votes with its variation. Looks between 1.2 and 5 scales; 2.2 scales where no period shows.
    """
    default = USUAL_PITCH_TS * scale
    height, width = ink.shape
    low, high = (round(bound * scale) for bound in PITCH_TS)
    if height < 4 * high or low < 2:
        return default
    strips = max(1, round(width / (STRIP_TS * scale)))
    profile = strip_sums(ink, strips)
    profile -= cv2.blur(profile, (1, 2 * high + 1))
    spectrum = np.fft.rfft(profile, n=2 * height, axis=0)
    correlation = np.fft.irfft((spectrum * spectrum.conj()).sum(axis=1))[: high + 1]
    if correlation[0] <= 0:
        return default
    lags = correlation[low : high + 1] / correlation[0]
    peaks = np.flatnonzero((lags[1:-1] >= lags[:-2]) & (lags[1:-1] > lags[2:])) + 1
    strong = peaks[lags[peaks] > MIN_PEAK_SHARE * lags[peaks].max()] if len(peaks) else peaks
    if not len(strong) or lags[strong[0]] < MIN_PEAK:
        return default
    return float(strong[0] + low)
