"""Walks through the folders of one volume on a disk. Yields what it finds in natural order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from orchestrator.discovery.bags import Bags
from orchestrator.discovery.looking import Finding, Looker, Place, SkippedFile
from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.own_files import NO_FILES, OwnFiles
from orchestrator.discovery.passed_over import reason_to_skip
from orchestrator.results.mark import is_export, is_marked
from workers.errors import PageError, TransientError, UnreadableImage
from workers.sources.escape import escaped
from workers.sources.opening import resolve_inside
from workers.sources.os_errors import translated


@dataclass(frozen=True, slots=True)
class Finder(Looker):
    """Finds the pages of the volume at `location`."""

    location: Path
    own: OwnFiles = NO_FILES
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
                yield Place((member,), escaped(member)).refused(error)
            except TransientError as error:  # what lies in it is not gone; the next ingest finds it
                yield Place((member,), escaped(member)).refused(UnreadableImage(str(error)))

    def _listing(self, folder: Path) -> list[os.DirEntry[str]]:
        with translated(escaped(str(folder)), self.location), os.scandir(folder) as entries:
            self.bags.enter(folder, self.note)
            return sorted(entries, key=lambda entry: natural_key(entry.name))

    def _check(self, file: BinaryIO, place: Place) -> None:
        if place.path:
            self.bags.check(place.path, file, place.name)

    def _file_on_disk(self, member: str, name: str) -> Iterator[Finding]:
        place = Place((member,), name)
        try:
            with translated(name, self.location):
                path = resolve_inside(self.location, member)
                status = path.stat()
                if self.own.hold(status):
                    self.skipped(SkippedFile(name, "the database of this ingest"))
                    return
                place = Place((member,), name, status.st_size, status.st_mtime_ns, path, self.zip_encoding)
                if sha256 := self._known(place):
                    yield place.page(sha256)
                    return
                with path.open("rb") as file:
                    if self.location.is_dir() and is_marked(file) and not is_export(self.location):
                        self.skipped(SkippedFile(name, "made by broadsheet"))
                        return
                    yield from self.look_into(file, place)
        except PageError as error:
            yield place.refused(error)
        except TransientError:  # its bytes cannot be read now; a worker will try, more than once
            yield place.page("")
