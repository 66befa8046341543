"""A file of a store as a file that can be sought: bytes are fetched in ranges, some ahead, all of one version."""

from __future__ import annotations

import io
import tempfile
from typing import BinaryIO, cast

from workers.errors import UnsafeArchive
from workers.sources.escape import escaped
from workers.sources.stores.store import Store, StoredFile

HEAD_BYTES = 16 * 1024
TAIL_BYTES = 64 * 1024  # a ZIP's directory, and its end, lie there
LEAST_AHEAD_BYTES, MOST_AHEAD_BYTES = 16 * 1024, 8 * 1024**2
CHUNK_BYTES = 16 * 1024**2
KEPT_RANGES = 4
_IN_MEMORY_BYTES = 64 * 1024**2


class RangeFile(io.RawIOBase):
    """A file of a store, read by ranges; who reads forward gets ever larger ones.

    Args:
        store: where it is.
        key: which file.
        version: what it must be; empty takes the first answer's, and holds on to that.
        known: the file as a listing told it, which saves the first question.
    """

    def __init__(self, store: Store, key: str, version: str = "", known: StoredFile | None = None) -> None:
        self._store, self._key = store, key
        self._ranges: list[tuple[int, bytes]] = []
        self._position = self._reached = 0
        self._ahead = LEAST_AHEAD_BYTES
        self._expected = (0, 0)
        if known is None:
            head, known = store.read(key, 0, HEAD_BYTES, version)
            self._keep(0, head)
        self.known = known

    def expect(self, start: int, end: int) -> None:
        """Tell that the bytes from `start` to before `end` are wanted next: they come in as few answers as can be."""
        self._expected = (start, end)

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""
        left = max(0, self.known.size_bytes - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted > 0:
            part = self._here(wanted)
            parts.append(part)
            self._position += len(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: object) -> int:
        """Fill a buffer."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _here(self, wanted: int) -> bytes:
        """Return some of the bytes at the position, at least one, at most `wanted`."""
        for place, (start, data) in enumerate(self._ranges):
            if start <= self._position < start + len(data):
                self._ranges.append(self._ranges.pop(place))
                return data[self._position - start : self._position - start + wanted]
        start, end = self._to_fetch(wanted)
        data, _ = self._store.read(self._key, start, end, self.known.version)
        self._keep(start, data)
        return data[self._position - start : self._position - start + wanted]

    def _to_fetch(self, wanted: int) -> tuple[int, int]:
        here, size = self._position, self.known.size_bytes
        first, last = self._expected
        if first <= here < last:
            return here, min(last, size, here + CHUNK_BYTES)
        if here >= size - TAIL_BYTES:
            return here if here == self._reached else max(0, size - TAIL_BYTES), size
        self._ahead = min(2 * self._ahead, MOST_AHEAD_BYTES) if here == self._reached else LEAST_AHEAD_BYTES
        return here, min(size, here + min(max(wanted, self._ahead), CHUNK_BYTES))

    def _keep(self, start: int, data: bytes) -> None:
        self._ranges = [*self._ranges[-KEPT_RANGES + 1 :], (start, data)]
        self._reached = start + len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.known.size_bytes}[whence]
        if base + offset < 0:
            raise OSError(22, "Invalid argument")  # as a file does
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return True."""
        return True


def as_file(ranges: RangeFile) -> BinaryIO:
    """Return the same, as what reads files wants to have it typed."""
    return cast(BinaryIO, ranges)


def is_afar(file: object) -> bool:
    """Return whether reading a file means asking a store."""
    return isinstance(file, RangeFile)


def expect(file: object, start: int, end: int) -> None:
    """Tell a file which bytes come next, where it is one that can make use of it."""
    if isinstance(file, RangeFile):
        file.expect(start, end)


def fetched(store: Store, key: str, version: str, most_bytes: int, span: tuple[int, int] | None = None) -> BinaryIO:
    """Return the whole file, or `span` (offset and length) of it, as a file at its beginning.

    Raises:
        UnsafeArchive: it is longer than `most_bytes`.
    """
    first, length = span or (0, None)
    data, file = store.read(key, first, first + min(CHUNK_BYTES, CHUNK_BYTES if length is None else length), version)
    end = file.size_bytes if length is None else first + length
    if end - first > most_bytes:
        raise UnsafeArchive(f"{escaped(key)} has {end - first} bytes, the limit is {most_bytes}.")
    small = end - first <= _IN_MEMORY_BYTES
    copy = io.BytesIO() if small else cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
    try:
        copy.write(data)
        for start in range(first + len(data), end, CHUNK_BYTES):
            copy.write(store.read(key, start, min(end, start + CHUNK_BYTES), file.version)[0])
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy
