"""Hashes that are known from earlier ingests: an unchanged file is not read again."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from models import Page

# Pages are asked for much in the order in which they were found before, so those that follow are read with each.
AHEAD = 2_000
_MOST_KEPT = 100_000

_File = tuple[str, int, int]  # name, size, modification time


@dataclass(slots=True)
class KnownHashes:
    """Looks hashes of one volume up, a stretch of the volume with one question, on a connection of its own."""

    connection: Connection
    volume_id: int
    _kept: dict[_File, str] = field(default_factory=dict)
    _is_new: bool | None = None

    def look_up(self, name: str, size_bytes: int, modified_ns: int) -> str | None:
        """Return the SHA-256 of a file of this name, size and modification time; None if there was none."""
        file = (name, size_bytes, modified_ns)
        if file not in self._kept:
            try:
                self._read_on(file)
            finally:
                self.connection.rollback()  # between two questions nothing is held, and a lost connection is renewed
        return self._kept.get(file)

    def _read_on(self, file: _File) -> None:
        """Keep the hash of a file that is known, and those of the pages behind it."""
        if self._is_new is None:
            some = select(Page.page_id).where(Page.volume_id == self.volume_id).limit(1)
            self._is_new = self.connection.execute(some).first() is None
        if self._is_new:
            return
        name, size_bytes, modified_ns = file
        this = (Page.name == name, Page.size_bytes == size_bytes, Page.modified_ns == modified_ns)
        found = self.connection.execute(
            select(Page.page_number, Page.sha256).where(Page.volume_id == self.volume_id, *this)
        ).first()
        if found is None:
            return
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        rows = self.connection.execute(
            select(Page.name, Page.size_bytes, Page.modified_ns, Page.sha256).where(
                Page.volume_id == self.volume_id,
                Page.page_number.between(found.page_number, found.page_number + AHEAD),
            )
        )
        self._kept |= {(row.name, row.size_bytes, row.modified_ns): row.sha256 for row in rows}
        self._kept[file] = found.sha256
