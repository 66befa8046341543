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

from workers.errors import MissingSource, UnreadableImage, UnsafeMember
from workers.sources.address import PageAddress
from workers.sources.archive import Archive
from workers.sources.escape import escaped
from workers.sources.limits import Limits
from workers.sources.sniffing import ARCHIVES, Kind, kind_of
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


class OpenFiles:
    """The few archives and unpacked files that were used last, still open in this process."""

    def __init__(self, capacity: int = 4) -> None:
        self._archives: _LastUsed[_OpenArchive] = _LastUsed(capacity)
        self._unpacked: _LastUsed[BinaryIO] = _LastUsed(capacity)

    @contextmanager
    def open(self, root: Path, address: PageAddress, limits: Limits) -> Iterator[BinaryIO]:
        """Open the file that holds the page; at its beginning, seekable.

        Raises:
            OSError: the system failed.
            PageError: it is not there, refused or broken.
        """
        path = resolve_inside(root, address.members[0])
        if len(address.members) == 1:
            with path.open("rb") as plain:
                yield plain
        elif address.frame is None:
            with self._extract(path, address, limits) as member:
                yield member
        else:
            key = _identity(path, address.file, limits)
            unpacked = self._unpacked.get(key, lambda: self._extract(path, address.file, limits))
            unpacked.seek(0)
            yield unpacked

    def _extract(self, path: Path, file: PageAddress, limits: Limits) -> BinaryIO:
        outer = file.archive
        key = _identity(path, outer, limits)
        try:
            return self._archives.get(key, lambda: self._open(path, outer, limits)).archive.extract(file.members[-1])
        except KeyError as error:
            raise MissingSource(f"{file.name} is no longer there; ingest the volume again.") from error

    def _open(self, path: Path, packed: PageAddress, limits: Limits) -> _OpenArchive:
        name = packed.name or escaped(path.name)
        file = path.open("rb") if len(packed.members) == 1 else self._extract(path, packed, limits)
        try:
            kind = kind_of(file)
            if kind not in ARCHIVES:
                raise UnreadableImage(f"{name} is no longer an archive; ingest the volume again.")
            return _OpenArchive(file, open_archive(file, kind, name, limits, packed.zip_encoding))
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        """Close everything."""
        self._archives.close()
        self._unpacked.close()


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

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()


def _identity(path: Path, file: PageAddress, limits: Limits) -> tuple[object, ...]:
    """Return what tells this file from a later one of the same name, and this process from its fork."""
    status = path.stat()
    return os.getpid(), str(path), status.st_ino, status.st_size, status.st_mtime_ns, file, limits
