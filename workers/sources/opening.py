"""From the members of an address to an open file, inside the volume and nowhere else.

Open archives, and files that were unpacked because they hold several pages, stay open in this process for the next
page, which mostly comes from the same one.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from workers.errors import MissingSource, UnreadableImage, UnsafeArchive
from workers.sources.address import PageAddress, printable
from workers.sources.archive import Archive, unsafe_name
from workers.sources.limits import Limits
from workers.sources.sniffing import ARCHIVES, Kind, kind_of
from workers.sources.tar_archive import TarArchive
from workers.sources.zip_archive import ZipArchive

_Key = tuple[object, ...]


def resolve_inside(root: Path, member: str) -> Path:
    """Return the file that `member` names in the volume at `root`; `root` itself when the volume is a file.

    Raises:
        UnsafeArchive: it leads out of the volume.
        FileNotFoundError: it is not there.
        UnreadableImage: it is not an ordinary file.
    """
    base = os.path.realpath(root, strict=True)
    if not os.path.isdir(base):  # noqa: PTH112 - realpath's result, no Path needed
        return _ordinary(Path(base), printable(member) or root.name)
    if unsafe_name(member):
        raise UnsafeArchive(f"{printable(member)} leads out of the volume {root}; it was not opened.")
    path = Path(os.path.realpath(os.path.join(base, member), strict=True))  # noqa: PTH118 - as realpath wants it
    if not path.is_relative_to(base):
        raise UnsafeArchive(f"{printable(member)} is a link out of the volume {root}; put the file itself there.")
    return _ordinary(path, printable(member))


def _ordinary(path: Path, name: str) -> Path:
    if not path.is_file():
        raise UnreadableImage(f"{name} is not an ordinary file; remove it from the volume.")
    return path


def open_archive(file: BinaryIO, kind: Kind, name: str, limits: Limits) -> Archive:
    """Return the archive in `file`, which is closed with it, also when opening fails.

    Raises:
        PageError: it is broken or over a limit.
    """
    try:
        return ZipArchive(file, name, limits) if kind == "zip" else TarArchive(file, name, kind, limits)
    except BaseException:
        file.close()
        raise


class _Closable(Protocol):
    def close(self) -> object: ...


_Opened = TypeVar("_Opened", bound=_Closable)


class OpenFiles:
    """The few archives and unpacked files that were used last, still open in this process."""

    def __init__(self, capacity: int = 4) -> None:
        self._capacity = capacity
        self._archives: OrderedDict[_Key, Archive] = OrderedDict()
        self._unpacked: OrderedDict[_Key, BinaryIO] = OrderedDict()

    @contextmanager
    def open(self, root: Path, address: PageAddress, limits: Limits) -> Iterator[BinaryIO]:
        """Open the file that holds the page; at its beginning, seekable.

        Raises:
            OSError: the system failed.
            PageError: it is not there, refused or broken.
        """
        path = resolve_inside(root, address.members[0])
        if len(address.members) == 1:
            with path.open("rb") as file:
                yield file
            return
        key = _identity(path, limits) + address.members
        if address.frame is None:
            with self._extract(path, key, address.members, limits) as file:
                yield file
            return
        if key not in self._unpacked:
            _keep(self._unpacked, key, self._extract(path, key, address.members, limits), self._capacity)
        self._unpacked.move_to_end(key)
        self._unpacked[key].seek(0)
        yield self._unpacked[key]

    def _extract(self, path: Path, key: _Key, members: tuple[str, ...], limits: Limits) -> BinaryIO:
        archive = self._archive(path, key[:-1], members[:-1], limits)
        try:
            return archive.extract(members[-1])
        except KeyError as error:
            raise MissingSource(f"{PageAddress(members).name} is no longer there; ingest the volume again.") from error

    def _archive(self, path: Path, key: _Key, members: tuple[str, ...], limits: Limits) -> Archive:
        if key not in self._archives:
            file = path.open("rb") if len(members) == 1 else self._extract(path, key, members, limits)
            kind = kind_of(file)
            name = PageAddress(members).name or path.name
            if kind not in ARCHIVES:
                file.close()
                raise UnreadableImage(f"{name} is no longer an archive; ingest the volume again.")
            _keep(self._archives, key, open_archive(file, kind, name, limits), self._capacity)
        self._archives.move_to_end(key)
        return self._archives[key]

    def close(self) -> None:
        """Close everything."""
        for archive in self._archives.values():
            archive.close()
        for file in self._unpacked.values():
            file.close()
        self._archives.clear()
        self._unpacked.clear()


def _identity(path: Path, limits: Limits) -> _Key:
    """Return what tells this file from a later one of the same name, and this process from its fork."""
    status = path.stat()
    return os.getpid(), str(path), status.st_ino, status.st_size, status.st_mtime_ns, limits


def _keep(kept: OrderedDict[_Key, _Opened], key: _Key, opened: _Opened, capacity: int) -> None:
    kept[key] = opened
    while len(kept) > capacity:
        kept.popitem(last=False)[1].close()
