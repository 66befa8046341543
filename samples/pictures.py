"""The one photograph: the astronaut that comes with scikit-image (NASA, public domain), as grey tones or as dots."""

from __future__ import annotations

import numpy as np
from PIL import Image
from skimage import data

from samples.sheet import Box, Grey

_CROP = (60, 0, 412, 440)
_FACE = (172, 64, 278, 188)  # by eye, in pixels of the photograph


def portrait(width: int, *, halftone_pitch: float | None = None) -> tuple[Image.Image, list[Box]]:
    """Return the portrait as an "L" image `width` pixels wide, and its one face.

    Args:
        width: in pixels.
        halftone_pitch: distance of the dots of a 45 degree screen, in pixels; None: continuous grey.
    """
    photograph = Image.fromarray(data.astronaut()).convert("L").crop(_CROP)
    scale = width / photograph.width
    picture = photograph.resize((width, round(photograph.height * scale)), Image.Resampling.BICUBIC)
    left, top = _CROP[:2]
    x0, y0, x1, y1 = (round((value - offset) * scale) for value, offset in zip(_FACE, (left, top) * 2, strict=True))
    if halftone_pitch:
        picture = Image.fromarray(halftone(np.asarray(picture), halftone_pitch))
    return picture, [(x0, y0, x1, y1)]


def halftone(grey: Grey, pitch: float) -> Grey:
    """Return a picture of black dots and white paper, uint8 (height, width): a clustered-dot screen at 45 degrees."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    u, v = (x + y) * (np.pi / pitch / np.sqrt(2)) * 2, (x - y) * (np.pi / pitch / np.sqrt(2)) * 2
    screen = 0.5 + 0.25 * (np.cos(u) + np.cos(v))  # 0 to 1
    tone = 0.06 + 0.88 * grey / 255  # a printer keeps dots in the lights and holes in the shadows
    return np.where(tone > screen, 255, 30).astype(np.uint8)
