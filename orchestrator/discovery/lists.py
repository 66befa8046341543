"""Lists of files in place of a listing: a CSV or Parquet of keys or URLs, or an S3 Inventory by its manifest.

A list adds: what it does not name stays as it is, since there may be other lists of the same bucket.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote_plus

from orchestrator.discovery.listing import Listing
from orchestrator.discovery.stored_pages import UNKNOWN_SIZE
from orchestrator.discovery.stored_volumes import told_to_the_user
from orchestrator.discovery.volume import Volume
from workers.errors import UnreadableInput
from workers.sources.escape import escaped
from workers.sources.stores.location import Access, Location, given_location, stored_location
from workers.sources.stores.origin import key_of
from workers.sources.stores.ranges import RangeFile, as_file
from workers.sources.stores.store import StoredFile, open_store

MANIFEST = "manifest.json"
_ENDINGS = (".csv", ".csv.gz", ".parquet")
_ROWS = 20_000
# The names that a column goes by, without case and underscores; those of S3 Inventory among them.
_COLUMNS = {
    "url": "url", "bucket": "bucket", "key": "key", "size": "size", "etag": "etag", "lastmodifieddate": "modified",
    "lastmodified": "modified", "islatest": "islatest", "isdeletemarker": "isdeletemarker",
}  # fmt: skip


def listed_volumes(path: Path | str, access: Access, zip_encoding: str | None = None) -> list[Volume]:
    """Return the volumes of a list, one for each bucket or server; none where `path` is no list.

    Raises:
        ServiceDown: a store does not answer.
        UnreadableInput: it is a list that cannot be read, or names no file.
    """
    name = str(path).lower()
    if not (name.endswith(_ENDINGS) or PurePosixPath(name).name == MANIFEST):
        return []
    with told_to_the_user(), _told_of_the_list(path):
        rows = _rows(path, access)
        if rows is None:
            return []
        listing = Listing()
        listing.add(_files(rows, str(path), access))
    roots = listing.roots()
    if not roots:
        raise UnreadableInput(f"{path} names no file; it needs a column url, or bucket and key, and rows.")
    places = [stored_location(root) for root in roots]
    sources = [f"{path}" if len(roots) == 1 else f"{path} {getattr(place, 'host', place)}" for place in places]
    return [
        Volume(escaped(source), place, "list", zip_encoding, listing)
        for source, place in zip(sources, places, strict=True)
    ]


def _rows(path: Path | str, access: Access) -> Iterator[Mapping[str, Any]] | None:
    """Return the rows of a list with our names of columns; None where a manifest is none of an inventory."""
    with _opened(path, access) as file:
        if PurePosixPath(str(path)).name.lower() == MANIFEST:
            manifest = _manifest(file.read())
            return None if manifest is None else _inventory(manifest, path, access)
    with closing(_table(path, access, None)) as table:
        columns = _names(next(table, {}))
    if "url" not in columns and not {"bucket", "key"} <= columns:
        raise UnreadableInput(f"{path} is no list of files: it needs a column url, or bucket and key, and rows.")
    return _renamed(_table(path, access, None))


@contextmanager
def _told_of_the_list(path: Path | str) -> Iterator[None]:
    """Say which list it is that its format's reader stumbles over; pyarrow's errors are ValueErrors."""
    try:
        yield
    except (OSError, EOFError, ValueError, KeyError, TypeError, csv.Error, zlib.error) as error:
        raise UnreadableInput(f"{path} cannot be read as a list of files; copy or write it again.") from error


def _names(row: Mapping[str, Any]) -> set[str]:
    return {_COLUMNS.get(_plain(name), "") for name in row}


def _plain(name: str | None) -> str:
    return (name or "").strip().lower().replace("_", "")


def _renamed(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    names: dict[str, str] = {}
    for row in rows:
        names = names or {name: _COLUMNS[_plain(name)] for name in row if _plain(name) in _COLUMNS}
        yield {ours: row[theirs] for theirs, ours in names.items()}


def _manifest(text: bytes) -> Mapping[str, Any] | None:
    try:
        loaded = json.loads(text)
    except ValueError:
        return None
    return loaded if isinstance(loaded, dict) and "fileSchema" in loaded and "files" in loaded else None


def _inventory(manifest: Mapping[str, Any], path: Path | str, access: Access) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of an S3 Inventory; its keys are URL-encoded in CSV."""
    is_csv = manifest.get("fileFormat") == "CSV"
    schema = [name.strip() for name in str(manifest["fileSchema"]).split(",")] if is_csv else None
    bucket = str(manifest.get("destinationBucket", "")).removeprefix("arn:aws:s3:::")
    for file in manifest["files"]:
        beside = Path(path).parent / PurePosixPath(file["key"]).name if isinstance(path, Path) else None
        part = beside if beside and beside.is_file() else f"s3://{bucket}/{file['key']}"
        for row in _renamed(_table(part, access, schema)):
            yield {**row, "key": unquote_plus(str(row["key"]))} if is_csv else row


def _table(path: Path | str, access: Access, schema: list[str] | None) -> Generator[Mapping[str, Any], None, None]:
    with _opened(path, access) as file:
        if str(path).lower().endswith(".parquet"):
            import pyarrow.parquet

            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(_ROWS):
                yield from batch.to_pylist()
        else:
            binary: Any = gzip.GzipFile(fileobj=file) if str(path).lower().endswith(".gz") else file
            with io.TextIOWrapper(binary, "utf-8-sig", errors="replace", newline="") as text:
                yield from csv.DictReader(text, schema)


def _opened(path: Path | str, access: Access) -> BinaryIO:
    if isinstance(path, Path):
        try:
            return path.open("rb")
        except OSError as error:
            raise UnreadableInput(f"{path} cannot be read: {error.strerror}; check the path.") from error
    location = given_location(path, access)
    return as_file(RangeFile(open_store(location), key_of(location, "")))


def _files(rows: Iterable[Mapping[str, Any]], path: str, access: Access) -> Iterator[tuple[str, StoredFile]]:
    roots: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        if str(row.get("isdeletemarker")).lower() == "true" or str(row.get("islatest")).lower() == "false":
            continue
        if row.get("url"):
            location = _named(str(row["url"]), access, f"row {number} of {path}")
            root, key = str(location.at("")), key_of(location, "")
        else:
            bucket, key = str(row["bucket"]), str(row["key"])
            root = roots.setdefault(bucket, str(Location("s3", bucket, access=access)))
        yield root, StoredFile(key, _size(row.get("size")), _modified_ns(row.get("modified")), _quoted(row.get("etag")))


def _named(url: str, access: Access, where: str) -> Location:
    try:
        return given_location(url, access)
    except UnreadableInput as error:
        raise UnreadableInput(f"In {where}: {error}") from error


def _size(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return UNKNOWN_SIZE


def _modified_ns(value: Any) -> int:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return 0
    return round(moment.timestamp() * 1000) * 1_000_000


def _quoted(value: Any) -> str:
    text = str(value or "").strip()
    return text if not text or text.startswith(('"', "W/")) else f'"{text}"'
