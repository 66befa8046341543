"""Looks into one file, wherever it lies: archives, and the pages in them; how many pages a PDF or TIFF has."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.passed_over import (
    is_litter,
    is_named_as_scan,
    is_one_page,
    is_sidecar,
    reason_to_pass_over,
)
from orchestrator.discovery.pdf_pages import PdfPageCounter
from workers.config import TEMPORARY_PREFIX
from workers.errors import ImageTooLarge, PageError, UnreadableImage, UnsafeArchive
from workers.hashing import sha256_of
from workers.sources.address import PageAddress
from workers.sources.archive import Archive, Member
from workers.sources.limits import Limits
from workers.sources.opening import open_archive
from workers.sources.pictures import find_frames
from workers.sources.sniffing import ARCHIVES, Kind, head_of, kind_of
from workers.sources.stores.location import Location
from workers.sources.stores.ranges import is_afar
from workers.sources.tar_archive import TarArchive
from workers.sources.zip_archive import ZipArchive

MAX_ARCHIVE_DEPTH = 2

KnownHash = Callable[[str, int, int], str | None]


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is no page, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A page, not yet numbered; its fields as in `FoundPage`."""

    address: PageAddress
    sha256: str = ""
    size_bytes: int = 0
    modified_ns: int = 0
    error: PageError | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A file on the disk (`path`), in a store or in an archive, called `name` in messages.

    `version` and `span` as in `PageAddress`.
    """

    members: tuple[str, ...]
    name: str
    size_bytes: int = 0
    modified_ns: int = 0
    path: Path | None = None
    zip_encoding: str | None = None
    is_stored: bool = False
    version: str = ""
    span: tuple[int, int] | None = None

    def inside(self, member: Member, archive: Archive) -> Place:
        """Return the place of a member of this archive."""
        members = (*self.members, member.name)
        return replace(
            self, members=members, name=PageAddress(members).name, size_bytes=member.size_bytes, path=None,
            version=self._version_of(member, archive), span=self._span_of(member, archive),
        )  # fmt: skip

    def _version_of(self, member: Member, archive: Archive) -> str:
        return archive.checksum(member.name) if self.is_stored and isinstance(archive, ZipArchive) else self.version

    def _span_of(self, member: Member, archive: Archive) -> tuple[int, int] | None:
        is_outer = self.is_stored and len(self.members) == 1
        return archive.span(member.name) if is_outer and isinstance(archive, TarArchive) else None

    def page(self, sha256: str, frame: int | None = None) -> Finding:
        """Return the page in this file, or one of several."""
        packed = len(self.members) > 1
        encoding = self.zip_encoding if packed else None
        address = PageAddress(self.members, frame, encoding, self.version, self.span)
        return Finding(address, sha256, self.size_bytes, self.modified_ns)

    def refused(self, error: PageError, sha256: str = "") -> Finding:
        """Return the page that stands for a file which cannot be read."""
        # A volume that is itself an archive has no member name of its own: it goes by its file name.
        members = self.members if any(self.members) else (self.name,)
        return Finding(PageAddress(members, version=self.version), sha256, self.size_bytes, 0, error)


@dataclass(frozen=True, slots=True)
class Looker:
    """Finds the pages in files of one volume."""

    location: Path | Location
    limits: Limits
    known: KnownHash
    skipped: Callable[[SkippedFile], object]
    counter: PdfPageCounter
    zip_encoding: str | None = None
    note: Callable[[str], object] = str

    def _known(self, place: Place, frame: int | None = None) -> str | None:
        if place.is_stored:
            return None  # known by its version
        return self.known(PageAddress(place.members, frame).name, place.size_bytes, place.modified_ns)

    def look_into(self, file: BinaryIO, place: Place, depth: int = 0) -> Iterator[Finding]:
        """Yield the pages of an open file, and its fault, if any, after those that were found before it."""
        try:
            kind = kind_of(file)
            if kind not in ("text", "unknown"):
                self._check(file, place)
            if kind in ARCHIVES:
                yield from self._archive(file, kind, place, depth + 1)
            elif kind == "text" and is_named_as_scan(place.name):
                raise UnreadableImage(f"{place.name} holds text, not an image; copy it again.")
            elif kind == "text" or (kind == "unknown" and is_sidecar(place.name)):
                self.skipped(SkippedFile(place.name, "text, not an image"))
            elif kind == "unknown" and (reason := reason_to_pass_over(head_of(file), place.name)):
                self.skipped(SkippedFile(place.name, reason))
            else:
                yield from self._pages(file, kind, place)
        except PageError as error:
            yield place.refused(error, _hash(file))

    def _check(self, file: BinaryIO, place: Place) -> None:
        """Raise a `PageError` where a file is not the one that is named beside it."""

    def _pages(self, file: BinaryIO, kind: Kind, place: Place) -> Iterator[Finding]:
        if not place.size_bytes:
            raise UnreadableImage(f"{place.name} is empty; copy it again.")
        frames: tuple[int | None, ...] = (None,)
        if kind == "pdf":
            frames = tuple(range(1, self._pdf_pages(file, place) + 1))
        elif kind == "frames":
            frames = find_frames(file, place.name, self.limits) or frames
        sha256 = self._known(place, frames[0]) or _hash(file)
        for frame in frames:
            yield place.page(sha256, frame)

    def _pdf_pages(self, file: BinaryIO, place: Place) -> int:
        if is_afar(file) and isinstance(self.location, Location):
            count = self.counter.count_stored(self.location, place.members[0], place.version, place.name)
        else:
            with _on_disk(file, place) as path:
                count = self.counter.count(path, place.name)
        if count > self.limits.max_frames:
            raise ImageTooLarge(f"{place.name} has {count} pages, the limit is {self.limits.max_frames}; split it.")
        return count

    def _archive(self, file: BinaryIO, kind: Kind, place: Place, depth: int) -> Iterator[Finding]:
        with closing(open_archive(file, kind, place.name, self.limits, self.zip_encoding)) as archive:
            if archive.document_kind:
                self.skipped(SkippedFile(place.name, f"{archive.document_kind}, no archive of pages"))
                return
            if depth > MAX_ARCHIVE_DEPTH:
                raise UnsafeArchive(f"{place.name} is an archive in an archive in an archive; unpack the outer ones.")
            if archive.note:
                self.note(archive.note)
            members = self._members(archive, place)
            by_name = is_afar(file)
            if kind == "zip":
                for member in sorted(members, key=lambda member: natural_key(member.name)):
                    yield from self._member(archive, member, place, depth, by_name)
            else:
                yield from self._in_one_pass(archive, members, place, depth, by_name)

    def _in_one_pass(
        self, archive: Archive, members: Iterator[Member], place: Place, depth: int, by_name: bool
    ) -> Iterator[Finding]:
        """Yield a TAR's pages in natural order; found in the TAR's order, since it can only be read forward."""
        found: list[tuple[str, list[Finding]]] = []
        fault: PageError | None = None
        try:
            for member in members:
                found.append((member.name, list(self._member(archive, member, place, depth, by_name))))
        except PageError as error:
            fault = error
        for _, pages in sorted(found, key=lambda entry: natural_key(entry[0])):
            yield from pages
        if fault:
            raise fault

    def _members(self, archive: Archive, place: Place) -> Iterator[Member]:
        """Yield the members that may be pages; of those with one name the first, which is the one that is read."""
        seen: set[str] = set()
        for member in archive.members():
            name = PageAddress((*place.members, member.name)).name
            if any(is_litter(part) for part in member.name.split("/")):
                self.skipped(SkippedFile(name, "hidden or left by the system"))
            elif member.name in seen:
                self.skipped(SkippedFile(name, "a second member of this name"))
            else:
                seen.add(member.name)
                yield member

    def _member(self, archive: Archive, member: Member, place: Place, depth: int, by_name: bool) -> Iterator[Finding]:
        """Yield the pages of a member; `by_name`: it is far away, and not read where its name says what it is."""
        inner = place.inside(member, archive)
        if member.refusal:
            yield inner.refused(member.refusal)
        elif sha256 := self._known(inner):
            yield inner.page(sha256)
        elif by_name and is_sidecar(member.name):
            self.skipped(SkippedFile(inner.name, "by its name no image"))
        elif by_name and member.size_bytes and is_one_page(member.name):
            yield inner.page("")
        else:
            try:
                file = archive.extract(member.name)
            except UnreadableImage as error:
                yield inner.refused(error)
                return
            with file:
                yield from self.look_into(file, inner, depth)


@contextmanager
def _on_disk(file: BinaryIO, place: Place) -> Iterator[Path]:
    """Give a file a path for as long as another process needs one."""
    if place.path:
        yield place.path
        return
    with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX, suffix=".pdf") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        file.seek(0)
        yield Path(copy.name)


def _hash(file: BinaryIO) -> str:
    """Return the SHA-256 of a file; empty where it is far away, and a worker will read it."""
    return "" if is_afar(file) else sha256_of(file)
