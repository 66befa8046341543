"""What ZIP and TAR have in common: members with their size, and the reasons for which one is refused."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, Protocol, cast

from workers.errors import PageError, UnsafeArchive
from workers.sources.limits import Limits

_IN_MEMORY_BYTES = 64 * 1024**2
_CHUNK_BYTES = 1024**2
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")  # "a:1.png" is a name


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; `refusal` says why it is not unpacked."""

    name: str
    size_bytes: int
    refusal: PageError | None = None


class Archive(Protocol):
    """An open archive. Reading members in the order of `members` reads the file once, from front to end.

    Of members with the same name the first is the one that is read.
    """

    @property
    def document_kind(self) -> str:
        """What it is when it is no archive of pages, else empty."""

    @property
    def note(self) -> str:
        """A sentence for the user on what cannot be known about it, else empty."""

    def members(self) -> Iterator[Member]:
        """Yield the files of the archive in its own order."""

    def extract(self, member: str) -> BinaryIO:
        """Return the bytes of a member as a file at its beginning; KeyError when it is not there."""

    def close(self) -> None:
        """Close the archive and its file."""


def unsafe_name(name: str) -> bool:
    """Return whether a member's name is absolute or climbs out of the archive, on any system."""
    climbs = ".." in name.replace("\\", "/").split("/")
    return not name or name.startswith("/") or climbs or _DRIVE.match(name) is not None


def check_size(where: str, size_bytes: int, packed_bytes: int, limits: Limits) -> PageError | None:
    """Return why a member of this size is not unpacked, None when it is within the limits."""
    if size_bytes > limits.max_unpacked_bytes:
        return UnsafeArchive(f"{where} is {size_bytes} bytes unpacked, the limit is {limits.max_unpacked_bytes}.")
    if limits.is_bomb(size_bytes, packed_bytes):
        return UnsafeArchive(f"{where} would unpack {packed_bytes} bytes to {size_bytes}: a bomb; it was not unpacked.")
    return None


def copied(stream: IO[bytes], size_bytes: int) -> BinaryIO:
    """Return a seekable copy of `size_bytes` of `stream`, in memory or, when large, in an unnamed temporary file.

    Raises:
        EOFError: the stream ends before.
    """
    small = size_bytes <= _IN_MEMORY_BYTES
    copy = io.BytesIO() if small else cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
    left = size_bytes
    try:
        while left and (chunk := stream.read(min(left, _CHUNK_BYTES))):
            copy.write(chunk)
            left -= len(chunk)
        if left:
            raise EOFError("the archive ends in the middle of it")
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy
