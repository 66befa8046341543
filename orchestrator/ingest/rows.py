"""From pages to rows: INSERT volume, page, page_run in blocks. A second ingest of the same bytes adds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects import postgresql, sqlite

from models import Pipeline, Volume
from orchestrator.discovery.discovery import FoundPage
from orchestrator.ingest import page_rows, page_run_rows
from orchestrator.ingest.earlier_results import OlderVersions
from orchestrator.metadata.describe import store_descriptions
from orchestrator.page_runs.decisions import REMOVED
from workers.lease.host_budgets import know_hosts
from workers.parameters import PipelineParameters, canonical_json, fingerprint

Result = TypeVar("Result")

BLOCK = 1_000
BLOCK_SECONDS = 0.5  # the workers must not starve while a large archive is being hashed


@dataclass(frozen=True, slots=True)
class Target:
    """Where the pages of an ingest go: which volume, under which pipeline, before which others.

    What the `older` pipelines have found is kept, but for what is to be refreshed.
    """

    volume_id: int
    pipeline_id: int
    priority: int
    older: OlderVersions = page_run_rows.NONE_OLDER


@dataclass(slots=True)
class StoredCounts:
    """What an ingest added: pages not seen before, and page runs not yet in the queue.

    `kept` counts pages with results of older versions, `stale` those of them with a stage whose code has changed,
    `taken_over` those that got the results of the same bytes.
    """

    found: int = 0
    new_pages: int = 0
    new_page_runs: int = 0
    kept: int = 0
    stale: int = 0
    taken_over: int = 0


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block that is stored: the numbers of its pages, how many of them are new, and what became of page runs."""

    page_ids: frozenset[int]
    new_pages: int
    runs: page_run_rows.StoredRuns


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
    target: Target,
    found: Iterable[FoundPage],
    after_block: Callable[[StoredCounts], object],
    retry_while_down: Retry = _at_once,
    all_of_it: bool = True,
) -> StoredCounts:
    """Store the pages of a volume, all that are there now, in blocks; each is committed, then `after_block` is called.

    At the end what was not found is gone: it leaves the views, the queue and the quarantine; unless not `all_of_it`
    was looked through.
    """
    stored, measure_at = StoredCounts(), 2 * BLOCK
    presence = Presence(retry_while_down(partial(page_rows.present, engine, target.volume_id)))
    for block in in_blocks(found):
        added = retry_while_down(partial(store_block, engine, target, block))
        presence.note(block, added)
        stored.found += len(block)
        stored.new_pages += added.new_pages
        stored.new_page_runs += added.runs.new
        stored.kept += added.runs.kept
        stored.stale += added.runs.stale
        stored.taken_over += added.runs.taken_over
        if stored.found >= measure_at:
            retry_while_down(partial(_refresh_statistics, engine))
            measure_at *= 2
        after_block(stored)
    for ids in presence.in_batches() if all_of_it else ():
        retry_while_down(partial(remove_pages, engine, ids, presence.hidden))
    return stored


@dataclass(slots=True)
class Presence:
    """Which pages a walk through the volume has not found yet, and what it could not look into.

    `missing` holds the numbers of pages that were there before; `hidden` the names of files and folders that could
    not be read, and may hold pages still.
    """

    missing: set[int]
    hidden: set[str] = field(default_factory=set)

    def note(self, block: Sequence[FoundPage], stored: StoredBlock) -> None:
        """Take note of pages that are there."""
        self.missing -= stored.page_ids
        if self.missing:
            self.hidden |= {page.address.name for page in block if page.is_unreadable}

    def in_batches(self) -> Iterator[list[int]]:
        """Yield the numbers of the pages that were not found, some at a time."""
        ids = sorted(self.missing)
        for first in range(0, len(ids), BLOCK):
            yield ids[first : first + BLOCK]


def store_block(engine: Engine, target: Target, block: Sequence[FoundPage]) -> StoredBlock:
    """Store some pages of a volume in one transaction.

    Safe to repeat: what is there is passed over.
    """
    with engine.begin() as connection:
        know_hosts(connection, {page.host for page in block if page.host})
        pages = page_rows.store(connection, target.volume_id, block)
        described = {number: page.description for number, page in pages.present.items() if page.description}
        store_descriptions(connection, [{"page_id": number} | dict(said) for number, said in described.items()])
        runs = page_run_rows.store(connection, target.pipeline_id, target.priority, pages, target.older)
        return StoredBlock(frozenset(pages.present), len(pages.inserted), runs)


def remove_pages(engine: Engine, page_ids: Sequence[int], hidden: Set[str]) -> None:
    """Note that pages are no longer there, but for those that may lie in what could not be looked into."""
    with engine.begin() as connection:
        removed = page_rows.remove(connection, page_ids, hidden)
        page_run_rows.cancel(connection, removed, REMOVED)


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


def _insert_or_skip(connection: Connection, table: Any) -> Any:
    """Return an INSERT that passes over rows which are already there: two ingests may run at once."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()
