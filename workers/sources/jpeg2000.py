"""JPEG 2000 that Pillow does not read, or not rightly.

Pillow (13.0) turns away streams whose count of tile-parts is one too small, as Adobe writes them: it is given them
without the count, which may be left out. It shears the colours of pictures whose chroma is subsampled and whose size
is odd: there PDFium is the reader, given the file inside a PDF of one picture.
ITU-T T.800 (2002), annexes A (codestream) and I (JP2).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np
import pypdfium2
from PIL import Image

from workers.sources.bounded import bounded
from workers.sources.reasons import is_of_the_system
from workers.sources.sniffing import head_of
from workers.stages.palette.depth import eight_bits

_SIZES = b"\xff\x4f\xff\x51"  # start of the codestream, sizes
_CODING_STYLE = 0xFF52
_HALF = 127
_START_OF_TILE_PART, _END_OF_CODESTREAM = 0xFF90, 0xFFD9
_FIRST_COMPONENT = 40  # counted from the start of the codestream: after it come depth, x and y steps, three bytes each


def open_jpeg2000(image: Image.Image, file: BinaryIO, halvings: int = 0) -> Image.Image:
    """Return the decoded picture of `file`, which Pillow opened as `image`, its size halved so often if it can be.

    Raises:
        What Pillow's decoders raise.
    """
    steps = chroma_steps(head_of(file))
    if halvings and steps == (1, 1) and (smaller := halved(file, halvings)):
        return smaller
    if steps == (1, 1):
        return _by_its_depth(_by_pillow(image, file), file)
    picture = _by_pdfium(_without_counts(_whole(file)), image.size)
    if picture is None:
        image.load()
        divides = image.width % steps[0] == 0 and image.height % steps[1] == 0
        picture = image if divides else image.convert("L")  # only the colours are wrong
    return picture


def halved(file: BinaryIO, halvings: int) -> Image.Image | None:
    """Return the picture, its size halved so often; None where it has no such size.

    Pillow rounds the size where OpenJPEG rounds up, and takes the file for broken: it is told the size.
    """
    image: Any = Image.open(bounded(file), formats=("JPEG2000",))
    style = coding_style(head_of(file))
    if style is None or halvings > style.halvings:
        return None
    (tile,) = image.tile
    image._size = tuple(-(-side >> halvings) for side in image.size)
    codec, _, *others = tile.args
    image.tile = [tile._replace(extents=(0, 0, *image.size), args=(codec, halvings, *others))]
    try:
        image.load()
    except OSError as error:
        if is_of_the_system(error):
            raise
        return None
    return image  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class CodingStyle:
    """How a codestream was coded: how often its size can be halved, and by which wavelet (0: 9/7, 1: 5/3)."""

    halvings: int
    wavelet: int


def coding_style(head: bytes) -> CodingStyle | None:
    """Return how the codestream in a file that begins with `head` was coded; None where that is not to be seen."""
    start = head.find(_SIZES)
    at = start + 2
    while start >= 0 and len(head) >= at + 14:
        marker, length = struct.unpack_from(">HH", head, at)
        if marker == _CODING_STYLE:
            return CodingStyle(head[at + 9], head[at + 13])
        if marker < 0xFF00 or length < 2:
            return None
        at += 2 + length
    return None


def _by_pillow(image: Image.Image, file: BinaryIO) -> Image.Image:
    try:
        image.load()
    except OSError as error:
        if is_of_the_system(error):
            raise
        image = Image.open(io.BytesIO(_without_counts(_whole(file))), formats=("JPEG2000",))
        image.load()
    return image


def _by_its_depth(image: Image.Image, file: BinaryIO) -> Image.Image:
    """Return a colour picture as it is, or scaled by the depth it uses where its highest 8 bits are half empty."""
    if image.mode != "RGB" or np.asarray(image).max() > _HALF:
        return image
    samples = cv2.imdecode(np.frombuffer(_without_counts(_whole(file)), np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16 or samples.shape != (image.height, image.width, 3):
        return image
    scaled = Image.fromarray(np.ascontiguousarray(eight_bits(samples)[:, :, ::-1]))
    scaled.info = image.info
    return scaled


def chroma_steps(head: bytes) -> tuple[int, int]:
    """Return how many pixels share a sample of colour, across and down, in the file that begins with `head`."""
    start = head.find(_SIZES)
    if start < 0 or len(head) < start + _FIRST_COMPONENT + 2:
        return 1, 1
    (count,) = struct.unpack_from(">H", head, start + _FIRST_COMPONENT)
    first = start + _FIRST_COMPONENT + 2
    steps = [head[at + 1 : at + 3] for at in range(first, min(first + 3 * count, len(head) - 2), 3)]
    return max((step[0] for step in steps), default=1), max((step[1] for step in steps), default=1)


def _whole(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _without_counts(data: bytes) -> bytes:
    """Return the file with every tile-part telling that the number of its tile's parts is not known."""
    start = data.find(_SIZES)
    mended, at = bytearray(data), start + 2
    while start >= 0 and len(data) >= at + 12:
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _START_OF_TILE_PART:
            mended[at + 11] = 0
            (part_bytes,) = struct.unpack_from(">L", data, at + 6)
            at += part_bytes or len(data)
        elif marker == _END_OF_CODESTREAM:
            break
        else:
            at += 2 + length
    return bytes(mended)


def _by_pdfium(data: bytes, size: tuple[int, int]) -> Image.Image | None:
    """Return the picture as PDFium decodes it, None when it does not."""
    try:
        document = pypdfium2.PdfDocument(_pdf_of(data, *size))
        try:
            (picture,) = document[0].get_objects()
            pixels: Image.Image = picture.get_bitmap().to_pil().copy()  # a copy: the pixels belong to PDFium
        finally:
            document.close()
    except (pypdfium2.PdfiumError, ValueError):
        return None
    return pixels if pixels.size == size else None


def _pdf_of(data: bytes, width: int, height: int) -> bytes:
    """Return a PDF of one page with the JPEG 2000 picture `data`."""
    place = b"%d 0 0 %d 0 0 cm /P Do" % (width, height)
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</XObject<</P 5 0 R>>>>>>"
        % (width, height),
        b"<</Length %d>>stream\n%s\nendstream" % (len(place), place),
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/Filter/JPXDecode/Length %d>>stream\n%s\nendstream"
        % (width, height, len(data), data),
    )
    pdf, offsets = bytearray(b"%PDF-1.5\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj" % number + content + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(pdf))
    return bytes(pdf) + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end
