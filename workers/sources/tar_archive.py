"""A TAR as a source of pages, plain or compressed, read forward.

A compressed TAR has no index and no random access. Its members are read in one pass from front to end and an index
is kept; only when a member is wanted that lies behind is the whole TAR unpacked once, to an unnamed temporary file.
So reading all members costs one pass in order, two in any other order, and never one pass for each member.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from workers.errors import PageError, UnreadableImage, UnsafeArchive, UnsafeMember
from workers.sources.archive import Member, check_size, copied, unsafe_name
from workers.sources.escape import escaped
from workers.sources.limits import Limits
from workers.sources.reasons import is_of_the_system, reason
from workers.sources.sniffing import Kind, decompressed

_CHUNK_BYTES = 1024**2
_MAX_HEADER_BYTES = 16 * 1024**2
_FOOTER_BYTES, _XZ_FOOTER, _BZIP2_FOOTER = 1024, b"YZ", 0x177245385090
_FAULTS = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, LookupError)


class TarArchive:
    """The members of a TAR; the caller closes `file`.

    Raises:
        UnreadableImage: it is broken at its beginning.
    """

    document_kind = note = ""  # a TAR is never a document, and its names are bytes

    def __init__(self, file: BinaryIO, name: str, kind: Kind, limits: Limits) -> None:
        self._name, self._limits, self._kind = name, limits, kind
        self._size = file.seek(0, io.SEEK_END)
        self._stream = _Forward(file, kind, name, limits)
        self._index: dict[str, tuple[int, Member]] = {}
        self._count = 0
        try:
            self._tar = tarfile.TarFile(fileobj=cast(BinaryIO, self._stream))
        except _FAULTS as error:
            if is_of_the_system(error):
                raise
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> UnreadableImage:
        return UnreadableImage(f"{self._name} is a broken TAR archive ({_reason(error)}); copy it again.")

    def members(self) -> Iterator[Member]:
        """Yield every file in the order of the archive, as far as it can be read.

        Raises:
            UnreadableImage: the archive is broken from here on.
            UnsafeArchive: it has too many members, or unpacks to far more than it is.
        """
        yield from [member for _, member in self._index.values()]
        while member := self._next():
            yield member

    def _next(self) -> Member | None:
        """Read headers up to the next file; None at the end."""
        try:
            while info := self._tar.next() or self._first_of_next_archive():
                self._tar.members.clear()  # type: ignore[attr-defined]  # a million headers are not kept
                self._count += 1
                if self._count > self._limits.max_members:
                    raise UnsafeArchive(f"{self._name} has more than {self._limits.max_members} members.")
                if not info.isdir():
                    return self._remember(info)
        except _FAULTS as error:
            if is_of_the_system(error):
                raise
            raise self._broken(error) from error
        return None

    def _first_of_next_archive(self) -> tarfile.TarInfo | None:
        """Return the first header after the end of a TAR: `cat a.tar b.tar` makes one of two. None at the end of all.

        Raises:
            tarfile.ReadError: what follows is no TAR, or the header that ended this one is broken.
        """
        position = self._tar.offset
        self._stream.seek(position)
        while block := self._stream.read(tarfile.BLOCKSIZE):
            if any(block):
                self._stream.seek(position)
                self._tar = tarfile.TarFile(fileobj=cast(BinaryIO, self._stream))
                if info := self._tar.next():
                    return info
                raise tarfile.ReadError("after its end comes something that is no TAR")
            position += len(block)
        if self._stream.has_tail:
            raise tarfile.ReadError("after its end comes something that is no TAR")
        return None

    def _remember(self, info: tarfile.TarInfo) -> Member:
        member = Member(info.name, info.size, self._refusal(info))
        if info.name not in self._index:
            self._index[info.name] = (info.offset_data, member)
        return member

    def _refusal(self, info: tarfile.TarInfo) -> PageError | None:
        where = f"{escaped(info.name)} in {self._name}"
        if unsafe_name(info.name):
            return UnsafeMember(f"{where} has a name that leads out of the archive; it was not unpacked.")
        if info.issym() or info.islnk():
            return UnsafeMember(f"{where} is a link; pack the file itself.")
        if not info.isreg() or info.issparse():
            return UnreadableImage(f"{where} is not an ordinary file; pack it as one.")
        return check_size(where, info.size, self._size, self._limits)

    def extract(self, member: str) -> BinaryIO:
        """Return the bytes of a member as a file at its beginning; the caller closes it.

        Raises:
            KeyError: there is no such member.
            PageError: the member is refused, or broken.
        """
        while member not in self._index:
            if self._next() is None:
                raise KeyError(member)
        offset, found = self._index[member]
        if found.refusal:
            raise found.refusal
        try:
            self._stream.seek(offset)
            return copied(cast(BinaryIO, self._stream), found.size_bytes)
        except _FAULTS as error:
            if is_of_the_system(error):
                raise
            raise UnreadableImage(
                f"{escaped(member)} in {self._name} cannot be unpacked ({_reason(error)}); pack it again."
            ) from error

    def span(self, member: str) -> tuple[int, int] | None:
        """Return where in the file a member lies that was seen: offset and length; None in a compressed TAR."""
        offset, found = self._index[member]
        return (offset, found.size_bytes) if self._kind == "tar" else None

    def close(self) -> None:
        """Close the archive and what was unpacked of it, not its file."""
        self._stream.close()


class _Forward:
    """A stream that is cheap to read forward; the first step back unpacks it to a temporary file.

    It stops at a bomb, and at headers of a size that no TAR has.
    """

    def __init__(self, file: BinaryIO, kind: Kind, name: str, limits: Limits) -> None:
        self._file, self._name, self._limits = file, name, limits
        self._packed_bytes = file.seek(0, io.SEEK_END)
        file.seek(0)
        self._stream = decompressed(file, kind)
        self._compressed = kind != "tar"
        self._kind = kind
        self._position = 0
        self._last = self._again = b""  # what was read last, and what of it is to be read once more

    @property
    def has_tail(self) -> bool:
        """Whether something follows the compressed stream: Python passes over it without a word, but for gzip."""
        return has_tail(self._file, self._kind)

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        data, self._again = self._again[:size], self._again[size:]
        if len(data) < size:
            fresh = self._stream.read(min(size - len(data), _MAX_HEADER_BYTES))
            self._last = fresh[-tarfile.BLOCKSIZE :]
            data += fresh
        if len(data) < size and size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError("a header of impossible size")
        self._advance(len(data))
        return data

    def seek(self, position: int) -> int:
        back = self._position - position
        if self._compressed and 0 < back <= len(self._last) and not self._again:
            self._again, self._position = self._last[-back:], position
        elif self._compressed and back > 0:
            self._unpack()
        if self._compressed:
            while self._position < position and self.read(min(_CHUNK_BYTES, position - self._position)):
                pass
        else:
            self._position = self._stream.seek(position)
        return self._position

    def close(self) -> None:
        if self._stream is not self._file:
            self._stream.close()

    def _advance(self, count: int) -> None:
        self._position += count
        if self._compressed and self._limits.is_bomb(self._position, self._packed_bytes):
            raise UnsafeArchive(f"{self._name} unpacks to more than {self._position} bytes: a bomb; it was left there.")

    def _unpack(self) -> None:
        self._stream.seek(0)
        self._position = 0
        self._again = b""
        unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the archive
        try:
            while chunk := self.read(_CHUNK_BYTES):
                unpacked.write(chunk)
        except BaseException:
            unpacked.close()
            raise
        self._stream.close()
        self._stream, self._compressed = cast(BinaryIO, unpacked), False


def has_tail(file: BinaryIO, kind: Kind) -> bool:
    """Return whether a bzip2 or xz file goes on after its last stream with anything but zeros."""
    place = file.tell()
    file.seek(max(0, file.seek(0, io.SEEK_END) - _FOOTER_BYTES))
    end = file.read().rstrip(b"\0")
    file.seek(place)
    if kind == "tar.xz":
        return not end.endswith(_XZ_FOOTER)
    return kind == "tar.bz2" and not any(_ends_as_bzip2(end + bytes(zeros)) for zeros in range(6))


def _ends_as_bzip2(end: bytes) -> bool:
    """Return whether bytes end with the mark of the end, a CRC of 32 bits, and up to 7 bits that fill the last byte."""
    number = int.from_bytes(end[-11:])
    return any(number >> 32 + filling & (1 << 48) - 1 == _BZIP2_FOOTER for filling in range(8))


def _reason(error: Exception) -> str:
    return reason(error, tarfile.TarError)
