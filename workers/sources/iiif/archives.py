"""ZIPs in which a host offers all pictures of an item: what is in one, from its last bytes alone. Pure."""

from __future__ import annotations

import io
import re
import zipfile
from typing import BinaryIO, cast

MOST_ARCHIVE_BYTES = 256 * 1024**2  # a larger one takes longer than an answer may
TAIL_BYTES = 1024**2  # of the directory at a ZIP's end: some ten thousand names
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class _Tail(io.RawIOBase):
    """The last bytes of a file of which the others are not there."""

    def __init__(self, tail: bytes, size_bytes: int) -> None:
        self._tail, self._size, self._at = tail, size_bytes, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        start = self._at - (self._size - len(self._tail))
        if start < 0:
            raise EOFError("not among the last bytes")
        data = self._tail[start : start + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def names_in(tail: bytes, content_range: str) -> tuple[str, ...]:
    """Return the names of the files in a ZIP; none where it is too large, or its last bytes do not tell.

    Args:
        tail: its last bytes.
        content_range: the `Content-Range` with which they came.
    """
    found = _RANGE.fullmatch(content_range.strip())
    if found is None or int(found[3]) > MOST_ARCHIVE_BYTES or int(found[2]) + 1 != int(found[3]):
        return ()
    try:
        with zipfile.ZipFile(cast(BinaryIO, _Tail(tail, int(found[3])))) as archive:
            return tuple(info.filename for info in archive.infolist() if not info.is_dir())
    except (zipfile.BadZipFile, EOFError, ValueError, OSError, NotImplementedError, RuntimeError):
        return ()
