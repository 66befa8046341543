"""What a store can do: list, tell of a file, and give ranges of its bytes. Errors are ours, whatever the store is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from workers.sources.stores.location import Location


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a store: its whole key, and what tells its bytes from later ones.

    `version` is the store's ETag; of a web server that gives none its `Last-Modified`; empty where nothing is known.
    """

    key: str
    size_bytes: int
    modified_ns: int = 0
    version: str = ""


class Store(Protocol):
    """Reads one bucket, or one web server. Keys are whole, whatever prefix a volume has.

    All methods raise NotNow when the store does not answer, MissingSource when there is no such file, and
    UnreadableImage when it may not be read.
    """

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """Yield the files whose keys lie below `prefix`, in any order."""

    def read(self, key: str, start: int, end: int | None, version: str) -> tuple[bytes, StoredFile]:
        """Return the bytes from `start` to before `end` (None: all that follow), and the file as it is.

        Args:
            key: of the file.
            start: first byte; of an empty file nothing is returned.
            end: where to stop; a file may be shorter.
            version: that of the file as it is known; empty takes what is there.

        Raises:
            ChangedSource: the file has another version.
        """


def open_store(location: Location) -> Store:
    """Return the store of a location, kept open in this process (and not in one that is forked from it)."""
    return _opened(location.at(""), os.getpid())


@lru_cache(maxsize=8)
def _opened(location: Location, _process: int) -> Store:
    if location.is_web:
        from workers.sources.stores.web_store import WebStore

        return WebStore(location)
    from workers.sources.stores.object_store import ObjectStore

    return ObjectStore(location)
