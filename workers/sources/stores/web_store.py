"""Files on a web server, read by ranges; a web server has no listing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from workers.errors import ChangedSource, MissingSource, NotNow, UnreadableImage, UnreadableInput
from workers.sources.stores.location import Location
from workers.sources.stores.patience import patiently
from workers.sources.stores.store import StoredFile
from workers.sources.stores.web import Answer, web

MOST_BYTES = 4 * 1024**3
RETRY_SECONDS = 5.0
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")
_LATER = (408, 425, 429, 500, 502, 503, 504)


class WebStore:
    """The files of one server; a key is the path of a URL, percent-encoded, with its query."""

    def __init__(self, location: Location) -> None:
        self._base = f"{location.scheme}://{location.host}/"
        self._host = location.host
        self._allowed = location.access.allow_hosts

    def walk(self, prefix: str) -> Iterator[StoredFile]:
        """Refuse: nothing tells what else a server has."""
        raise UnreadableInput(f"{self._base}{prefix} cannot be listed; give its files, or a list of them as CSV.")

    def read(self, key: str, start: int, end: int | None, version: str) -> tuple[bytes, StoredFile]:
        """Return a range of bytes, and the file as it is; as `Store.read`."""
        return patiently(self._host, lambda: self._read(key, start, end, version))

    def _read(self, key: str, start: int, end: int | None, version: str) -> tuple[bytes, StoredFile]:
        ranged = start > 0 or end is not None
        headers = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if ranged else {}
        if version.startswith('"'):
            headers["If-Match"] = version
        most = MOST_BYTES if end is None else end - start
        answer = web(self._allowed).get(self._base + key, most, headers, cut=end is not None)
        name = f"{self._base}{key.partition('?')[0]}"
        if answer.status == 416 and (size := _size(answer)) is not None:
            return b"", _file(key, answer, size)
        if answer.status not in (200, 206):
            raise _refusal(answer, name)
        if ranged and start and answer.status == 200:
            raise UnreadableImage(f"{name} cannot be read in parts: its server knows no ranges; copy it here first.")
        size = _whole_size(answer, most)
        if size is None:
            raise UnreadableImage(f"{name} cannot be read in parts: its server tells no length; copy it here first.")
        file = _file(key, answer, size)
        if version and file.version and file.version != version:
            raise ChangedSource(f"{name} has changed since it was ingested; ingest the volume again.")
        data = answer.body if end is None else answer.body[: end - start]
        if len(data) != max(0, (file.size_bytes if end is None else min(end, file.size_bytes)) - start):
            raise NotNow(f"{name} came shorter than it is.", RETRY_SECONDS)
        return data, file


def _refusal(answer: Answer, name: str) -> Exception:
    match answer.status:
        case 404 | 410:
            return MissingSource(f"{name} is no longer there ({answer.status}); check the address.")
        case 412:
            return ChangedSource(f"{name} has changed since it was ingested; ingest the volume again.")
        case status if status in _LATER:
            return NotNow(f"{name} cannot be read now: its server says {status}.", RETRY_SECONDS)
    return UnreadableImage(f"{name} may not be read: its server says {answer.status}; check the address.")


def _size(answer: Answer) -> int | None:
    found = _RANGE.match(answer.headers.get("content-range", ""))
    return int(found[3]) if found else None


def _whole_size(answer: Answer, most: int) -> int | None:
    """Return the length of the whole file; None where it was cut and nothing tells."""
    size, length = _size(answer), answer.headers.get("content-length", "")
    if size is None and answer.status == 200 and length.isdecimal():
        return int(length)
    if size is None:
        return len(answer.body) if len(answer.body) < most else None
    return size


def _file(key: str, answer: Answer, size_bytes: int) -> StoredFile:
    said = answer.headers.get("last-modified", "")
    try:
        modified_ns = int(parsedate_to_datetime(said).timestamp()) * 10**9
    except (ValueError, TypeError):
        modified_ns = 0
    etag = answer.headers.get("etag", "")
    return StoredFile(key, size_bytes, modified_ns, etag or said)
