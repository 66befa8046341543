"""Looks through a volume in a store. What a name says is believed: nothing is read that a worker will read anyway.

A JPEG is one page, and a worker finds out what is in it. Only what may hold several pages is looked into, by ranges of
bytes, many files side by side: TIFFs, PDFs, archives, and names that say nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from orchestrator.discovery.looking import Finding, Looker, Place, SkippedFile
from orchestrator.discovery.passed_over import is_litter, is_one_page, is_sidecar
from workers.errors import PageError, TransientError, UnreadableImage
from workers.sources.escape import escaped
from workers.sources.sniffing import ARCHIVES, kind_of
from workers.sources.stores.location import Location
from workers.sources.stores.ranges import RangeFile, as_file
from workers.sources.stores.store import StoredFile, open_store

THREADS = 16
AHEAD = 4 * THREADS
UNKNOWN_SIZE = -1  # of a file in a list that tells none


def stored_pages(looker: Looker, root: Location, files: Iterable[StoredFile]) -> Iterator[Finding]:
    """Yield the pages of the files of a volume, in their order.

    Args:
        looker: looks into files that may hold several pages.
        root: the volume.
        files: with whole keys, in natural order.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[list[Finding]] | list[Finding]] = deque()
        for file in files:
            at_once = _by_its_name(looker, root, file) if file.size_bytes != UNKNOWN_SIZE else None
            waiting.append(pool.submit(_look_into, looker, root, file) if at_once is None else at_once)
            while len(waiting) >= AHEAD:
                yield from _result(waiting.popleft())
        while waiting:
            yield from _result(waiting.popleft())


def _result(found: Future[list[Finding]] | list[Finding]) -> list[Finding]:
    return found if isinstance(found, list) else found.result()


def _by_its_name(looker: Looker, root: Location, file: StoredFile) -> list[Finding] | None:
    """Return the pages of a file as its name has it; None when it must be looked into."""
    place = _place(root, file)
    if reason := _reason_to_skip(place.name, file):
        looker.skipped(SkippedFile(place.name, reason))
        return []
    if not is_one_page(place.name):
        return None
    return [place.page("")] if file.size_bytes else [place.refused(_empty(place))]


def _empty(place: Place) -> UnreadableImage:
    return UnreadableImage(f"{place.name} is empty; copy it again.")


def _reason_to_skip(name: str, file: StoredFile) -> str:
    if any(map(is_litter, name.split("/"))):
        return "hidden or left by the system"
    if file.key.endswith("/"):
        return "a folder"
    return "by its name no image" if is_sidecar(name) else ""


def _place(root: Location, file: StoredFile) -> Place:
    member = root.name if root.is_file else file.key.removeprefix(root.path)
    return Place((member,), escaped(member), file.size_bytes, file.modified_ns, is_stored=True, version=file.version)


def _look_into(looker: Looker, root: Location, file: StoredFile) -> list[Finding]:
    place = _place(root, file)
    try:
        known = file if file.size_bytes > 0 else None
        ranges = RangeFile(open_store(root), file.key, file.version, known)
        place = _place(root, ranges.known)
        if known is None and (found := _by_its_name(looker, root, ranges.known)) is not None:
            return found
        opened = as_file(ranges)
        if root.is_file and kind_of(opened) in ARCHIVES:
            place = replace(place, members=("",))  # its pages are called by their member names
        return list(looker.look_into(opened, place))
    except PageError as error:
        return [place.refused(error)]
    except TransientError:  # its bytes cannot be read now; a worker will try, more than once
        if root.is_file:
            raise  # there is nothing else to go on with
        return [replace(place, version="").page("")]
