"""From the members of an address to an open file, inside the volume and nowhere else.

Open archives, and files that were unpacked because they hold several pages, stay open in this process for the next
page, which mostly comes from the same one.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from workers.errors import ChangedSource, MissingSource, UnreadableImage, UnsafeMember
from workers.hashing import sha256_of
from workers.sources.address import PageAddress
from workers.sources.archive import Archive
from workers.sources.escape import escaped
from workers.sources.limits import Limits
from workers.sources.sniffing import ARCHIVES, COMPRESSED_TARS, Kind, kind_of
from workers.sources.stores.location import Location
from workers.sources.stores.origin import StoredOrigin, pinned
from workers.sources.tar_archive import TarArchive
from workers.sources.zip_archive import ZipArchive


def resolve_inside(root: Path, member: str) -> Path:
    """Return the file that `member` names in the volume at `root`; `root` itself when the volume is a file.

    Raises:
        UnsafeMember: it leads out of the volume.
        FileNotFoundError: it is not there.
        UnreadableImage: it is not an ordinary file.
    """
    base = Path(os.path.realpath(root, strict=True))
    if not base.is_dir():
        return _ordinary(base, escaped(member or root.name))
    if member.startswith("/") or ".." in member.split("/"):
        raise UnsafeMember(f"{escaped(member)} leads out of the volume {escaped(str(root))}; it was not opened.")
    path = Path(os.path.realpath(base / member, strict=True))
    if not path.is_relative_to(base):
        where = escaped(str(root))
        raise UnsafeMember(f"{escaped(member)} is a link out of the volume {where}; put the file itself there.")
    return _ordinary(path, escaped(member))


def _ordinary(path: Path, name: str) -> Path:
    if not path.is_file():
        raise UnreadableImage(f"{name} is not an ordinary file; remove it from the volume.")
    return path


def open_archive(file: BinaryIO, kind: Kind, name: str, limits: Limits, zip_encoding: str | None = None) -> Archive:
    """Return the archive in `file`, which the caller closes.

    Raises:
        PageError: it is broken or over a limit.
    """
    if kind == "zip":
        return ZipArchive(file, name, limits, zip_encoding)
    return TarArchive(file, name, kind, limits)


class Origin(Protocol):
    """The file on a disk or in a store that holds a page, perhaps with others."""

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it from a later one of the same name, and this process from its fork."""

    @property
    def name(self) -> str:
        """What people call it."""

    def open(self) -> BinaryIO:
        """Open it to read some of it, here and there."""

    def open_all(self) -> BinaryIO:
        """Open it to read all of it, once."""

    def open_often(self) -> BinaryIO:
        """Open it to read it again and again."""


@dataclass(frozen=True, slots=True)
class _OnDisk:
    path: Path

    @property
    def identity(self) -> tuple[object, ...]:
        status = self.path.stat()
        return os.getpid(), str(self.path), status.st_ino, status.st_size, status.st_mtime_ns

    @property
    def name(self) -> str:
        return escaped(self.path.name)

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    open_all = open_often = open


def _origin(root: Path | Location, address: PageAddress, limits: Limits) -> Origin:
    if isinstance(root, Path):
        return _OnDisk(resolve_inside(root, address.members[0]))
    return StoredOrigin(root, address.members[0], pinned(address), limits.max_unpacked_bytes)


