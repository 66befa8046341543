"""One frame of one image file, decoded by Pillow under our limits.

Pillow is given open files, never paths: it would map an uncompressed TIFF given by path into memory, where a file that
shrinks kills the process, and (13.0) turns such a TIFF wrongly when its orientation swaps width and height.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from workers.errors import ImageTooLarge, UnreadableImage
from workers.sources.bounded import bounded
from workers.sources.jpeg import with_end_mark
from workers.sources.limits import Limits
from workers.sources.reasons import is_of_the_system, reason
from workers.sources.sniffing import head_of
from workers.sources.tiff import open_tiff, tiff_pages
from workers.sources.tiff_tags import TIFF_MAGIC
from workers.sources.unread import refusal, unread_format

# What Pillow's decoders are seen to raise on broken files. MemoryError is not among them: it is no fault of the file.
DECODER_FAULTS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, EOFError,
    RuntimeError, BufferError, struct.error, zlib.error,
)  # fmt: skip
# EPS and WMF start other programs, the others have no decoder of their own.
_EXCLUDED = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}
_COMMON = ("JPEG", "TIFF", "PNG", "JPEG2000", "GIF", "BMP", "WEBP", "PPM")
ENOUGH_FOR_TEXT = 0  # in place of a reduction: as small as the page engine looks at it
_JPEG2000 = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")
# Frames of these are pages. The further pictures of an MPO, ICO or PSD are previews, sizes and layers.
_PAGED = {"TIFF", "GIF", "PNG", "WEBP", "AVIF", "DCX"}


def open_picture(file: BinaryIO, name: str, frame: int | None, limits: Limits, reduction: int = 1) -> Image.Image:
    """Return one frame (1-based; None: the first) of an image file, pixels decoded, orientation not yet applied.

    A JPEG or JPEG 2000 is `reduction` times smaller (2, 4 or 8; of others it is whole): to be shown, not measured on.

    Raises:
        UnreadableImage: it is no image, truncated or corrupt, or has no such frame.
        ImageTooLarge: its header tells of more pixels than the limit.
    """
    with _decoding(file, name, limits.max_pixels):
        head = head_of(file)
        if head.startswith(TIFF_MAGIC):
            _refuse_camera_raw(head, name)
            image = open_tiff(file, name, frame or 1, limits)
        else:
            image = Image.open(bounded(file), formats=_formats())
            _check_size(image, name, limits)
            image = (
                _at_frame(image, frame) if frame is not None and frame > 1 else _whole_and_deep(image, file, reduction)
            )
        _check_size(image, name, limits)
        image.load()
    return image


def open_smaller(file: BinaryIO, name: str, limits: Limits) -> Image.Image | None:
    """Return a smaller copy of a page that shows its text as well, as `open_reduced`; None where there is none.

    Raises:
        UnreadableImage: it is corrupt.
    """
    if head_of(file).startswith(_JPEG2000):
        from workers.sources.jpeg2000_reduced import open_reduced  # NumPy and OpenCV, which discovery does not load

        with _decoding(file, name, limits.max_pixels):
            return open_reduced(file, limits.max_pixels)
    return None


def _at_frame(image: Image.Image, frame: int) -> Image.Image:
    image.seek(frame - 1)
    return image


def _whole_and_deep(image: Image.Image, file: BinaryIO, reduction: int) -> Image.Image:
    """Return the first picture of `file`, read in another way where Pillow would refuse it or lose depth or colours."""
    # NumPy, OpenCV and PDFium, which discovery does not load
    from workers.sources.deep_pictures import open_deep
    from workers.sources.jpeg2000 import open_jpeg2000

    if image.format in ("JPEG", "MPO"):
        mended = with_end_mark(file)
        whole = image if mended is file else Image.open(mended, formats=("JPEG",))
        if reduction > 1:
            whole.draft(None, (max(1, whole.width // reduction), max(1, whole.height // reduction)))
        return whole
    if image.format == "JPEG2000":
        return open_jpeg2000(image, file, max(0, reduction.bit_length() - 1))
    return open_deep(image, file) or image


def find_frames(file: BinaryIO, name: str, limits: Limits) -> tuple[int, ...] | None:
    """Return the 1-based frames that are pages, from headers alone; None when the file is one image.

    Thumbnails and masks inside a TIFF are no pages. A frame whose header is broken counts, so that it is reported.

    Raises:
        UnreadableImage: it is no image.
        ImageTooLarge: there are more frames than the limit.
    """
    with _decoding(file, name, None):
        if (head := head_of(file)).startswith(TIFF_MAGIC):
            _refuse_camera_raw(head, name)
            frames = tiff_pages(file, name, limits)
        else:
            image = Image.open(bounded(file), formats=_formats())
            frames = _all_frames(image) if image.format in _PAGED else (1,)
    if len(frames) > limits.max_frames:
        raise ImageTooLarge(f"{name} has more than {limits.max_frames} frames; split it, or raise the limit.")
    return frames if frames[-1] > 1 else None


def _refuse_camera_raw(head: bytes, name: str) -> None:
    if unread_format(head):
        raise refusal(name, head)


def _all_frames(image: Image.Image) -> tuple[int, ...]:
    return tuple(range(1, int(getattr(image, "n_frames", 1)) + 1))


@contextmanager
def _decoding(file: BinaryIO, name: str, max_pixels: int | None) -> Iterator[None]:
    """Let our limit decide instead of Pillow's, keep its warnings to itself, and give its errors a sentence."""
    before = Image.MAX_IMAGE_PIXELS
    # Pillow warns above its limit and refuses above twice of it.
    Image.MAX_IMAGE_PIXELS = None if max_pixels is None else (max_pixels + 1) // 2
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(_too_large(name, "its header tells of more", max_pixels)) from error
    except UnidentifiedImageError as error:
        raise refusal(name, head_of(file)) from error
    except DECODER_FAULTS as error:
        if is_of_the_system(error):
            raise
        raise UnreadableImage(f"{name} cannot be decoded ({reason(error)}); copy or scan it again.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _check_size(image: Image.Image, name: str, limits: Limits) -> None:
    if image.width * image.height > limits.max_pixels:
        raise ImageTooLarge(_too_large(name, f"{image.width} x {image.height} pixels", limits.max_pixels))
    if not image.width or not image.height:
        raise UnreadableImage(f"{name} has no pixels; scan it again.")


def _too_large(name: str, what: str, max_pixels: int | None) -> str:
    return f"{name} is too large: {what}, the limit is {max_pixels} pixels; reduce it, or raise max_pixels."


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return (*_COMMON, *sorted(set(Image.ID) - _EXCLUDED - set(_COMMON)))
