"""From pages to rows: INSERT volume, page, page_run in blocks. A second ingest of the same bytes adds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, bindparam, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from models import Page, PageRun, PageRunState, Pipeline, Volume, database_now
from models.many import insert_new_rows, is_one_of
from orchestrator.discovery.discovery import FoundPage
from workers.parameters import PipelineParameters, canonical_json, fingerprint

Result = TypeVar("Result")

BLOCK = 1_000
BLOCK_SECONDS = 0.5  # the workers must not starve while a large archive is being hashed


@dataclass(slots=True)
class Stored:
    """What an ingest added: pages not seen before, and page runs not yet in the queue."""

    found: int = 0
    new_pages: int = 0
    new_page_runs: int = 0


def store_pipeline(engine: Engine, parameters: PipelineParameters, versions: Mapping[str, str]) -> int:
    """Return the number of the pipeline, stored if it is new."""
    name = fingerprint(parameters, versions)
    values = {"fingerprint": name, "parameters": parameters.to_json(), "versions": canonical_json(dict(versions))}
    with engine.begin() as connection:
        connection.execute(_insert_or_skip(connection, Pipeline.__table__), values)
        return connection.scalars(select(Pipeline.pipeline_id).where(Pipeline.fingerprint == name)).one()


def store_volume(engine: Engine, source: str, location: str, kind: str) -> int:
    """Return the number of the volume at `location` (escaped), stored if it is new."""
    with engine.begin() as connection:
        connection.execute(
            _insert_or_skip(connection, Volume.__table__), {"source": source, "location": location, "kind": kind}
        )
        return connection.scalars(select(Volume.volume_id).where(Volume.location == location)).one()


class Retry(Protocol):
    """How something is done with a database that may restart: at once, or again until it succeeds."""

    def __call__(self, action: Callable[[], Result], /) -> Result:
        """Do it, perhaps several times; it is safe to repeat."""


def _at_once(action: Callable[[], Result]) -> Result:
    return action()


def store_pages(
    engine: Engine,
    volume_id: int,
    pipeline_id: int,
    priority: int,
    found: Iterable[FoundPage],
    retry_while_down: Retry = _at_once,
) -> Iterator[Stored]:
    """Store the pages of a volume in blocks, each committed; yields the sum after each block."""
    stored, measure_at = Stored(), 2 * BLOCK
    for block in in_blocks(found):
        new_pages, new_page_runs = retry_while_down(
            partial(store_block, engine, volume_id, pipeline_id, priority, block)
        )
        stored.found += len(block)
        stored.new_pages += new_pages
        stored.new_page_runs += new_page_runs
        if stored.found >= measure_at:
            retry_while_down(partial(_refresh_statistics, engine))
            measure_at *= 2
        yield stored


def store_block(
    engine: Engine, volume_id: int, pipeline_id: int, priority: int, block: Sequence[FoundPage]
) -> tuple[int, int]:
    """Store some pages of a volume in one transaction; returns the number of new pages and of new page runs.

    Safe to repeat: what is there is passed over.
    """
    pages = {(page.address.name, page.sha256): page for page in block}
    with engine.begin() as connection:
        known, inserted = _store_pages(connection, volume_id, pages)
        page_ids = {key: known[key].page_id for key in pages}
        return len(inserted), _store_page_runs(connection, pipeline_id, priority, pages, page_ids, inserted)


def _refresh_statistics(engine: Engine) -> None:
    # A table that is just being filled has no statistics, and PostgreSQL would read all of it for each block.
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE page, page_run"))


def in_blocks(
    found: Iterable[FoundPage], size: int = BLOCK, seconds: float = BLOCK_SECONDS
) -> Iterator[list[FoundPage]]:
    """Group pages into blocks of at most `size`, sooner when finding (hashing) them takes longer than `seconds`."""
    block: list[FoundPage] = []
    began = time.monotonic()
    for page in found:
        block.append(page)
        if len(block) == size or time.monotonic() - began > seconds:
            yield block
            block, began = [], time.monotonic()
    if block:
        yield block


def known_hashes(engine: Engine, volume_id: int) -> Callable[[str, int, int], str | None]:
    """Return a lookup of (name, size, modification time) -> SHA-256, so that unchanged files are not read again."""
    statement = select(Page.sha256).where(
        Page.volume_id == volume_id,
        Page.name == bindparam("name"),
        Page.size_bytes == bindparam("size"),
        Page.modified_ns == bindparam("modified"),
    )

    def look_up(name: str, size_bytes: int, modified_ns: int) -> str | None:
        with engine.connect() as connection:
            values = {"name": name, "size": size_bytes, "modified": modified_ns}
            return connection.scalars(statement, values).first()

    with engine.connect() as connection:
        is_new = connection.execute(select(Page.page_id).where(Page.volume_id == volume_id).limit(1)).first() is None
    return _nothing_known if is_new else look_up


def _nothing_known(name: str, size_bytes: int, modified_ns: int) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class _KnownPage:
    page_id: int
    page_number: int
    modified_ns: int


_Key = tuple[str, str]  # name and SHA-256: what tells one page of a volume from another


def _store_pages(
    connection: Connection, volume_id: int, pages: Mapping[_Key, FoundPage]
) -> tuple[dict[_Key, _KnownPage], set[int]]:
    """Insert what is new; returns all pages of the volume with these names, and the numbers of those inserted."""
    known = _known_pages(connection, volume_id, pages)
    new = {key: page for key, page in pages.items() if key not in known}
    inserted = _insert_pages(connection, volume_id, new)
    if len(inserted) < len(new):  # another ingest of the same volume was faster
        known |= _known_pages(connection, volume_id, new)
    known |= inserted
    _refresh_moved(connection, pages, known)
    _bring_back(connection, [known[key].page_id for key in pages if key not in inserted])
    _mark_replaced(connection, [page.page_id for key, page in known.items() if key not in pages])
    _cancel_superseded(connection, pages, known)
    return known, {page.page_id for page in inserted.values()}


def _insert_pages(connection: Connection, volume_id: int, new: Mapping[_Key, FoundPage]) -> dict[_Key, _KnownPage]:
    if not new:
        return {}
    values = [_page_row(volume_id, name, page) for (name, _), page in new.items()]
    rows = insert_new_rows(connection, Page, values, Page.name, Page.sha256, Page.page_id)
    return {
        (name, sha256): _KnownPage(page_id, new[name, sha256].page_number, new[name, sha256].modified_ns)
        for name, sha256, page_id in rows
    }


def _known_pages(connection: Connection, volume_id: int, keys: Iterable[_Key]) -> dict[_Key, _KnownPage]:
    rows = connection.execute(
        select(Page.name, Page.sha256, Page.page_id, Page.page_number, Page.modified_ns).where(
            Page.volume_id == volume_id, is_one_of(connection, Page.name, {name for name, _ in keys})
        )
    )
    return {(row.name, row.sha256): _KnownPage(row.page_id, row.page_number, row.modified_ns) for row in rows}


def _refresh_moved(connection: Connection, pages: Mapping[_Key, FoundPage], known: Mapping[_Key, _KnownPage]) -> None:
    """Give known pages their new place and time when files were added around them, or touched."""
    moved = [
        {"moved_id": old.page_id, "number": page.page_number, "modified": page.modified_ns}
        for key, page in pages.items()
        if (old := known[key]).page_number != page.page_number or old.modified_ns != page.modified_ns
    ]
    if moved:
        connection.execute(
            update(Page)
            .where(Page.page_id == bindparam("moved_id"))
            .values(page_number=bindparam("number"), modified_ns=bindparam("modified")),
            moved,
        )


def _bring_back(connection: Connection, page_ids: Sequence[int]) -> None:
    """Count pages among the present ones again that were gone."""
    if page_ids:
        gone = is_one_of(connection, Page.page_id, page_ids) & Page.gone_at.is_not(None)
        connection.execute(update(Page).where(gone).values(gone_at=None, gone_reason=None))


def _mark_replaced(connection: Connection, page_ids: Sequence[int]) -> None:
    """Take pages out of the views whose files have other bytes now."""
    if page_ids:
        present = is_one_of(connection, Page.page_id, page_ids) & Page.gone_at.is_(None)
        connection.execute(update(Page).where(present).values(gone_at=database_now(), gone_reason="replaced"))


def _cancel_superseded(
    connection: Connection, present: Mapping[_Key, FoundPage], known: Mapping[_Key, _KnownPage]
) -> None:
    """Take page runs out of the queue whose bytes are gone: the file has changed and is a new page now."""
    gone = [page.page_id for key, page in known.items() if key not in present]
    if gone:
        connection.execute(
            update(PageRun)
            .where(PageRun.page_id.in_(gone), PageRun.state.in_([PageRunState.READY, PageRunState.QUEUED]))
            .values(
                state=PageRunState.CANCELLED,
                finished_at=database_now(),
                error_code="superseded",
                error_message="The file changed before this page was processed; its new bytes are a page of their own.",
            )
        )


def _store_page_runs(
    connection: Connection,
    pipeline_id: int,
    priority: int,
    pages: Mapping[_Key, FoundPage],
    page_ids: Mapping[_Key, int],
    inserted: set[int],
) -> int:
    """Insert the page runs that do not exist yet; returns how many. Pages just `inserted` have none."""
    existing = _with_page_run(connection, pipeline_id, set(page_ids.values()) - inserted)
    new = [
        _page_run_row(page_ids[key], pipeline_id, priority, page)
        for key, page in pages.items()
        if page_ids[key] not in existing
    ]
    if new:
        insert_new_rows(connection, PageRun, new, PageRun.page_run_id)
        if any(row["error_code"] for row in new):
            _stamp_broken(connection)
    return len(new)


def _with_page_run(connection: Connection, pipeline_id: int, page_ids: set[int]) -> set[int]:
    if not page_ids:
        return set()
    statement = select(PageRun.page_id).where(PageRun.pipeline_id == pipeline_id, PageRun.page_id.in_(page_ids))
    return set(connection.scalars(statement))


def _page_row(volume_id: int, name: str, page: FoundPage) -> dict[str, Any]:
    return {
        "volume_id": volume_id,
        "page_number": page.page_number,
        "name": name,
        "address": page.address.to_json(),
        "sha256": page.sha256,
        "size_bytes": page.size_bytes,
        "modified_ns": page.modified_ns,
    }


def _page_run_row(page_id: int, pipeline_id: int, priority: int, page: FoundPage) -> dict[str, Any]:
    """Return a page run: ready, or quarantined at once when discovery already found it broken."""
    return {
        "page_id": page_id,
        "pipeline_id": pipeline_id,
        "priority": priority,
        "state": PageRunState.QUARANTINED if page.error else PageRunState.READY,
        "error_code": page.error.code if page.error else None,
        "error_message": str(page.error) if page.error else None,
    }


def _stamp_broken(connection: Connection) -> None:
    connection.execute(
        update(PageRun)
        .where(PageRun.state == PageRunState.QUARANTINED, PageRun.finished_at.is_(None))
        .values(finished_at=database_now())
    )


def _insert_or_skip(connection: Connection, table: Any) -> Any:
    """Return an INSERT that passes over rows which are already there: two ingests may run at once."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()
