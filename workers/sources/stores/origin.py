"""The file of a store that holds a page, perhaps with others: read once, here and there, or again and again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from workers.errors import NotNow, UnreadableInput, UnsafeMember
from workers.sources.address import PageAddress
from workers.sources.escape import escaped
from workers.sources.stores.cache import machine_cache
from workers.sources.stores.location import Location
from workers.sources.stores.ranges import RangeFile, as_file, fetched
from workers.sources.stores.store import Store, open_store

MISSING_SECONDS = 60.0
IN_ZIP = "crc32:"  # how a version begins that is a ZIP's own checksum of a member


def pinned(address: PageAddress) -> str:
    """Return the version that the file itself must have; of a ZIP any, since its members have their own checksums."""
    return "" if address.version.startswith(IN_ZIP) else address.version


def key_of(root: Location, member: str) -> str:
    """Return the key of a file of a volume; `member` is empty or the volume's own name when the volume is that file.

    Raises:
        UnsafeMember: it leads out of the volume.
    """
    if ".." in member.split("/") or member.startswith("/"):
        raise UnsafeMember(f"{escaped(member)} leads out of the volume {escaped(root.shown)}; it was not opened.")
    if root.is_file:
        return f"{root.path}?{root.query}" if root.query else root.path
    return f"{root.path}{member}"


@dataclass(frozen=True, slots=True)
class StoredOrigin:
    """A file of the volume at `root`; as `workers.sources.opening.Origin`."""

    root: Location
    member: str
    version: str
    most_bytes: int

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it from others."""
        return os.getpid(), self.root, self.member, self.version

    @property
    def name(self) -> str:
        """What people call it."""
        return escaped(self.member or self.root.name)

    @property
    def _key(self) -> str:
        return key_of(self.root, self.member)

    @property
    def _store(self) -> Store:
        try:
            return open_store(self.root)
        except UnreadableInput as error:  # this machine lacks something: another worker, or this one later, may have it
            raise NotNow(str(error), MISSING_SECONDS) from error

    def open(self) -> BinaryIO:
        """Open it to read some of it, here and there."""
        return as_file(RangeFile(self._store, self._key, self.version))

    def open_all(self) -> BinaryIO:
        """Open it to read all of it, once."""
        return fetched(self._store, self._key, self.version, self.most_bytes)

    def open_span(self, span: tuple[int, int]) -> BinaryIO:
        """Open a part of it: offset and length."""
        return fetched(self._store, self._key, self.version, self.most_bytes, span)

    def open_often(self) -> BinaryIO:
        """Open it to read it again and again; it is kept on this machine."""
        if not self.version:
            return self.open_all()  # nothing tells these bytes from later ones
        return self.kept(self.version, self.open_all)

    def kept(self, what: str, fetch: Callable[[], BinaryIO]) -> BinaryIO:
        """Open what this machine keeps of it under the name `what`, which tells its version; fetched if need be."""
        return machine_cache().open(f"{self.root} {self._key} {what}", fetch)
