"""The directories of a TIFF: which of its pictures are pages, what they hold, and one of them opened.

Pillow decodes what has 8 bits a sample and less; deeper samples it would cut to 8 bits before their real depth is
known: those are read by `tiff_samples`, and so are layouts that Pillow does not know.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

from PIL import Image, ImagePalette, TiffImagePlugin, UnidentifiedImageError

from workers.errors import ImageTooLarge, UnreadableImage
from workers.sources.limits import Limits
from workers.sources.tiff_layout import add_photometric, is_deep, lacks_pieces
from workers.sources.tiff_tags import Tag, Tags, TiffFile, first, tiff_file

_REDUCED_OR_MASK, _REDUCED = 1 | 4, 2  # bits of the tag NewSubfileType, value of the old SubfileType
_MOST_SUB_DIRECTORIES = 64
_UNREAD_COMPRESSIONS = {
    32766: "NeXT", 32809: "ThunderScan", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 33007: "JPEG 2000",
    34661: "JBIG", 34712: "JPEG 2000", 34713: "Nikon's raw compression", 34715: "JBIG2 or MDI", 34718: "MDI",
    34719: "MDI", 34720: "MDI", 34887: "LERC", 34892: "lossy DNG", 34933: "PNG", 34934: "JPEG XR", 50001: "WebP",
    50002: "JPEG XL", 52546: "JPEG XL", 65000: "Kodak's raw compression", 65535: "a camera's raw compression",
}  # fmt: skip
_YCBCR = 6
_KIND_TAGS = (Tag.NEW_SUBFILE_TYPE, Tag.SUBFILE_TYPE)
_CAMERA_RAW = {32803, 34892}  # colour filter array, linear raw
_UNREAD_COLOURS = {4: "a mask", 9: "ICC L*a*b*", 10: "ITU L*a*b*", 32844: "LogL", 32845: "LogLuv", 51177: "depths"}


def tiff_pages(file: BinaryIO, name: str, limits: Limits) -> tuple[int, ...]:
    """Return the 1-based places in the chain of directories that are pages: neither thumbnails nor masks.

    A directory that cannot be read counts, so that it is reported. At most one page more than the limit is returned.

    Raises:
        UnreadableImage: there is no directory at all.
    """
    tiff = tiff_file(file)
    if not tiff.tags(tiff.start, (Tag.WIDTH, Tag.HEIGHT)):
        raise UnreadableImage(f"{name} is a TIFF without a readable directory; copy it again.")
    pages = (place for place, offset in enumerate(tiff.chain(), start=1) if _full_pictures(tiff, offset))
    return tuple(islice(pages, limits.max_frames + 1)) or (1,)


def open_tiff(file: BinaryIO, name: str, frame: int, limits: Limits) -> Image.Image:
    """Return the picture of the page at place `frame` (1-based) of the chain; its pixels may not be decoded yet.

    Of several full pictures (a directory and those below it) the largest is the page.

    Raises:
        UnreadableImage: there is no such place, or it holds what is not read here.
        ImageTooLarge: it has more pixels than the limit.
        What Pillow's decoders raise.
    """
    from workers.sources.tiff_samples import open_samples  # NumPy and OpenCV, which discovery does not load

    tiff = tiff_file(file)
    main = next(islice(tiff.chain(), frame - 1, None), None)
    if main is None:
        raise UnreadableImage(f"{name} has no picture {frame}; copy it again, or ingest the volume again.")
    offset = max(_full_pictures(tiff, main), key=lambda place: _pixels(tiff, place), default=main)
    tags = tiff.tags(offset, tuple(Tag))
    _refuse(tags, name, limits)
    if lacks_pieces(tags):
        raise EOFError("its data is cut off")
    if add_photometric(tags) or is_deep(tags):
        return open_samples(tiff, tags, name, limits)
    try:
        with _by_libtiff(tags):
            image = _by_pillow(tiff, offset, frame if offset == main else None)
    except UnidentifiedImageError:
        return open_samples(tiff, tags, name, limits)
    _mend_colour_map(image, tags)
    return image


def _full_pictures(tiff: TiffFile, offset: int) -> list[int]:
    """Return the places of the directory at `offset` and of those below it that hold no thumbnail and no mask."""
    tags = tiff.tags(offset, (Tag.NEW_SUBFILE_TYPE, Tag.SUBFILE_TYPE, Tag.SUB_DIRECTORIES))
    below = tags.get(Tag.SUB_DIRECTORIES, ())[:_MOST_SUB_DIRECTORIES]
    full = [place for place in below if _pixels(tiff, place) and _is_full(tiff.tags(place, _KIND_TAGS))]
    return [offset, *full] if _is_full(tags) else full


def _is_full(tags: Tags) -> bool:
    return not first(tags, Tag.NEW_SUBFILE_TYPE, 0) & _REDUCED_OR_MASK and first(tags, Tag.SUBFILE_TYPE, 1) != _REDUCED


def _pixels(tiff: TiffFile, offset: int) -> int:
    tags = tiff.tags(offset, (Tag.WIDTH, Tag.HEIGHT))
    return first(tags, Tag.WIDTH, 0) * first(tags, Tag.HEIGHT, 0)


def _refuse(tags: Tags, name: str, limits: Limits) -> None:
    width, height = first(tags, Tag.WIDTH, 0), first(tags, Tag.HEIGHT, 0)
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"{name} is too large: {width} x {height} pixels, the limit is {limits.max_pixels} pixels; "
            "reduce it, or raise max_pixels."
        )
    compression, colours = first(tags, Tag.COMPRESSION, 1), first(tags, Tag.PHOTOMETRIC, 0)
    if colours in _CAMERA_RAW:
        what, advice = "a camera raw picture", "convert it to PNG or TIFF, e.g. with darktable-cli or dcraw -T"
    elif compression in _UNREAD_COMPRESSIONS:
        what = f"a TIFF compressed with {_UNREAD_COMPRESSIONS[compression]}"
        advice = "save it as a TIFF with LZW, e.g. with ImageMagick"
    elif colours in _UNREAD_COLOURS:
        what, advice = f"a TIFF of {_UNREAD_COLOURS[colours]}", "save it as grey or RGB, e.g. with ImageMagick"
    else:
        return
    raise UnreadableImage(f"{name} is {what}, which is not read here; {advice}.")


def _by_pillow(tiff: TiffFile, offset: int, frame: int | None) -> Image.Image:
    """Return the picture of the directory at `offset`, which is at place `frame` of the chain or below it (None)."""
    tiff.file.seek(0)
    if frame is not None:
        try:
            image: Image.Image = Image.open(tiff.file, formats=("TIFF",))
            image.seek(frame - 1)
            return image
        except UnidentifiedImageError:  # the first picture is not read here, this one may be
            if frame == 1:
                raise
    tiff.file.seek(0)
    whole = bytearray(tiff.file.read())
    struct.pack_into(tiff.order + ("Q" if tiff.is_big else "L"), whole, 8 if tiff.is_big else 4, offset)
    return Image.open(io.BytesIO(whole), formats=("TIFF",))


@contextmanager
def _by_libtiff(tags: Tags) -> Iterator[None]:
    """Let libtiff read uncompressed YCbCr, too: Pillow's own reader takes subsampled chroma for whole pixels."""
    before = TiffImagePlugin.READ_LIBTIFF
    TiffImagePlugin.READ_LIBTIFF = before or first(tags, Tag.PHOTOMETRIC, 0) == _YCBCR
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = before


def _mend_colour_map(image: Image.Image, tags: Tags) -> None:
    """Show a colour map as libtiff does: one without an entry above 255 was written in 8 bits, not in 16."""
    colours = tags.get(Tag.COLOUR_MAP, ())
    if image.mode in ("P", "PA") and colours and max(colours) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))
