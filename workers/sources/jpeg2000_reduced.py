"""JPEG 2000 read at a half or a quarter of its size, where the page engine would reduce it as far before it looks.

A file holds the page in several sizes, each made from the next by a wavelet's low-pass filter. The engine reduces by
averaging blocks instead; a short filter turns the one into the other, so that what is looked at is nearly the same
picture. Its weights are least squares over the frequencies of natural pictures (power falling with their square).
ITU-T T.800 (2002), annexes A and F.
"""

from __future__ import annotations

import math
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from workers.on_original import Original, with_original
from workers.parameters import BinarizationParameters
from workers.sources.bounded import bounded
from workers.sources.jpeg2000 import chroma_steps, coding_style, halved
from workers.sources.sniffing import head_of
from workers.stages.binarization.survey import MIN_SURVEY_SCALE_PX, SURVEY_PIXELS, estimate_text_size
from workers.stages.binarization.working_page import FACTOR_TOLERANCE, WORKING_SCALE_PX
from workers.stages.raster.arrays import Grey

LEAST_PIXELS = 4 * SURVEY_PIXELS  # below, decoding all of it takes less than finding out whether less is enough
_MODES = ("L", "RGB")
_FIRST_TAP = 2  # of the filters: they reach from two samples before to three after
# By the wavelet (0: 9/7, 1: 5/3) and how often the size is halved.
_TO_BLOCK_MEANS = {
    (0, 1): (0.0126, -0.0940, 0.8538, 0.2855, -0.0644, 0.0065),
    (0, 2): (0.0158, -0.1155, 0.7409, 0.4418, -0.0949, 0.0119),
    (1, 1): (0.0156, -0.0340, 0.7594, 0.2785, -0.0262, 0.0067),
    (1, 2): (0.0104, -0.0244, 0.6311, 0.4013, -0.0254, 0.0070),
}


def open_reduced(file: BinaryIO, max_pixels: int) -> Image.Image | None:
    """Return a JPEG 2000 page at a half or a quarter of its size; None where it must be read in full.

    It is read smaller where the page engine's first look is at such a size anyway and the text is large enough
    there, which a look at half of that size tells. The image tells the size of its original.

    Raises:
        What Pillow's decoders raise.
    """
    head = head_of(file)
    style = coding_style(head)
    if style is None or chroma_steps(head) != (1, 1):
        return None
    whole = Image.open(bounded(file), formats=("JPEG2000",))
    size = whole.size
    halvings = halvings_for(size, style.halvings)
    if not halvings or size[0] * size[1] > max_pixels or whole.mode not in _MODES:
        return None
    probe = halved(file, halvings + 1)
    if probe is None or not _is_text_large_enough(probe, size, halvings):
        return None
    image = halved(file, halvings)
    if (
        image is None or style.wavelet > 1 or (image.mode == "RGB" and np.asarray(image).max() < 128)
    ):  # perhaps of more bits, half empty
        return None
    return _as_block_means(image, size, style.wavelet, halvings)


def halvings_for(size: tuple[int, int], most: int) -> int:
    """Return how often a page may be halved so that the engine's first look is at the same pixels; 0 for never."""
    pixels = size[0] * size[1]
    factor = math.ceil(math.sqrt(pixels / SURVEY_PIXELS))
    if pixels < LEAST_PIXELS:
        return 0
    return next((count for count in (2, 1) if factor % 2**count == 0 and count < most), 0)


def _is_text_large_enough(probe: Image.Image, size: tuple[int, int], halvings: int) -> bool:
    """Tell from a look at half of the size wanted whether the engine would enlarge nothing of what is left."""
    grey: Grey = np.asarray(probe.convert("L"))
    look, factor = estimate_text_size(grey, BinarizationParameters())
    scale = look.scale * factor
    survey = math.ceil(math.sqrt(size[0] * size[1] / SURVEY_PIXELS))
    enough = WORKING_SCALE_PX * survey / (1 + FACTOR_TOLERANCE) / 2 ** (halvings + 1)
    return not look.soft and scale >= max(MIN_SURVEY_SCALE_PX, enough)


def _as_block_means(image: Image.Image, size: tuple[int, int], wavelet: int, halvings: int) -> Image.Image:
    taps, block = np.array(_TO_BLOCK_MEANS[wavelet, halvings]), 2**halvings
    width, height = size[0] // block, size[1] // block  # whole blocks, as the engine takes them
    anchor = (_FIRST_TAP, _FIRST_TAP)
    means = cv2.sepFilter2D(np.asarray(image), -1, taps, taps, anchor=anchor, borderType=cv2.BORDER_REFLECT_101)
    reduced = Image.fromarray(np.ascontiguousarray(means[:height, :width]))
    reduced.info, reduced.format = dict(image.info), image.format
    return with_original(reduced, Original(size, (0, 0, width * block, height * block)))
