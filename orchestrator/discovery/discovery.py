"""From paths to volumes and their pages in natural order; reads headers and hashes, decodes nothing.

What is broken, encrypted or unsafe is found too, with its reason: a page is never lost. Sidecars and the litter of
file systems are no pages and are reported as skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.discovery.finder import Finder
from orchestrator.discovery.iiif.addresses import is_catalogue
from orchestrator.discovery.iiif.documents import JSON_WANTED, MOST_CATALOGUE_BYTES, json_of
from orchestrator.discovery.iiif.walk import Walk
from orchestrator.discovery.lists import listed_volumes
from orchestrator.discovery.looking import Finding, KnownHash, Looker, SkippedFile
from orchestrator.discovery.own_files import NO_FILES, OwnFiles
from orchestrator.discovery.pdf_pages import PdfPageCounter
from orchestrator.discovery.stored_pages import stored_pages
from orchestrator.discovery.stored_volumes import files_of, open_stored_volume, told_to_the_user
from orchestrator.discovery.volume import Volume, VolumeKind
from workers.errors import PageError, UnreadableInput
from workers.sources.address import PageAddress
from workers.sources.escape import escaped
from workers.sources.iiif.asking import ask_alone
from workers.sources.limits import Limits
from workers.sources.sniffing import ARCHIVES, Kind, kind_of
from workers.sources.stores.location import NO_ACCESS, Access, Location, given_location

__all__ = ["FoundPage", "KnownHash", "SkippedFile", "Volume", "VolumeKind", "find_pages", "open_volume", "open_volumes"]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of a volume; `error` says why it is quarantined at once.

    `sha256` and `size_bytes` are of the original bytes: the file's, or the archive member's, also for a page of a
    PDF or multi-page image. `modified_ns` is the time of the file on the disk. A page with an error has the time 0,
    so that it is looked at again next time, and an empty `sha256` when its bytes cannot be read. `host` is the one
    whose budget its picture counts against; `description` what its catalogue says of it.
    """

    address: PageAddress
    page_number: int
    sha256: str
    size_bytes: int
    modified_ns: int
    error: PageError | None = None
    host: str = ""
    description: Mapping[str, str | int | None] | None = None

    @property
    def is_unreadable(self) -> bool:
        """Whether nothing tells its bytes from others: they could not be read."""
        return not self.sha256 and not self.address.version


def open_volumes(
    path: Path | str, own: OwnFiles = NO_FILES, zip_encoding: str | None = None, access: Access = NO_ACCESS
) -> list[Volume]:
    """Return the volumes at a path or URL: one, or of a list of files one for each store that they lie in.

    Raises:
        ServiceDown: a store does not answer.
        UnreadableInput: there is nothing, or nothing that may be read, or it is our own.
    """
    if isinstance(path, str) and is_catalogue(path):
        return [Volume(escaped(path), given_location(path, access), "iiif")]
    if listed := listed_volumes(path, access, zip_encoding):
        return listed
    if isinstance(path, str):
        return [open_stored_volume(path, access, zip_encoding)]
    return [open_volume(path, own, zip_encoding)]


