"""From whatever a scanner wrote to upright 8-bit grey and RGB: the first stage of a page's way. Pure.

Grey pages (most of any archive) stay grey: their `rgb` is a view of `grey`, so a 70 Mpx page costs 70 MB.
Palettes and transparent palette entries are resolved on the 256 entries, not on the pixels.

What scales deep images (16-bit, 32-bit, float): the depth their values really use. A 12-bit scan stored in 16
bits has its white at 4095, so it is divided by 4095; the darkest and brightest value of a page do not decide,
since that would turn the noise of a blank page into ink. Only values with no such depth (negative, tiny or
huge floats) are stretched from their minimum to their maximum.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms

from workers.errors import UnreadableImage

Pixels = npt.NDArray[np.uint8]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DEEP_MODES = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}
_COLOUR_MODES = {"RGB", "RGBX", "CMYK", "YCbCr", "HSV"}
_ALPHA_MODES = {"RGBA", "RGBa", "PA"}
_OVERSHOOT = 1.01
_PHOTOMETRIC_TAG, _MIN_IS_WHITE = 262, 0


@dataclass(frozen=True, slots=True)
class NormalisedPage:
    """An upright page: `grey` uint8 (height, width) and `rgb` uint8 (height, width, 3), dark ink on light paper.

    Both may be read-only; `rgb` of a grey page is a view of `grey`.
    """

    grey: Pixels
    rgb: Pixels


def normalise(image: Image.Image) -> NormalisedPage:
    """Return `image`, of any Pillow mode, upright and as 8-bit grey and RGB.

    Orientation (EXIF, XMP) is applied, transparency goes over white, an ICC profile is applied, deep images are
    scaled by the depth they use. A broken profile or orientation is ignored.

    Raises:
        UnreadableImage: the image has no pixels or a mode that is not known.
    """
    if not image.width or not image.height:
        raise UnreadableImage("The image has no pixels; scan the page again.")
    inverted = _is_inverted(image)
    pixels = _eight_bit(_upright(image))
    if inverted:
        pixels = cv2.bitwise_not(pixels)
    if pixels.ndim == 3:
        return NormalisedPage(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), pixels)
    return NormalisedPage(pixels, np.broadcast_to(pixels[:, :, np.newaxis], (*pixels.shape, 3)))


def value_range(lowest: float, highest: float, is_float: bool) -> tuple[float, float]:
    """Return the values that mean black and white in a deep image whose pixels lie from `lowest` to `highest`.

    Integers and floats above 1 count from 0 to the largest value of the bits they use, floats up to 1 from 0 to 1;
    floats may overshoot that a little. What fits neither is stretched.
    """
    if lowest < 0 or highest >= 2**32 or (is_float and highest < 1 / 255):
        return lowest, highest
    if is_float and highest <= 1.5:
        return 0.0, max(1.0, highest)
    tolerated = highest / _OVERSHOOT if is_float else highest
    return 0.0, max(highest, float(2 ** math.ceil(tolerated).bit_length() - 1))


def _is_inverted(image: Image.Image) -> bool:
    """Return whether Pillow hands out black for white: deep MinIsWhite TIFFs (not shallower ones) and X bitmaps."""
    if image.mode in _DEEP_MODES:
        return bool(getattr(image, "tag_v2", {}).get(_PHOTOMETRIC_TAG) == _MIN_IS_WHITE)
    return image.format == "XBM"


def _upright(image: Image.Image) -> Image.Image:
    image.load()  # PNG and TIFF know their orientation only after the last block
    method = _UPRIGHT.get(_orientation(image))
    return image if method is None else image.transpose(method)


def _orientation(image: Image.Image) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of corrupt EXIF data, which is of no account here
        try:
            return image.getexif().get(ExifTags.Base.Orientation)
        except (SyntaxError, ValueError, TypeError, LookupError, OSError, struct.error):
            return None


def _eight_bit(image: Image.Image) -> Pixels:
    """Return uint8 (height, width) for what is grey, else (height, width, 3)."""
    if image.mode in ("1", "L"):
        return _grey(image)
    if image.mode == "P":
        return _palette(image)
    if image.mode in _DEEP_MODES:
        return _deep(image)
    if image.mode in ("LA", "La"):
        return _array(_over_white(image.convert("LA"), "L"))
    return _array(_to_srgb(_colour(image), image.info.get("icc_profile")))


def _array(image: Image.Image) -> Pixels:
    return np.asarray(image)


def _grey(image: Image.Image) -> Pixels:
    if image.mode == "1":
        grey: Pixels = np.frombuffer(image.tobytes("raw", "L"), np.uint8).reshape(image.height, image.width)
    else:
        grey = _array(image)
    key = image.info.get("transparency")
    return np.where(grey == key, np.uint8(255), grey) if isinstance(key, int) else grey


def _palette(image: Image.Image) -> Pixels:
    indices = _array(image)
    colours = _palette_colours(image)
    channels = [np.ascontiguousarray(colours[:, channel]) for channel in range(3)]
    if all((channels[0] == other).all() for other in channels[1:]):
        channels = channels[:1]
    pixels: Pixels = cv2.merge([cv2.LUT(indices, channel) for channel in channels])
    return pixels


def _palette_colours(image: Image.Image) -> Pixels:
    """Return the 256 palette entries over white and in sRGB, uint8 (256, 3); missing entries are black."""
    colours = np.zeros((256, 4), np.uint8)
    colours[:, 3] = 255
    entries = np.array(image.getpalette("RGBA") or [], np.uint8).reshape(-1, 4)[:256]
    colours[: len(entries)] = entries
    transparency = image.info.get("transparency")
    if isinstance(transparency, bytes):
        alpha = np.frombuffer(transparency[:256], np.uint8)
        colours[: len(alpha), 3] = alpha
    elif isinstance(transparency, int) and 0 <= transparency < 256:
        colours[transparency, 3] = 0
    strip = _over_white(Image.fromarray(colours[np.newaxis]), "RGB")
    return _array(_to_srgb(strip, image.info.get("icc_profile"))).reshape(256, 3)


def _deep(image: Image.Image) -> Pixels:
    values = np.asarray(image)
    is_float = values.dtype.kind == "f"
    if values.dtype.kind == "u":
        values = values.astype(np.uint16, copy=False)  # OpenCV wants the byte order of the machine
    key = image.info.get("transparency")
    opaque = values != key if isinstance(key, int) else None
    values = _finite(values) if is_float else values
    black, white = value_range(float(values.min()), float(values.max()), is_float)
    pixels = _scaled(values, black, white)
    return pixels if opaque is None else np.where(opaque, pixels, np.uint8(255))


def _finite(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """Put paper where a float image has no number, and the brightest and darkest value for the infinities."""
    finite = np.isfinite(values)
    if finite.all():
        return values
    numbers = values[finite] if finite.any() else np.ones(1, values.dtype)
    highest, lowest = numbers.max(), numbers.min()
    return np.where(finite, values, np.where(values == -np.inf, lowest, highest))


def _scaled(values: npt.NDArray[Any], black: float, white: float) -> Pixels:
    if white <= black:
        return np.zeros(values.shape, np.uint8)
    if black == 0 and white >= 1:
        pixels: Pixels = cv2.convertScaleAbs(values, alpha=255 / white)
        return pixels
    stretched = (values.astype(np.float64) - black) / (white - black)
    return np.rint(stretched * 255).astype(np.uint8)


def _colour(image: Image.Image) -> Image.Image:
    """Return an RGB image, still in the colours of the profile (CMYK: still CMYK where there is one)."""
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.applyTransform(image, ImageCms.buildTransform(lab, srgb, "LAB", "RGB")) or image
    if image.mode in _ALPHA_MODES or (image.mode == "RGB" and "transparency" in image.info):
        return _over_white(image.convert("RGBA"), "RGB")
    if image.mode == "RGB" or (image.mode == "CMYK" and "icc_profile" in image.info):
        return image
    if image.mode in _COLOUR_MODES:
        return image.convert("RGB")
    raise UnreadableImage(f"The image mode {image.mode} is not known; save the page as RGB or grey.")


def _over_white(image: Image.Image, mode: str) -> Image.Image:
    """Return an LA or RGBA image over white, without its alpha."""
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert(mode)
    paper = Image.new(mode, image.size, "white")
    paper.paste(image.convert(mode), mask=alpha)
    return paper


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an RGB image in sRGB; `image` is RGB or CMYK in the colours of `profile`."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in (source.profile.profile_description or "").lower():
                transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
                image = ImageCms.applyTransform(image, transform) or image
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass  # a broken profile, or one for another kind of image: the colours stay as they are
    return image if image.mode == "RGB" else image.convert("RGB")
