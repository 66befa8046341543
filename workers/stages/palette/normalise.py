"""From whatever a scanner wrote to upright 8-bit grey and RGB: the first stage of a page's way. Pure.

Grey pages (most of any archive) stay grey: their `rgb` is a view of `grey`, so a 70 Mpx page costs 70 MB.
Palettes and transparent palette entries are resolved on the 256 entries, not on the pixels.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms

from workers.errors import UnreadableImage
from workers.stages.palette.depth import Pixels, eight_bits

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
    pixels = _eight_bit(_upright(image), inverted)
    if inverted:
        pixels = cv2.bitwise_not(pixels)
    if pixels.ndim == 3:
        return NormalisedPage(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), pixels)
    return NormalisedPage(pixels, np.broadcast_to(pixels[:, :, np.newaxis], (*pixels.shape, 3)))


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


def _eight_bit(image: Image.Image, is_ink: bool) -> Pixels:
    """Return uint8 (height, width) for what is grey, else (height, width, 3)."""
    if image.mode in ("1", "L"):
        return _grey(image)
    if image.mode == "P":
        return _palette(image)
    if image.mode in _DEEP_MODES:
        return _deep(image, is_ink)
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


def _deep(image: Image.Image, is_ink: bool) -> Pixels:
    values = np.asarray(image)
    key = image.info.get("transparency")
    pixels = eight_bits(values, is_ink=is_ink)
    return np.where(values != key, pixels, np.uint8(255)) if isinstance(key, int) else pixels


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
    """Return an LA or RGBA image over white, without its alpha.

    A picture of which nothing is opaque is shown as if all were: its alpha is no alpha.
    """
    alpha, picture = image.getchannel("A"), image.convert(mode)
    if alpha.getextrema() == (255, 255) or (alpha.getextrema() == (0, 0) and not _is_plain(picture)):
        return picture
    paper = Image.new(mode, image.size, "white")
    paper.paste(picture, mask=alpha)
    return paper


def _is_plain(image: Image.Image) -> bool:
    return all(
        image.getchannel(band).getextrema()[0] == image.getchannel(band).getextrema()[1] for band in image.getbands()
    )


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
