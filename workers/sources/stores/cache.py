"""Files of stores that are read more than once, kept on this machine's disk: PDFs page by page, scans that are shown.

What was not used for longest goes first. All processes of a machine share it; each file is fetched once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from workers.config import TEMPORARY_PREFIX, Settings

_SUFFIX = ".bytes"
_COPY_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Cache:
    """Files below `folder`, at most `most_bytes` of them beside the one that came last."""

    folder: Path
    most_bytes: int

    def open(self, key: str, fetch: Callable[[], BinaryIO]) -> BinaryIO:
        """Return the file that is kept under `key`, fetched if it is not there; not kept where the disk takes nothing.

        Args:
            key: what tells these bytes from all others.
            fetch: returns them as a file.
        """
        path = self.folder / f"{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()}{_SUFFIX}"
        if (kept := _opened(path)) is not None:
            return kept
        try:
            return self._fetched(path, fetch)
        except OSError:  # full, read-only, or nobody's home: the page is read all the same
            return fetch()

    def _fetched(self, path: Path, fetch: Callable[[], BinaryIO]) -> BinaryIO:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone(path):
            if (kept := _opened(path)) is not None:  # another process was faster
                return kept
            with fetch() as source, tempfile.NamedTemporaryFile(dir=self.folder, prefix=TEMPORARY_PREFIX) as copy:
                shutil.copyfileobj(source, copy, _COPY_BYTES)
                copy.flush()
                path.hardlink_to(copy.name)
                kept = path.open("rb")
        self._make_room(path)
        return kept

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        # 64 locks for all files: two that wait for each other's fetch without need are rare
        with (self.folder / f".lock-{int(path.name[:2], 16) % 64}").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_room(self, newest: Path) -> None:
        files = sorted(self._files(), key=lambda one: one[1])
        total = sum(size for _, _, size in files)
        for path, _, size in files:
            if total <= self.most_bytes:
                return
            if path != newest:
                path.unlink(missing_ok=True)  # who has it open reads on
                total -= size

    def _files(self) -> Iterator[tuple[Path, float, int]]:
        for path in self.folder.glob(f"*{_SUFFIX}"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield path, status.st_mtime, status.st_size

    def size(self) -> tuple[int, int]:
        """Return how many files are kept, and how many bytes they have."""
        sizes = [size for _, _, size in self._files()]
        return len(sizes), sum(sizes)

    def empty(self) -> tuple[int, int]:
        """Remove all files; returns how many there were, and their bytes."""
        before = self.size()
        for path, _, _ in list(self._files()):
            path.unlink(missing_ok=True)
        return before


def _opened(path: Path) -> BinaryIO | None:
    try:
        file = path.open("rb")
    except OSError:
        return None
    with suppress(OSError):
        os.utime(file.fileno())  # it was used now; by its handle, since its name may be gone
    return file


@lru_cache(maxsize=1)
def machine_cache() -> Cache:
    """Return the cache of this machine, as the settings say."""
    settings = Settings.from_env()
    folder = Path(settings.cache_folder) if settings.cache_folder else _home() / ".cache" / "broadsheet"
    return Cache(folder, settings.cache_mib * 1024**2)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without one
        return Path("/nonexistent")