def open_volume(path: Path, own: OwnFiles = NO_FILES, zip_encoding: str | None = None) -> Volume:
    """Return the volume at `path`, which is none of our `own` files.

    Raises:
        UnreadableInput: there is nothing, or nothing that may be read, or it is our own.
    """
    try:
        location = path.resolve(strict=True)
        if location.is_dir():
            with os.scandir(location):
                return Volume(escaped(str(path)), location, "directory", zip_encoding)
        if not location.is_file():
            raise UnreadableInput(f"{path} is neither a file nor a directory; give the path of the scans.")
        if own.hold(location.stat()):
            raise UnreadableInput(f"{path} is the database of this ingest; give the path of the scans.")
        with location.open("rb") as file:
            return Volume(escaped(str(path)), location, _volume_kind(kind_of(file)), zip_encoding)
    except FileNotFoundError as error:
        raise UnreadableInput(f"{path} does not exist; check the path.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or error
        raise UnreadableInput(f"{path} cannot be read: {reason}; check its permissions.") from error


def _volume_kind(kind: Kind) -> VolumeKind:
    if kind in ("zip", "pdf"):
        return kind
    return "tar" if kind in ARCHIVES else "image"


def require_page(volume: Volume, limits: Limits, own: OwnFiles = NO_FILES) -> None:
    """Refuse a volume that holds no page, before anything is started for it.

    A TAR is not looked into: finding its first page may mean unpacking all of it; and a store was asked already.

    Raises:
        UnreadableInput: there is no page in it.
    """
    if isinstance(volume.location, Location):
        return
    skipped: list[SkippedFile] = []
    if volume.kind != "tar" and next(find_pages(volume, limits, skipped=skipped.append, own=own), None) is None:
        held = f"holds no page, only other files ({len(skipped)})" if skipped else "is empty"
        if volume.kind == "zip" and len(skipped) == 1:
            held = f"holds no page: {skipped[0].reason}"
        raise UnreadableInput(f"{volume.source} {held}; give the path of the scans.")


def find_pages(
    volume: Volume,
    limits: Limits | None = None,
    known: KnownHash | None = None,
    skipped: Callable[[SkippedFile], object] | None = None,
    own: OwnFiles = NO_FILES,
    note: Callable[[str], object] = str,
) -> Iterator[FoundPage]:
    """Yield the pages of a volume in natural order.

    Args:
        volume: where to look.
        limits: what an archive and an image may cost.
        known: (page name, size, modification time) -> SHA-256 of a page that was ingested before, so that its bytes
            need not be read again.
        skipped: called with each file that is no page.
        own: files that this process must not open.
        note: called with a sentence on each archive of which something cannot be known.
    """
    if isinstance(volume.location, Location) and volume.kind == "iiif":
        yield from _in_catalogue(volume.location, skipped or _not_told, note)
        return
    with PdfPageCounter() as counter:
        look_up, tell = known or _nothing_known, skipped or _not_told
        rest = {"limits": limits or Limits(), "known": look_up, "skipped": tell, "counter": counter, "note": note}
        for number, page in enumerate(_findings(volume, rest, own), start=1):
            yield FoundPage(page.address, number, page.sha256, page.size_bytes, page.modified_ns, page.error)


def _findings(volume: Volume, rest: dict[str, Any], own: OwnFiles) -> Iterator[Finding]:
    if isinstance(volume.location, Location):
        looker = Looker(volume.location, zip_encoding=volume.zip_encoding, **rest)
        return _told(stored_pages(looker, volume.location, files_of(volume, volume.location)))
    finder = Finder(volume.location, own=own, zip_encoding=volume.zip_encoding, **rest)
    return finder.in_archive_volume() if volume.kind in ("zip", "tar") else finder.in_volume()


def _in_catalogue(
    root: Location, skipped: Callable[[SkippedFile], object], note: Callable[[str], object]
) -> Iterator[FoundPage]:
    """Yield the pages of a IIIF catalogue for one who looks, outside of an ingest and its budgets."""
    ask = ask_alone(root.access.allow_hosts, is_remembered=False)

    def fetch(url: str) -> object:
        answer = ask(url, MOST_CATALOGUE_BYTES, {"Accept": JSON_WANTED})
        return json_of(answer, url)

    with told_to_the_user():
        for number, found in enumerate(Walk(root.shown, fetch, skipped, note).pages(), start=1):
            yield FoundPage(found.address, number, "", 0, 0, found.error)


def _told(findings: Iterator[Finding]) -> Iterator[Finding]:
    with told_to_the_user():
        yield from findings


def _nothing_known(name: str, size_bytes: int, modified_ns: int) -> str | None:
    return None


def _not_told(skipped: SkippedFile) -> None:
    return None
