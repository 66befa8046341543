"""The files of the database that a command works on: they must not be opened as if they were scans.

A process that closes any handle on a SQLite file drops all locks it holds on it (POSIX locks belong to process and
file, not to the handle); others then take the database for unused and destroy it. So they are told by their inodes,
before they are opened, whatever they are called.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Files at these paths are ours; some come and go while we look."""

    paths: tuple[str, ...] = ()

    def hold(self, status: os.stat_result) -> bool:
        """Return whether this is one of them, under whatever name it was found."""
        return any(own and os.path.samestat(status, own) for own in map(_status, self.paths))


NO_FILES = OwnFiles()


def _status(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None
