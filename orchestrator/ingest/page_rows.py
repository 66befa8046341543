"""The pages of a block as rows: which of them are known, which are new, and whose bytes are gone.

A page is its name and its bytes: their SHA-256 or, in a store, where nobody may have read them yet, their version. A
file whose bytes cannot be read at the moment is taken for the page of that name that was there last: unknown bytes are
not other bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, or_, select, update
from sqlalchemy.orm import aliased

from models import NEVER_SEEN_NS, Page, database_now
from models.many import insert_new_rows, is_one_of
from models.page import unread_mark
from orchestrator.discovery.discovery import FoundPage

Key = tuple[str, str]  # name, and SHA-256 or version: what tells one page of a volume from another


@dataclass(frozen=True, slots=True)
class StoredPages:
    """The pages of a block by their numbers: all that are `present`, those `inserted`, and those `gone`."""

    present: Mapping[int, FoundPage]
    inserted: frozenset[int]
    gone: frozenset[int]


@dataclass(frozen=True, slots=True)
class _KnownPage:
    page_id: int
    page_number: int
    modified_ns: int
    is_gone: bool = False
    has_version: bool = False


def _key(page: FoundPage) -> Key:
    return page.address.name, page.address.version or page.sha256


def store(connection: Connection, volume_id: int, block: Sequence[FoundPage]) -> StoredPages:
    """Insert what is new of a block, and give what is known its new place and time."""
    known = _known_pages(connection, volume_id, {page.address.name for page in block})
    pages = {_key(page): page for page in _identified(connection, volume_id, block, known)}
    new = {key: page for key, page in pages.items() if key not in known}
    inserted = _insert_pages(connection, volume_id, new)
    if len(inserted) < len(new):  # another ingest of the same volume was faster
        known |= _known_pages(connection, volume_id, {name for name, _ in new})
    known |= inserted
    _refresh(connection, pages, known)
    unknown = {page.address.name for page in block if page.is_unreadable}
    gone = [page for key, page in known.items() if key not in pages and key[0] not in unknown]
    _mark_gone(connection, [page.page_id for page in gone if not page.is_gone], "replaced")
    return StoredPages(
        {known[key].page_id: page for key, page in pages.items()},
        frozenset(page.page_id for page in inserted.values()),
        frozenset(page.page_id for page in gone),
    )


def present(engine: Engine, volume_id: int) -> set[int]:
    """Return the numbers of the pages of a volume whose scans were there when it was ingested last."""
    there = select(Page.page_id).where(Page.volume_id == volume_id, Page.gone_at.is_(None))
    with engine.connect() as connection:
        return set(connection.scalars(there.where(Page.modified_ns != NEVER_SEEN_NS)))


def remove(connection: Connection, page_ids: Sequence[int], hidden: Set[str]) -> list[int]:
    """Mark pages as moved or deleted, but for those in files and folders of a `hidden` name; returns which."""
    there = select(Page.page_id, Page.name).where(Page.gone_at.is_(None))  # what was replaced stays that
    rows = connection.execute(there.where(is_one_of(connection, Page.page_id, page_ids)))
    removed = [row.page_id for row in rows if hidden.isdisjoint(_places(row.name))]
    _mark_gone(connection, removed, "deleted")
    moved = _found_elsewhere(connection, removed)
    _mark_gone(connection, moved, "moved")
    return removed


def _found_elsewhere(connection: Connection, page_ids: Collection[int]) -> list[int]:
    """Return those of some pages that are gone whose bytes lie under another name, or in another volume."""
    if not page_ids:
        return []
    gone, there = aliased(Page), aliased(Page)
    same = select(gone.page_id).distinct().join(there, there.sha256 == gone.sha256)
    same = same.where(is_one_of(connection, gone.page_id, page_ids), gone.sha256 != "", there.gone_at.is_(None))
    return list(connection.scalars(same))


def _places(name: str) -> Iterator[str]:
    """Yield a page's name, and those of the file and the folders that hold it."""
    yield name
    for end, character in enumerate(name):
        if character in "/#":
            yield name[:end]


