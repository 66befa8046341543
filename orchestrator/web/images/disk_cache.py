"""Pictures that were made once, as files, in a bounded folder that several servers may share."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from workers.config import TEMPORARY_PREFIX

KEPT_SHARE = 0.8  # of the bound is left when the oldest are removed
LOOKS_SHARE = 0.05  # of the bound is written before the folder is looked through again


class DiskCache:
    """Files by name, at most about `max_bytes` of them; those that were used longest ago go first.

    What a full or read-only disk does not take is made again: no answer fails for it.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._written = max_bytes  # so that the first file written looks through what others left

    def get(self, name: str) -> bytes | None:
        """Return the content of a file, None where it is not kept."""
        path = self._path(name)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return content

    def put(self, name: str, content: bytes) -> None:
        """Keep a file, whole or not at all."""
        path = self._path(name)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(beside).replace(path)
        with self._lock:
            self._written += len(content)
            if self._written < LOOKS_SHARE * self._max_bytes:
                return
            self._written = 0
        self._remove_oldest()

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _remove_oldest(self) -> None:
        found = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # another server removed it
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._max_bytes:
            return
        for _, size, path in sorted(found, key=lambda one: one[0]):
            with suppress(OSError):
                path.unlink()
            total -= size
            if total <= KEPT_SHARE * self._max_bytes:
                return
