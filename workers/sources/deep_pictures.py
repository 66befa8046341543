"""PNGs and portable maps of 16 bits and several channels, which Pillow would cut to the highest 8 bits.

They are scaled by the depth their values really use, as grey ones are: a 12-bit scan in 16 bits would come out black.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from workers.sources.bounded import bounded
from workers.stages.palette.depth import Samples, eight_bits

_COMMENT = re.compile(rb"#[^\r\n]*")


def open_deep(image: Image.Image, file: BinaryIO) -> Image.Image | None:
    """Return an image that was opened from `file` and not yet loaded in 8 bits; None where Pillow keeps its depth.

    Raises:
        What Pillow's decoders raise.
    """
    tile: Any = image.tile[0] if isinstance(image, ImageFile.ImageFile) and len(image.tile) == 1 else None
    if tile is None or image.mode not in ("RGB", "RGBA") or getattr(image, "is_animated", False):
        return None
    if image.format == "PNG" and str(tile.args).endswith(";16B"):
        return _picture(_png_samples(image, file), image)
    if image.format == "PPM" and tile.codec_name in ("ppm", "ppm_plain") and tile.args[1] > 255:
        read = _map_samples if tile.codec_name == "ppm" else _plain_map_samples
        return _picture(read(image, file, tile.offset), image)
    return None


def _png_samples(image: Any, file: BinaryIO) -> Samples:
    """Return the samples as uint16 (height, width, channels): Pillow keeps one byte of each, so it is asked twice."""
    (tile,) = image.tile
    if tile.args == "LA;16B":  # Pillow makes it RGBA, a pixel of which has as many bytes
        image.tile = [tile._replace(args="RGBA")]
        return np.ascontiguousarray(_loaded(image)).view(">u2").astype(np.uint16)
    highest = _loaded(image).astype(np.uint16)
    again: Any = Image.open(bounded(file), formats=("PNG",))
    again.tile = [tile._replace(args=tile.args.replace(";16B", ";16L"))]
    return highest << 8 | _loaded(again)


def _loaded(image: Image.Image) -> Samples:
    image.load()
    return np.asarray(image)


def _map_samples(image: Image.Image, file: BinaryIO, offset: int) -> Samples:
    file.seek(offset)
    size_bytes = image.width * image.height * 3 * 2
    data = file.read(size_bytes)
    if len(data) < size_bytes:
        raise EOFError("its data is cut off")
    return np.frombuffer(data, ">u2").reshape(image.height, image.width, 3)


def _plain_map_samples(image: Image.Image, file: BinaryIO, offset: int) -> Samples:
    file.seek(offset)
    count = image.width * image.height * 3
    numbers = _COMMENT.sub(b"", file.read()).split()[:count]
    if len(numbers) < count:
        raise EOFError("its data is cut off")
    return np.array(numbers).astype(np.uint16).reshape(image.height, image.width, 3)


def _picture(samples: Samples, image: Image.Image) -> Image.Image:
    channels = samples.shape[2]
    colours = eight_bits(samples[:, :, : channels - 1 + channels % 2])
    info = dict(image.info)
    key = info.pop("transparency", None)
    if channels % 2 == 0:
        opacity = eight_bits(samples[:, :, -1:])
    elif isinstance(key, tuple):
        opacity = np.where((samples == key).all(axis=2, keepdims=True), 0, 255).astype(np.uint8)
    else:
        opacity = colours[:, :, :0]
    picture = Image.fromarray(np.concatenate([colours, opacity], axis=2))
    picture.info, picture.format = info, image.format
    return picture