class OpenFiles:
    """The few archives and unpacked files that were used last, still open in this process.

    With `keep`, what comes from a store is kept on this machine's disk: for who looks at a page more than once.
    """

    def __init__(self, capacity: int = 4, keep: bool = False) -> None:
        self._keep = keep
        self._archives: _LastUsed[_OpenArchive] = _LastUsed(capacity)
        self._unpacked: _LastUsed[BinaryIO] = _LastUsed(capacity)
        self._hashes: WeakKeyDictionary[BinaryIO, str] = WeakKeyDictionary()

    @contextmanager
    def open(self, root: Path | Location, address: PageAddress, limits: Limits) -> Iterator[BinaryIO]:
        """Open the file that holds the page; at its beginning, seekable.

        Raises:
            OSError: the system failed.
            PageError: it is not there, refused or broken.
        """
        origin = _origin(root, address, limits)
        if address.frame is not None and (len(address.members) > 1 or not isinstance(root, Path)):
            key = (*origin.identity, address.file, limits)
            unpacked = self._unpacked.get(key, lambda: self._file(origin, address.file, limits, often=True))
            unpacked.seek(0)
            yield unpacked
        else:
            with self._once_or_kept(origin, address, limits) as file:
                yield file

    def _once_or_kept(self, origin: Origin, address: PageAddress, limits: Limits) -> BinaryIO:
        if self._keep and address.version and isinstance(origin, StoredOrigin):
            return origin.kept(address.to_json(), lambda: self._file(origin, address, limits))
        return self._file(origin, address, limits)

    def _file(self, origin: Origin, file: PageAddress, limits: Limits, often: bool = False) -> BinaryIO:
        """Open the file that an address names, unpacked where it is in an archive."""
        if len(file.members) == 1:
            return origin.open_often() if often else origin.open_all()
        if file.span and isinstance(origin, StoredOrigin):
            return origin.open_span(file.span)
        return self._extract(origin, file, limits)

    def _extract(self, origin: Origin, file: PageAddress, limits: Limits) -> BinaryIO:
        outer, key = file.archive, (*origin.identity, file.archive, limits)
        for is_kept in (key in self._archives, False):
            try:
                archive = self._archives.get(key, lambda: self._open(origin, outer, limits)).archive
                _check_unchanged(archive, file)
                return archive.extract(file.members[-1])
            except KeyError as error:
                raise MissingSource(f"{file.name} is no longer there; ingest the volume again.") from error
            except ChangedSource:
                self._archives.drop(key)
                if not is_kept:
                    raise
        raise AssertionError("unreachable")

    def _open(self, origin: Origin, packed: PageAddress, limits: Limits) -> _OpenArchive:
        name = packed.name or origin.name
        file = origin.open() if len(packed.members) == 1 else self._extract(origin, packed, limits)
        try:
            kind = kind_of(file)
            if kind not in ARCHIVES:
                raise UnreadableImage(f"{name} is no longer an archive; ingest the volume again.")
            if len(packed.members) == 1 and kind in COMPRESSED_TARS:  # has no random access
                file.close()
                file = origin.open_often()
            return _OpenArchive(file, open_archive(file, kind, name, limits, packed.zip_encoding))
        except BaseException:
            file.close()
            raise

    def sha256(self, file: BinaryIO) -> str:
        """Return the SHA-256 of an open file of ours; once for one that stays open."""
        if file not in self._hashes:
            self._hashes[file] = sha256_of(file)
        return self._hashes[file]

    def close(self) -> None:
        """Close everything."""
        self._archives.close()
        self._unpacked.close()


def _check_unchanged(archive: Archive, file: PageAddress) -> None:
    """Check that a member of an archive in a store has the checksum that it had at ingest."""
    if file.version and isinstance(archive, ZipArchive) and archive.checksum(file.members[-1]) != file.version:
        raise ChangedSource(f"{file.name} has changed since it was ingested; ingest the volume again.")


@dataclass(frozen=True, slots=True)
class _OpenArchive:
    file: BinaryIO
    archive: Archive

    def close(self) -> None:
        self.archive.close()
        self.file.close()


class _Closable(Protocol):
    def close(self) -> object: ...


_Kept = TypeVar("_Kept", bound=_Closable)


class _LastUsed(Generic[_Kept]):
    """Keeps the few things that were used last open, and closes the others."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[object, _Kept] = OrderedDict()

    def get(self, key: object, open_it: Callable[[], _Kept]) -> _Kept:
        if key not in self._kept:
            self._kept[key] = open_it()
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)[1].close()
        self._kept.move_to_end(key)
        return self._kept[key]

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def drop(self, key: object) -> None:
        if key in self._kept:
            self._kept.pop(key).close()

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()
