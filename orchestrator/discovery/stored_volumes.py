"""Volumes that are URLs: a prefix of a bucket, or one file in a bucket or on a web server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from orchestrator.discovery.listing import Listing
from orchestrator.discovery.volume import Volume, VolumeKind
from workers.errors import MissingSource, NotNow, PageError, ServiceDown, UnreadableInput
from workers.sources.escape import escaped
from workers.sources.sniffing import ARCHIVES, kind_of
from workers.sources.stores.location import Access, Location, given_location
from workers.sources.stores.origin import key_of
from workers.sources.stores.ranges import RangeFile, as_file
from workers.sources.stores.store import StoredFile, open_store


@contextmanager
def told_to_the_user() -> Iterator[None]:
    """Turn what goes wrong with a store into what a command says.

    Raises:
        ServiceDown: it does not answer.
        UnreadableInput: it refuses, or has nothing there.
    """
    try:
        yield
    except NotNow as error:
        raise ServiceDown(f"{error} The same command goes on where it stopped.") from error
    except PageError as error:
        raise UnreadableInput(str(error)) from error


def open_stored_volume(text: str, access: Access, zip_encoding: str | None = None) -> Volume:
    """Return the volume at a URL.

    Raises:
        ServiceDown: the store does not answer.
        UnreadableInput: there is nothing, or nothing that may be read.
    """
    location = given_location(text, access)
    with told_to_the_user():
        if location.is_file:
            try:
                ranges = RangeFile(open_store(location), key_of(location, ""))
                return Volume(escaped(text), location, _kind(ranges), zip_encoding)
            except MissingSource:
                if location.is_web:
                    raise
                location = replace(location, path=f"{location.path}/")
        if location.is_web:
            raise UnreadableInput(f"{location.shown} cannot be listed; give its files, or a list of them as CSV.")
        if next(open_store(location).walk(location.path), None) is None:
            raise UnreadableInput(f"{location.shown} holds nothing; check the bucket and the prefix.")
    return Volume(escaped(text), location, "prefix", zip_encoding)


def _kind(ranges: RangeFile) -> VolumeKind:
    kind = kind_of(as_file(ranges))
    if kind in ("zip", "pdf"):
        return kind
    return "tar" if kind in ARCHIVES else "image"


def files_of(volume: Volume, location: Location) -> Iterator[StoredFile]:
    """Yield the files of a volume in natural order; of a list those in it."""
    with told_to_the_user():
        if volume.listing is not None:
            yield from volume.listing.in_order(str(location))
        elif location.is_file:
            yield RangeFile(open_store(location), key_of(location, "")).known
        else:
            with closing(Listing()) as listing:
                listing.add(("", file) for file in open_store(location).walk(location.path))
                yield from listing.in_order()
