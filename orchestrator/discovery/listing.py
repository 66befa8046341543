"""What stores list, brought into natural order on the disk: a million keys take little memory."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from orchestrator.discovery.natural_order import natural_bytes
from workers.config import TEMPORARY_PREFIX
from workers.sources.stores.store import StoredFile

_BLOCK = 5_000
_TABLE = "CREATE TABLE file (root TEXT, place BLOB, key TEXT, size INTEGER, modified INTEGER, version TEXT)"
_ORDERED = "SELECT key, size, modified, version FROM file WHERE root = ? ORDER BY place"


class Listing:
    """Files of stores in a temporary file, which goes with this object; for one thread."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix=TEMPORARY_PREFIX)
        self._listed = sqlite3.connect(Path(folder) / "listing", isolation_level=None)
        self.close = weakref.finalize(self, _remove, self._listed, folder)
        self._listed.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;")
        self._listed.execute(_TABLE)

    def add(self, files: Iterable[tuple[str, StoredFile]]) -> None:
        """Take files, each with the root that it belongs to."""
        rows = (
            (root, natural_bytes(file.key), file.key, file.size_bytes, file.modified_ns, file.version)
            for root, file in files
        )
        self._listed.execute("BEGIN")
        while block := list(islice(rows, _BLOCK)):
            self._listed.executemany("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)", block)
        self._listed.execute("COMMIT")

    def roots(self) -> list[str]:
        """Return the roots that have files."""
        return [root for (root,) in self._listed.execute("SELECT DISTINCT root FROM file ORDER BY root")]

    def in_order(self, root: str = "") -> Iterator[StoredFile]:
        """Yield the files of a root as folders are walked."""
        for row in self._listed.execute(_ORDERED, (root,)):
            yield StoredFile(*row)


def _remove(listed: sqlite3.Connection, folder: str) -> None:
    listed.close()
    shutil.rmtree(folder, ignore_errors=True)
