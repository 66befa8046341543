"""A ZIP as a source of pages: random access, limits read from its directory, nothing ever written by its names."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO

from workers.errors import EncryptedSource, PageError, UnreadableImage, UnsafeArchive, UnsafeMember
from workers.sources.archive import Member, check_size, copied, unsafe_name
from workers.sources.bounded import bounded
from workers.sources.escape import escaped
from workers.sources.limits import Limits
from workers.sources.reasons import is_of_the_system, reason
from workers.sources.stores.ranges import expect
from workers.sources.zip_names import document_kind, is_guessed, member_name

_ENCRYPTED = 0x1
_FAULTS = (
    zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error, lzma.LZMAError, RuntimeError,
    LookupError, OverflowError, struct.error, OSError,
)  # fmt: skip


class ZipArchive:
    """The members of a ZIP file; the caller closes `file`.

    `encoding` is that of names of which the archive tells none.

    Raises:
        UnreadableImage: its directory is broken.
        UnsafeArchive: it has too many members, or unpacks to far more than it is.
    """

    def __init__(self, file: BinaryIO, name: str, limits: Limits, encoding: str | None = None) -> None:
        self._file, self._name, self._limits, self._encoding = file, name, limits, encoding
        try:
            self._zip = zipfile.ZipFile(bounded(file))
        except _FAULTS as error:
            if is_of_the_system(error):
                raise
            raise UnreadableImage(f"{name} is a broken ZIP archive ({_reason(error)}); copy it again.") from error
        self._check_totals()
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            self._infos.setdefault(member_name(info, encoding), info)
        self._starts = sorted(info.header_offset for info in self._zip.infolist())
        for info in self._zip.infolist():  # by the plain name, too: pages of earlier ingests are called so
            self._infos.setdefault(info.filename, info)

    def _check_totals(self) -> None:
        infos = self._zip.infolist()
        if len(infos) > self._limits.max_members:
            raise UnsafeArchive(f"{self._name} has {len(infos)} members, the limit is {self._limits.max_members}.")
        size = self._file.seek(0, 2)
        unpacked = sum(info.file_size for info in infos)
        if self._limits.is_bomb(unpacked, size):
            raise UnsafeArchive(f"{self._name} would unpack {size} bytes to {unpacked}: a bomb; it was not unpacked.")

    @property
    def document_kind(self) -> str:
        """What it is when it is no archive of pages, else empty."""
        return document_kind(self._zip.namelist(), self._name)

    @property
    def note(self) -> str:
        """A sentence on names that may be read wrongly, else empty."""
        if self._encoding or not any(is_guessed(info) for info in self._zip.infolist()):
            return ""
        remedy = "if they look wrong, give the encoding, e.g. --zip-encoding cp932 (Japanese)"
        return f"{self._name} does not tell the encoding of its names, which are read as cp437; {remedy}."

    def members(self) -> Iterator[Member]:
        """Yield every file in the order of the archive."""
        for info in self._zip.infolist():
            if not info.filename.endswith("/"):  # is_dir() fails on an empty name
                name = member_name(info, self._encoding)
                yield Member(name, info.file_size, self._refusal(info, name))

    def _refusal(self, info: zipfile.ZipInfo, name: str) -> PageError | None:
        where = f"{escaped(name)} in {self._name}"
        if unsafe_name(name):
            return UnsafeMember(f"{where} has a name that leads out of the archive; it was not unpacked.")
        if stat.S_ISLNK(info.external_attr >> 16):
            return UnsafeMember(f"{where} is a link; pack the file itself.")
        if info.flag_bits & _ENCRYPTED:
            return EncryptedSource(f"{where} needs a password; unpack the archive first.")
        return check_size(where, info.file_size, info.compress_size, self._limits)

    def extract(self, member: str) -> BinaryIO:
        """Return the bytes of a member as a file at its beginning; the caller closes it.

        Raises:
            KeyError: there is no such member.
            PageError: the member is refused, or broken.
        """
        info = self._infos[member]
        if refusal := self._refusal(info, member):
            raise refusal
        try:
            expect(self._file, info.header_offset, self._end_of(info))
            with self._zip.open(info) as stream:
                return copied(stream, info.file_size)
        except _FAULTS as error:
            if is_of_the_system(error):
                raise
            raise UnreadableImage(
                f"{escaped(member)} in {self._name} cannot be unpacked ({_reason(error)}); pack it again."
            ) from error

    def _end_of(self, info: zipfile.ZipInfo) -> int:
        """Return where the bytes of a member end at the latest: what follows is another, or the directory."""
        later = bisect_right(self._starts, info.header_offset)
        return self._starts[later] if later < len(self._starts) else self._zip.start_dir

    def checksum(self, member: str) -> str:
        """Return the CRC-32 and length of a member, as the directory has them; KeyError when it is not there."""
        info = self._infos[member]
        return f"crc32:{info.CRC:08x}-{info.file_size}"

    def close(self) -> None:
        """Close the archive, not its file."""
        self._zip.close()


def _reason(error: Exception) -> str:
    return reason(error, zipfile.BadZipFile)
