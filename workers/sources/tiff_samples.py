"""The samples of a TIFF, whatever their depth, number, type, order and layout.

libtiff, through Pillow, unpacks the bytes of strips and tiles: it is given a directory that calls each row a row of
grey bytes. What the bytes mean (depth, byte order, planes, predictor) is done here.
TIFF 6.0 (Adobe, 1992), sections 13 to 15; Technical Note 3 (Adobe, 2005) for the predictor of floats.
"""

from __future__ import annotations

import io
import struct
from itertools import accumulate

import numpy as np
from PIL import Image

from workers.errors import ImageTooLarge
from workers.sources.limits import Limits
from workers.sources.tiff_layout import Layout, is_read, layout_of, unread_samples
from workers.sources.tiff_tags import Tag, Tags, TiffFile, first
from workers.stages.palette.depth import Pixels, Samples, eight_bits

_COLOURS = {0: "L", 1: "L", 2: "RGB", 5: "CMYK", 8: "LAB"}
_ASSOCIATED, _UNASSOCIATED, _COREL = 1, 2, 999
_MOST_SAMPLE_BYTES = 8  # for each pixel that the limit allows
_PACKED_ROWS = 64
_HEADER = struct.Struct("<2sHL")
_MOST_EXPANSION, _CHUNK_BYTES = 2, 4096  # what a compression may add to what it cannot compress


def open_samples(tiff: TiffFile, tags: Tags, name: str, limits: Limits) -> Image.Image:
    """Return the picture of a directory in 8 bits; samples of more bits are scaled by the depth that they use.

    Raises:
        UnreadableImage: samples of this kind are not read.
        ImageTooLarge: they need more memory than the limit allows.
        What Pillow's decoders raise.
    """
    layout, photometric = layout_of(tags, tiff.order), first(tags, Tag.PHOTOMETRIC, 0)
    mode, count = _COLOURS.get(photometric, ""), layout.group * layout.planes
    if not mode or count < len(mode) or not is_read(tags, layout):
        raise unread_samples(tags, name)
    if layout.row_bytes * layout.planes * layout.height > limits.max_pixels * _MOST_SAMPLE_BYTES:
        raise ImageTooLarge(f"{name} is too large: {count} samples of {layout.bits} bits a pixel; reduce it.")
    samples = _samples(tiff, tags, layout)
    image = _picture(samples, mode, photometric, tags.get(Tag.EXTRA_SAMPLES, ()), layout.bits)
    if profile := tags.get(Tag.PROFILE):
        image.info["icc_profile"] = bytes(profile)
    image.getexif()[Tag.ORIENTATION] = first(tags, Tag.ORIENTATION, 1)
    return image


def _samples(tiff: TiffFile, tags: Tags, layout: Layout) -> Samples:
    """Return all samples as (height, width, samples)."""
    planes = [_meaning(_unpacked(tiff, tags, layout, plane), layout) for plane in range(layout.planes)]
    return planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)


def _unpacked(tiff: TiffFile, tags: Tags, layout: Layout, plane: int) -> Samples:
    """Return the bytes of one plane as (height, row bytes) uint8, unpacked by libtiff."""
    entries: Tags = {tag: (first(tags, tag, 1),) for tag in (Tag.COMPRESSION, Tag.FILL_ORDER)}
    entries |= {Tag.WIDTH: (layout.row_bytes,), Tag.HEIGHT: (layout.height,), Tag.BITS: (8,), Tag.PHOTOMETRIC: (1,)}
    if Tag.TILE_OFFSETS in tags:
        across, down = layout.tile_width * layout.group * layout.bits // 8, first(tags, Tag.TILE_HEIGHT, 0)
        entries |= {Tag.TILE_WIDTH: (across,), Tag.TILE_HEIGHT: (down,)}
        offsets, sizes = Tag.TILE_OFFSETS, Tag.TILE_SIZES
    else:
        across, down = layout.row_bytes, min(first(tags, Tag.STRIP_ROWS, layout.height), layout.height)
        entries |= {Tag.STRIP_ROWS: (down,)}
        offsets, sizes = Tag.STRIP_OFFSETS, Tag.STRIP_SIZES
    if across <= 0 or down <= 0 or not tags.get(offsets):
        raise EOFError("its header is broken")
    count = -(-layout.row_bytes // across) * -(-layout.height // down)
    begin = plane * count
    told = tags.get(sizes, ())[begin : begin + count] or (tiff.size_bytes,) * count
    if first(tags, Tag.COMPRESSION, 1) == 1:  # then what is told is known without
        whole = sizes == Tag.TILE_SIZES
        told = tuple(across * (down if whole else min(down, layout.height - at * down)) for at in range(count))
    places = zip(tags.get(offsets, ())[begin : begin + count], told, strict=False)
    most = _MOST_EXPANSION * across * down + _CHUNK_BYTES
    return np.asarray(_opened([tiff.bytes_at(at, min(size, most)) for at, size in places], entries, offsets, sizes))


def _opened(pieces: list[bytes], entries: Tags, offsets: int, sizes: int) -> Image.Image:
    """Open a TIFF of one directory of `entries`, all of them numbers, with `pieces` as its strips or tiles."""
    entries[sizes] = tuple(len(piece) for piece in pieces)
    entries[offsets] = tuple(accumulate(entries[sizes][:-1], initial=_HEADER.size))
    data = b"".join(pieces)
    start = _HEADER.size + len(data)
    beyond = start + 2 + 12 * len(entries) + 4
    directory, values = struct.pack("<H", len(entries)), b""
    for tag, numbers in sorted(entries.items()):
        packed = struct.pack(f"<{len(numbers)}L", *numbers)
        directory += struct.pack("<HHL", tag, 4, len(numbers))
        directory += packed if len(packed) == 4 else struct.pack("<L", beyond + len(values))
        values += packed if len(packed) != 4 else b""
    file = io.BytesIO(_HEADER.pack(b"II", 42, start) + data + directory + bytes(4) + values)
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # these are bytes; the pixels were counted before
    try:
        image = Image.open(file, formats=("TIFF",))
        image.load()
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    return image


def _meaning(rows: Samples, layout: Layout) -> Samples:
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


def _of_packed_bits(rows: Samples, layout: Layout) -> Samples:
    """Return samples of 1 to 15 bits, the highest bit first, as uint16; some rows at a time, to save memory."""
    count = layout.padded_width * layout.group
    weights = (1 << np.arange(layout.bits - 1, -1, -1)).astype(np.uint16)
    values = np.empty((len(rows), count), np.uint16)
    for top in range(0, len(rows), _PACKED_ROWS):
        bits = np.unpackbits(rows[top : top + _PACKED_ROWS], axis=1, count=count * layout.bits)
        values[top : top + _PACKED_ROWS] = bits.reshape(-1, count, layout.bits) @ weights
    return values


def _of_float_differences(rows: Samples, layout: Layout) -> Samples:
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