def _mark_gone(connection: Connection, page_ids: Collection[int], reason: str) -> None:
    """Take pages out of the views whose bytes are no longer there."""
    if page_ids:
        gone = update(Page).where(is_one_of(connection, Page.page_id, page_ids))
        connection.execute(gone.values(gone_at=database_now(), gone_reason=reason))


def _identified(
    connection: Connection, volume_id: int, block: Sequence[FoundPage], known: Mapping[Key, _KnownPage]
) -> Iterable[FoundPage]:
    """Yield the pages of a block; one whose bytes could not be read now as the page that it was before."""
    for page in block:
        if page.error or not page.is_unreadable:
            yield page
        elif before := {key: row for key, row in known.items() if key[0] == page.address.name and key[1]}:
            (_, known_by), row = max(before.items(), key=lambda entry: (not entry[1].is_gone, entry[1].page_id))
            address = replace(page.address, version=known_by if row.has_version else "")
            sha256 = "" if row.has_version else known_by
            yield replace(page, address=address, sha256=sha256, modified_ns=row.modified_ns)
        elif not _holds_pages(connection, volume_id, page.address.name):
            yield page


def _holds_pages(connection: Connection, volume_id: int, name: str) -> bool:
    """Return whether a file is known for the pages in it, as an archive or a PDF is."""
    inside = or_(*(Page.name.startswith(f"{name}{mark}", autoescape=True) for mark in "/#"))
    statement = select(Page.page_id).where(Page.volume_id == volume_id, inside).limit(1)
    return connection.execute(statement).first() is not None


def _known_pages(connection: Connection, volume_id: int, names: Collection[str]) -> dict[Key, _KnownPage]:
    rows = connection.execute(
        select(
            Page.name, Page.sha256, Page.version, Page.page_id, Page.page_number, Page.modified_ns, Page.gone_at
        ).where(Page.volume_id == volume_id, is_one_of(connection, Page.name, names))
    )
    return {
        (row.name, row.version or row.sha256): _KnownPage(
            row.page_id, row.page_number, row.modified_ns, row.gone_at is not None, bool(row.version)
        )
        for row in rows
    }


def _insert_pages(connection: Connection, volume_id: int, new: Mapping[Key, FoundPage]) -> dict[Key, _KnownPage]:
    if not new:
        return {}
    values = [_page_row(volume_id, name, page) for (name, _), page in new.items()]
    rows = insert_new_rows(connection, Page, values, Page.name, Page.sha256, Page.version, Page.page_id)
    known = {}
    for name, sha256, version, page_id in rows:
        page = new[name, version or sha256]
        known[_key(page)] = _KnownPage(page_id, page.page_number, page.modified_ns, has_version=bool(version))
    return known


def _page_row(volume_id: int, name: str, page: FoundPage) -> dict[str, Any]:
    return {
        "volume_id": volume_id,
        "page_number": page.page_number,
        "name": name,
        "address": page.address.to_json(),
        "sha256": page.sha256 or _mark(page),
        "version": page.address.version,
        "size_bytes": page.size_bytes,
        "modified_ns": page.modified_ns,
    }


def _mark(page: FoundPage) -> str:
    return unread_mark(page.address.name, page.address.version) if page.address.version else ""


def _refresh(connection: Connection, pages: Mapping[Key, FoundPage], known: Mapping[Key, _KnownPage]) -> None:
    """Give known pages their new place and time when files were added around them, touched, or put back."""
    moved = [
        {"moved_id": old.page_id, "number": page.page_number, "modified": page.modified_ns}
        for key, page in pages.items()
        if (old := known[key]).is_gone or (old.page_number, old.modified_ns) != (page.page_number, page.modified_ns)
    ]
    if moved:
        connection.execute(
            update(Page)
            .where(Page.page_id == bindparam("moved_id"))
            .values(page_number=bindparam("number"), modified_ns=bindparam("modified"), gone_at=None, gone_reason=None),
            moved,
        )
