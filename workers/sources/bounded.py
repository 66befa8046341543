"""A file that is never asked for more than it holds: a broken length costs no memory."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast


class _BoundedFile:
    """Python reserves memory for as much as is asked for, before it reads; here only for what there is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size_bytes = file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size_bytes - self._file.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def bounded(file: BinaryIO) -> BinaryIO:
    """Return `file`, put back to its beginning, so that reading it takes no more memory than it has bytes."""
    return cast(BinaryIO, _BoundedFile(file))
