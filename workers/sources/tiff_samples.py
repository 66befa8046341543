"""The samples of a TIFF, whatever their depth, number, type, order and layout.

libtiff, through Pillow, unpacks the bytes of strips and tiles: it is given a directory that calls each row a row of
grey bytes. What the bytes mean (depth, byte order, planes, predictor) is done here.
TIFF 6.0 (Adobe, 1992), sections 13 to 15; Technical Note 3 (Adobe, 2005) for the predictor of floats.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

from workers.errors import ImageTooLarge, UnreadableImage
from workers.sources.limits import Limits
from workers.sources.tiff_tags import Tags, TiffFile, first
from workers.stages.palette.depth import Pixels, Samples, eight_bits

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_SIZES, _PLANES, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES, _EXTRA, _FORMAT, _PROFILE = 322, 323, 324, 325, 338, 339, 34675
_ORIENTATION = 274
LAYOUT_TAGS = (
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIP_OFFSETS, _ORIENTATION, _SAMPLES,
    _STRIP_ROWS, _STRIP_SIZES, _PLANES, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES, _EXTRA,
    _FORMAT, _PROFILE,
)  # fmt: skip
_OF_BYTES = {1, 5, 8, 32773, 32946, 34925, 50000}  # compressions that know nothing of samples
_COLOURS = {0: "L", 1: "L", 2: "RGB", 5: "CMYK", 8: "LAB"}
_LAB = 8
_ASSOCIATED, _UNASSOCIATED, _COREL = 1, 2, 999
_MOST_SAMPLE_BYTES = 8  # for each pixel that the limit allows
_PACKED_ROWS = 64


@dataclass(frozen=True, slots=True)
class _Layout:
    """How samples lie in the file: `group` of them side by side for each pixel, in `planes` planes."""

    width: int
    height: int
    bits: int
    kind: str
    order: str
    group: int
    planes: int
    predictor: int
    tile_width: int

    @property
    def padded_width(self) -> int:
        """The width in pixels of a row as it is unpacked: whole tiles."""
        return -(-self.width // self.tile_width) * self.tile_width

    @property
    def row_bytes(self) -> int:
        return -(-self.padded_width * self.group * self.bits // 8)


def is_deep(tags: Tags) -> bool:
    """Return whether a directory has samples of more than 8 bits, or signed ones."""
    return max(tags.get(_BITS, ()), default=1) > 8 or first(tags, _FORMAT, 1) == 2


def open_samples(tiff: TiffFile, tags: Tags, name: str, limits: Limits) -> Image.Image:
    """Return the picture of a directory in 8 bits; samples of more bits are scaled by the depth that they use.

    Raises:
        UnreadableImage: samples of this kind are not read.
        ImageTooLarge: they need more memory than the limit allows.
        What Pillow's decoders raise.
    """
    layout, photometric = _layout(tags, tiff.order), first(tags, _PHOTOMETRIC, 0)
    mode, count = _COLOURS.get(photometric, ""), layout.group * layout.planes
    if not mode or count < len(mode) or not _is_read(tags, layout):
        raise unread_samples(tags, name)
    if layout.row_bytes * layout.planes * layout.height > limits.max_pixels * _MOST_SAMPLE_BYTES:
        raise ImageTooLarge(f"{name} is too large: {count} samples of {layout.bits} bits a pixel; reduce it.")
    samples = _samples(tiff, tags, layout)
    image = _picture(samples, mode, photometric, tags.get(_EXTRA, ()), layout.bits)
    if profile := tags.get(_PROFILE):
        image.info["icc_profile"] = bytes(profile)
    image.getexif()[_ORIENTATION] = first(tags, _ORIENTATION, 1)
    return image


def add_photometric(tags: Tags) -> bool:
    """Fill in what the samples mean as libtiff does where no tag tells it; return whether it was missing.

    Pillow would take them for ink: a grey page without the tag came out as its negative.
    """
    if _PHOTOMETRIC in tags or first(tags, _COMPRESSION, 1) not in _OF_BYTES:
        return False
    tags[_PHOTOMETRIC] = (2 if first(tags, _SAMPLES, len(tags.get(_BITS, (1,)))) >= 3 else 1,)
    return True


def unread_samples(tags: Tags, name: str) -> UnreadableImage:
    """Return the error for a directory whose samples are of a kind that is not read, or that is broken."""
    bits = tags.get(_BITS, (1,))
    numbers = f"photometric {first(tags, _PHOTOMETRIC, 0)}, compression {first(tags, _COMPRESSION, 1)}"
    return UnreadableImage(
        f"{name} is a TIFF of {first(tags, _SAMPLES, len(bits))} x {first(tags, _BITS, 1)}-bit samples ({numbers}), "
        "which is not read here, or its header is broken; save it as 8-bit grey or RGB, e.g. with ImageMagick."
    )


def _layout(tags: Tags, order: str) -> _Layout:
    bits = tags.get(_BITS, (1,))
    count = first(tags, _SAMPLES, len(bits))
    planes = count if first(tags, _PLANES, 1) == 2 else 1
    width, tile_width = first(tags, _WIDTH, 0), first(tags, _TILE_WIDTH, 0)
    return _Layout(
        width=width,
        height=first(tags, _HEIGHT, 0),
        bits=bits[0] if len(set(bits)) == 1 else 0,
        kind={1: "u", 2: "i", 3: "f"}.get(first(tags, _FORMAT, 1), ""),
        order=order,
        group=count // planes if planes else 0,
        planes=planes,
        predictor=first(tags, _PREDICTOR, 1) if first(tags, _COMPRESSION, 1) not in (1, 32773) else 1,
        tile_width=tile_width or width,
    )


def _is_read(tags: Tags, layout: _Layout) -> bool:
    whole = layout.bits in {"u": (8, 16, 32), "i": (8, 16, 32), "f": (16, 32, 64)}.get(layout.kind, ())
    packed = layout.kind == "u" and 0 < layout.bits < 16 and layout.predictor == 1
    predicted = {1: True, 2: layout.kind != "f", 3: layout.kind == "f"}.get(layout.predictor, False)
    in_bytes = first(tags, _COMPRESSION, 1) in _OF_BYTES
    if first(tags, _PHOTOMETRIC, 0) == _LAB and (layout.bits != 16 or layout.kind == "f"):
        return False
    return in_bytes and (whole or packed) and predicted and layout.group > 0 and layout.width > 0 and layout.height > 0


def _samples(tiff: TiffFile, tags: Tags, layout: _Layout) -> Samples:
    """Return all samples as (height, width, samples)."""
    tiff.file.seek(0)
    whole = io.BytesIO()
    whole.write(tiff.file.read())
    planes = [_meaning(_unpacked(whole, tags, layout, plane), layout) for plane in range(layout.planes)]
    return planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)


def _unpacked(whole: io.BytesIO, tags: Tags, layout: _Layout, plane: int) -> Samples:
    """Return the bytes of one plane as (height, row bytes) uint8, unpacked by libtiff."""
    entries: Tags = {
        _WIDTH: (layout.row_bytes,), _HEIGHT: (layout.height,), _BITS: (8,), _PHOTOMETRIC: (1,), _SAMPLES: (1,),
        _COMPRESSION: (first(tags, _COMPRESSION, 1),), _FILL_ORDER: (first(tags, _FILL_ORDER, 1),), _PLANES: (1,),
    }  # fmt: skip
    offsets, sizes = (_TILE_OFFSETS, _TILE_SIZES) if _TILE_OFFSETS in tags else (_STRIP_OFFSETS, _STRIP_SIZES)
    for tag in (offsets, sizes):
        values = tags.get(tag, ())
        share = len(values) // layout.planes
        if share:
            entries[tag] = values[plane * share : (plane + 1) * share]
    if offsets == _TILE_OFFSETS:
        entries[_TILE_WIDTH] = (layout.tile_width * layout.group * layout.bits // 8,)
        entries[_TILE_HEIGHT] = (first(tags, _TILE_HEIGHT, 0),)
    else:
        entries[_STRIP_ROWS] = (min(first(tags, _STRIP_ROWS, layout.height), layout.height),)
    return np.asarray(_opened(whole, entries))


def _opened(whole: io.BytesIO, entries: Tags) -> Image.Image:
    """Open a TIFF whose only directory holds `entries`, all 32-bit numbers, and is appended to the bytes of `whole`."""
    start = whole.seek(0, io.SEEK_END)
    if start % 2:
        start += whole.write(b"\0")
    beyond = start + 2 + 12 * len(entries) + 4
    directory, values = struct.pack("<H", len(entries)), b""
    for tag, numbers_of_tag in sorted(entries.items()):
        packed = struct.pack(f"<{len(numbers_of_tag)}L", *numbers_of_tag)
        directory += struct.pack("<HHL", tag, 4, len(numbers_of_tag))
        directory += packed if len(packed) == 4 else struct.pack("<L", beyond + len(values))
        values += packed if len(packed) != 4 else b""
    whole.write(directory + bytes(4) + values)
    whole.seek(0)
    whole.write(struct.pack("<2sHL", b"II", 42, start))
    whole.seek(0)
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # these are bytes; the pixels were counted before
    try:
        image = Image.open(whole, formats=("TIFF",))
        image.load()
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    return image


def _meaning(rows: Samples, layout: _Layout) -> Samples:
    """Return the samples (height, width, group) that the bytes (height, row bytes) of one plane stand for."""
    height = len(rows)
    if layout.bits % 8:
        values = _of_packed_bits(rows, layout)
    elif layout.predictor == 3:
        values = _of_float_differences(rows, layout)
    else:
        dtype = np.dtype(f"{layout.order}{layout.kind}{layout.bits // 8}")
        values = np.ascontiguousarray(rows).view(dtype).astype(dtype.newbyteorder("="), copy=False)
    values = values.reshape(height, -1, layout.tile_width, layout.group)
    if layout.predictor == 2:
        values = np.cumsum(values, axis=2, dtype=values.dtype)
    return values.reshape(height, layout.padded_width, layout.group)[:, : layout.width]


def _of_packed_bits(rows: Samples, layout: _Layout) -> Samples:
    """Return samples of 1 to 15 bits, the highest bit first, as uint16; some rows at a time, to save memory."""
    count = layout.padded_width * layout.group
    weights = (1 << np.arange(layout.bits - 1, -1, -1)).astype(np.uint16)
    values = np.empty((len(rows), count), np.uint16)
    for top in range(0, len(rows), _PACKED_ROWS):
        bits = np.unpackbits(rows[top : top + _PACKED_ROWS], axis=1, count=count * layout.bits)
        values[top : top + _PACKED_ROWS] = bits.reshape(-1, count, layout.bits) @ weights
    return values


def _of_float_differences(rows: Samples, layout: _Layout) -> Samples:
    """Undo the predictor of floats: differences of bytes, which lie in planes with the highest byte first."""
    size, tile = layout.bits // 8, layout.tile_width * layout.group
    differences = rows.reshape(len(rows), -1, tile * size // layout.group, layout.group)
    planes = np.cumsum(differences, axis=2, dtype=np.uint8).reshape(len(rows), -1, size, tile)
    return np.ascontiguousarray(planes.swapaxes(2, 3)).view(f">f{size}").astype(f"=f{size}")


def _picture(samples: Samples, mode: str, photometric: int, extra: tuple[int, ...], bits: int) -> Image.Image:
    """Return the samples (height, width, n) as an image of 8 bits, grey and RGB with their alpha."""
    if mode == "LAB":
        return _lab(samples)
    is_ink = photometric in (0, 5)
    colours = _in_eight_bits(samples[:, :, : len(mode)], bits, is_ink)
    if photometric == 0:
        colours = 255 - colours
    alpha = _alpha(samples.shape[2] - len(mode), mode, extra)
    if alpha is None:
        return Image.fromarray(np.ascontiguousarray(colours.squeeze(2) if mode == "L" else colours), mode)
    place, suffix = alpha
    opacity = _in_eight_bits(samples[:, :, len(mode) + place, np.newaxis], bits)
    pixels = np.concatenate([colours, opacity], axis=2)
    return Image.frombytes(mode + suffix, pixels.shape[1::-1], pixels.tobytes())


def _in_eight_bits(samples: Samples, bits: int, is_ink: bool = False) -> Pixels:
    if bits <= 8 and samples.dtype.kind == "u":  # all their bits are used
        scaled: Pixels = (samples.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
        return scaled
    return eight_bits(samples, is_ink=is_ink)


def _lab(samples: Samples) -> Image.Image:
    """Return CIE L*a*b* samples of 16 bits, of which a* and b* are signed, by their highest 8 bits."""
    highest = (samples[:, :, :3].view(np.uint16) >> 8).astype(np.uint8)
    return Image.frombytes("LAB", highest.shape[1::-1], highest.tobytes())


def _alpha(count: int, mode: str, extra: tuple[int, ...]) -> tuple[int, str] | None:
    """Return which of `count` further samples is the alpha, and the suffix of its mode; None where there is none."""
    if mode == "CMYK" or not count:
        return None
    if not extra:
        return (0, "A") if mode == "RGB" else None  # as Pillow and libtiff take a fourth sample
    for place, kind in enumerate(extra[:count]):
        if kind in (_ASSOCIATED, _UNASSOCIATED, _COREL):
            return place, "a" if kind == _ASSOCIATED else "A"
    return None
