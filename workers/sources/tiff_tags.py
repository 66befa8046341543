"""The directories of a TIFF or BigTIFF and their numbers, whatever a broken or hostile file holds there.

Only what is asked for is read, so that many directories cannot each name the same large data.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOST_ENTRIES = 4096
_TYPES = {1: "B", 3: "H", 4: "L", 6: "b", 7: "B", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q", 18: "Q"}  # for `struct`

Tags = dict[int, tuple[int, ...]]


class Tag(IntEnum):
    """The tags that decide what a picture is and how it lies in the file."""

    NEW_SUBFILE_TYPE = 254
    SUBFILE_TYPE = 255
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    STRIP_ROWS = 278
    STRIP_SIZES = 279
    PLANES = 284
    PREDICTOR = 317
    COLOUR_MAP = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_SIZES = 325
    SUB_DIRECTORIES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    PROFILE = 34675


@dataclass(frozen=True, slots=True)
class TiffFile:
    """An open TIFF: its byte order for `struct`, whether it is a BigTIFF, and where its chain begins."""

    file: BinaryIO
    order: str
    is_big: bool
    start: int
    size_bytes: int

    def chain(self) -> Iterator[int]:
        """Yield the places in the file of the main directories, in order; a circle ends it."""
        seen: set[int] = set()
        offset = self.start
        while offset and offset not in seen:
            yield offset
            seen.add(offset)
            entries, at = self._entries(offset)
            following = self._number(at + entries * (20 if self.is_big else 12), 8 if self.is_big else 4)
            offset = following or 0

    def tags(self, offset: int, wanted: tuple[int, ...]) -> Tags:
        """Return the whole numbers of those of the `wanted` tags that the directory at `offset` has."""
        count, at = self._entries(offset)
        layout = struct.Struct(self.order + ("HHQ8s" if self.is_big else "HHL4s"))
        data = self.bytes_at(at, min(count, _MOST_ENTRIES) * layout.size)
        found: Tags = {}
        for tag, kind, number, value in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
            if tag in wanted and tag not in found and kind in _TYPES:
                found[tag] = self._values(_TYPES[kind], number, value)
        return found

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on, fewer where the file ends."""
        if size <= 0 or not 0 <= offset < self.size_bytes:
            return b""
        self.file.seek(offset)
        return self.file.read(min(size, self.size_bytes - offset))

    def _values(self, kind: str, count: int, value: bytes) -> tuple[int, ...]:
        size = count * struct.calcsize(self.order + kind)
        if size > self.size_bytes:
            return ()
        data = value[:size] if size <= len(value) else self.bytes_at(self._unpacked(value), size)
        return struct.unpack(f"{self.order}{count}{kind}", data) if len(data) == size else ()

    def _entries(self, offset: int) -> tuple[int, int]:
        """Return how many entries the directory at `offset` has, and where the first is."""
        size = 8 if self.is_big else 2
        return self._number(offset, size) or 0, offset + size

    def _number(self, offset: int, size: int) -> int | None:
        data = self.bytes_at(offset, size)
        return self._unpacked(data) if len(data) == size else None

    def _unpacked(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")


def tiff_file(file: BinaryIO) -> TiffFile:
    """Return the TIFF in `file`, which begins with one of `TIFF_MAGIC`."""
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    header = file.read(16).ljust(16, b"\0")
    order, is_big = ("<" if header.startswith(b"II") else ">"), header[:4] in TIFF_MAGIC[2:]
    (start,) = struct.unpack_from(order + ("Q" if is_big else "L"), header, 8 if is_big else 4)
    return TiffFile(file, order, is_big, start, size_bytes)


def first(tags: Tags, tag: int, default: int) -> int:
    """Return the first number of a tag."""
    return next(iter(tags.get(tag, ())), default)
