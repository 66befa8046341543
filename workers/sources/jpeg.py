"""JPEGs without their end mark: whether every pixel is there all the same.

Pillow turns them away, and libjpeg fills what is missing with grey without a word. When all rows are there, what
follows them is of no account: a file is whole when it shows the same picture whatever is put after its last byte.
ITU-T T.81 (1992), annexes B (markers) and G (scans of progressive JPEGs).
"""

from __future__ import annotations

import io
import random
import re
from collections import defaultdict
from typing import BinaryIO

from PIL import Image, ImageChops

_END = b"\xff\xd9"
_TAIL_BYTES = 64
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # in entropy-coded data: neither a stuffed zero nor a restart
_RESTARTS = re.compile(rb"\xff([\xd0-\xd7])")
_START_OF_SCAN, _COEFFICIENTS = 0xDA, 64
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def with_end_mark(file: BinaryIO) -> BinaryIO:
    """Return a JPEG with its end mark: `file` itself, or a copy in memory when only the mark is missing.

    Raises:
        EOFError: there is no end mark and rows are missing.
    """
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(max(0, size_bytes - _TAIL_BYTES))
    has_end = file.read().rstrip(b"\0\r\n ").endswith(_END)
    file.seek(0)
    if has_end:
        return file
    data = file.read()
    file.seek(0)
    scan_ends, has_end, is_covered = _scans(data)
    if has_end or not scan_ends:
        return file  # more follows the end, or the decoder knows better what is wrong
    whole = _without_padding(data, scan_ends[-1])
    if not is_covered or not _shows_the_same_whatever_follows(whole, scan_ends[-1]):
        raise EOFError("its data is cut off")
    return io.BytesIO(whole + _END)


def _scans(data: bytes) -> tuple[list[int], bool, bool]:
    """Return where the data of each scan begins, whether an end mark follows, and whether all coefficients come."""
    begins: list[int] = []
    left: dict[int, list[int]] = defaultdict(lambda: [-1] * _COEFFICIENTS)  # by component: the bits still to come
    components, at = 0, 2
    while (match := _MARKER.search(data, at)) is not None:
        marker, at = match[1][0], match.end()
        if marker == _END[1]:
            return begins, True, True
        if marker in _WITHOUT_LENGTH:
            continue
        segment = data[at + 2 : at + max(2, int.from_bytes(data[at : at + 2], "big"))]
        at += 2 + len(segment)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(segment) > 5:
            components = segment[5]
        if marker == _START_OF_SCAN and segment:
            begins.append(at)
            _note_scan(segment, left)
    is_covered = len(left) == components and not any(any(bits) for bits in left.values())
    return begins, False, is_covered


def _note_scan(segment: bytes, left: dict[int, list[int]]) -> None:
    count = segment[0]
    if len(segment) < 1 + 2 * count + 3:
        return
    first, last, precision = segment[1 + 2 * count : 4 + 2 * count]
    for component in segment[1 : 1 + 2 * count : 2]:
        for place in range(first, min(last, _COEFFICIENTS - 1) + 1):
            left[component][place] = precision & 15


def _without_padding(data: bytes, scan: int) -> bytes:
    """Return the bytes without the zeros of an interrupted copy and without half an end mark."""
    stripped = data.rstrip(b"\0")
    if len(data) - len(stripped) < 16 or len(stripped) <= scan:
        stripped = data
    return stripped.rstrip(b"\xff")


def _shows_the_same_whatever_follows(data: bytes, scan: int) -> bool:
    restarts = _RESTARTS.findall(data, scan)
    following = [_filler(1), _filler(2)]
    if b"\xff\xdd" in data[:scan]:  # restarts are possible: the next interval may be missing as a whole
        mark = bytes([0xFF, 0xD0 + (restarts[-1][0] - 0xD0 + 1) % 8 if restarts else 0xD0])
        following.append(mark + _filler(3))
    picture = _decoded(data + _END)
    return all(ImageChops.difference(picture, _decoded(data + more + _END)).getbbox() is None for more in following)


def _filler(seed: int) -> bytes:
    return bytes(byte for byte in random.Random(seed).randbytes(4096) if byte != 0xFF)


def _decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.load()
    return image
