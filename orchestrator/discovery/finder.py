"""Looks through one volume: folders, archives in them, pages in those. Yields what it finds in natural order."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from orchestrator.discovery.bags import Bags
from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.own_files import OwnFiles
from orchestrator.discovery.passed_over import (
    is_litter,
    is_named_as_scan,
    is_sidecar,
    reason_to_pass_over,
    reason_to_skip,
)
from orchestrator.discovery.pdf_pages import PdfPageCounter
from orchestrator.results.mark import is_export, is_marked
from workers.config import TEMPORARY_PREFIX
from workers.errors import ImageTooLarge, PageError, TransientError, UnreadableImage, UnsafeArchive
from workers.hashing import sha256_of
from workers.sources.address import PageAddress
from workers.sources.archive import Archive, Member
from workers.sources.escape import escaped
from workers.sources.limits import Limits
from workers.sources.opening import open_archive, resolve_inside
from workers.sources.os_errors import translated
from workers.sources.pictures import find_frames
from workers.sources.sniffing import ARCHIVES, Kind, head_of, kind_of

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
class _Place:
    """A file on the disk (`path`) or in an archive, called `name` in messages."""

    members: tuple[str, ...]
    name: str
    size_bytes: int = 0
    modified_ns: int = 0
    path: Path | None = None
    zip_encoding: str | None = None

    def inside(self, member: Member) -> _Place:
        members = (*self.members, member.name)
        name = PageAddress(members).name
        return _Place(members, name, member.size_bytes, self.modified_ns, zip_encoding=self.zip_encoding)

    def page(self, sha256: str, frame: int | None = None) -> Finding:
        packed = len(self.members) > 1
        address = PageAddress(self.members, frame, self.zip_encoding if packed else None)
        return Finding(address, sha256, self.size_bytes, self.modified_ns)

    def refused(self, error: PageError, sha256: str = "") -> Finding:
        # A volume that is itself an archive has no member name of its own: it goes by its file name.
        members = self.members if any(self.members) else (self.name,)
        return Finding(PageAddress(members), sha256, self.size_bytes, 0, error)


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds the pages of the volume at `location`."""

    location: Path
    limits: Limits
    known: KnownHash
    skipped: Callable[[SkippedFile], object]
    counter: PdfPageCounter
    own: OwnFiles
    zip_encoding: str | None = None
    note: Callable[[str], object] = str
    bags: Bags = field(default_factory=Bags)

    def in_archive_volume(self) -> Iterator[Finding]:
        """Yield the pages of a volume that is an archive; they are called by their member names."""
        return self._file_on_disk("", escaped(self.location.name))

    def in_volume(self) -> Iterator[Finding]:
        """Yield the pages of a directory, or of a file that is no archive."""
        if not self.location.is_dir():
            return self._file_on_disk(self.location.name, escaped(self.location.name))
        return self._folder()

    def _folder(self) -> Iterator[Finding]:
        """Go through folders depth first; an own stack, since folders may be nested deeper than Python calls."""
        stack = [iter(self._listing(self.location))]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                continue
            member = os.path.relpath(entry.path, self.location)
            try:
                with translated(escaped(member), self.location):
                    if reason := reason_to_skip(entry):
                        self.skipped(SkippedFile(escaped(member), reason))
                    elif not entry.is_dir(follow_symlinks=False):
                        yield from self._file_on_disk(member, escaped(member))
                    else:
                        stack.append(iter(self._listing(Path(entry.path))))
            except PageError as error:
                yield _Place((member,), escaped(member)).refused(error)
            except TransientError as error:  # what lies in it is not gone; the next ingest finds it
                yield _Place((member,), escaped(member)).refused(UnreadableImage(str(error)))

    def _listing(self, folder: Path) -> list[os.DirEntry[str]]:
        with translated(escaped(str(folder)), self.location), os.scandir(folder) as entries:
            self.bags.enter(folder, self.note)
            return sorted(entries, key=lambda entry: natural_key(entry.name))

    def _file_on_disk(self, member: str, name: str) -> Iterator[Finding]:
        place = _Place((member,), name)
        try:
            with translated(name, self.location):
                path = resolve_inside(self.location, member)
                status = path.stat()
                if self.own.hold(status):
                    self.skipped(SkippedFile(name, "the database of this ingest"))
                    return
                place = _Place((member,), name, status.st_size, status.st_mtime_ns, path, self.zip_encoding)
                if sha256 := self._known(place):
                    yield place.page(sha256)
                    return
                with path.open("rb") as file:
                    if self.location.is_dir() and is_marked(file) and not is_export(self.location):
                        self.skipped(SkippedFile(name, "made by broadsheet"))
                        return
                    yield from self._look_into(file, place, depth=0)
        except PageError as error:
            yield place.refused(error)
        except TransientError:  # its bytes cannot be read now; a worker will try, more than once
            yield place.page("")

    def _known(self, place: _Place, frame: int | None = None) -> str | None:
        return self.known(PageAddress(place.members, frame).name, place.size_bytes, place.modified_ns)

    def _look_into(self, file: BinaryIO, place: _Place, depth: int) -> Iterator[Finding]:
        """Yield the pages of an open file, and its fault, if any, after those that were found before it."""
        try:
            kind = kind_of(file)
            if place.path and kind not in ("text", "unknown"):
                self.bags.check(place.path, file, place.name)
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
            yield place.refused(error, sha256_of(file))

    def _pages(self, file: BinaryIO, kind: Kind, place: _Place) -> Iterator[Finding]:
        if not place.size_bytes:
            raise UnreadableImage(f"{place.name} is empty; copy it again.")
        frames: tuple[int | None, ...] = (None,)
        if kind == "pdf":
            frames = tuple(range(1, self._pdf_pages(file, place) + 1))
        elif kind == "frames":
            frames = find_frames(file, place.name, self.limits) or frames
        sha256 = self._known(place, frames[0]) or sha256_of(file)
        for frame in frames:
            yield place.page(sha256, frame)

    def _pdf_pages(self, file: BinaryIO, place: _Place) -> int:
        with _on_disk(file, place) as path:
            count = self.counter.count(path, place.name)
        if count > self.limits.max_frames:
            raise ImageTooLarge(f"{place.name} has {count} pages, the limit is {self.limits.max_frames}; split it.")
        return count

    def _archive(self, file: BinaryIO, kind: Kind, place: _Place, depth: int) -> Iterator[Finding]:
        with closing(open_archive(file, kind, place.name, self.limits, self.zip_encoding)) as archive:
            if archive.document_kind:
                self.skipped(SkippedFile(place.name, f"{archive.document_kind}, no archive of pages"))
                return
            if depth > MAX_ARCHIVE_DEPTH:
                raise UnsafeArchive(f"{place.name} is an archive in an archive in an archive; unpack the outer ones.")
            if archive.note:
                self.note(archive.note)
            members = self._members(archive, place)
            if kind == "zip":
                for member in sorted(members, key=lambda member: natural_key(member.name)):
                    yield from self._member(archive, member, place, depth)
            else:
                yield from self._in_one_pass(archive, members, place, depth)

    def _in_one_pass(self, archive: Archive, members: Iterator[Member], place: _Place, depth: int) -> Iterator[Finding]:
        """Yield a TAR's pages in natural order; found in the TAR's order, since it can only be read forward."""
        found: list[tuple[str, list[Finding]]] = []
        fault: PageError | None = None
        try:
            for member in members:
                found.append((member.name, list(self._member(archive, member, place, depth))))
        except PageError as error:
            fault = error
        for _, pages in sorted(found, key=lambda entry: natural_key(entry[0])):
            yield from pages
        if fault:
            raise fault

    def _members(self, archive: Archive, place: _Place) -> Iterator[Member]:
        """Yield the members that may be pages; of those with one name the first, which is the one that is read."""
        seen: set[str] = set()
        for member in archive.members():
            name = place.inside(member).name
            if any(is_litter(part) for part in member.name.split("/")):
                self.skipped(SkippedFile(name, "hidden or left by the system"))
            elif member.name in seen:
                self.skipped(SkippedFile(name, "a second member of this name"))
            else:
                seen.add(member.name)
                yield member

    def _member(self, archive: Archive, member: Member, place: _Place, depth: int) -> Iterator[Finding]:
        inner = place.inside(member)
        if member.refusal:
            yield inner.refused(member.refusal)
        elif sha256 := self._known(inner):
            yield inner.page(sha256)
        else:
            try:
                file = archive.extract(member.name)
            except UnreadableImage as error:
                yield inner.refused(error)
                return
            with file:
                yield from self._look_into(file, inner, depth)


@contextmanager
def _on_disk(file: BinaryIO, place: _Place) -> Iterator[Path]:
    """Give a file a path for as long as another process needs one."""
    if place.path:
        yield place.path
        return
    with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX, suffix=".pdf") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        file.seek(0)
        yield Path(copy.name)
