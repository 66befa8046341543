"""Scans that are named beside the others and are not there: pages in quarantine, until their scans turn up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, update

from models import NEVER_SEEN_NS, Page, PageRun, PageRunState, database_now
from models.many import insert_new_rows, insert_rows, is_one_of
from orchestrator.discovery.bags import DECLARATION, read_manifest
from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.passed_over import is_named_as_scan
from orchestrator.ingest.rows import Target
from orchestrator.metadata.describe import MissingPage, store_descriptions
from workers.errors import MissingScan
from workers.sources.address import PageAddress
from workers.sources.escape import escaped


def missing_of_bag(location: Path) -> Iterator[MissingPage]:
    """Yield the scans that the manifest of a bag names and that are not in it; none where it cannot be read."""
    if not (location / DECLARATION).is_file():
        return
    try:
        algorithm, named = read_manifest(location)
    except (OSError, ValueError, LookupError):
        return  # told when the bag was opened
    for name in named:
        if is_named_as_scan(name) and not (location / name).exists():
            yield MissingPage(escaped(name), f"manifest-{algorithm}.txt", {})


def settle_missing(engine: Engine, target: Target, missing: Sequence[MissingPage]) -> int:
    """Keep a page in quarantine for each scan that is missing, and no others; returns how many there are.

    They stand behind the pages that are there, in natural order.
    """
    wanted = {page.name: page for page in sorted(missing, key=lambda page: natural_key(page.name), reverse=True)}
    with engine.begin() as connection:
        wanted = {name: wanted[name] for name in reversed(wanted) if not _is_there(connection, target, name)}
        known = _known(connection, target)
        found = [page_id for name, page_id in known.items() if name not in wanted]
        if found:
            connection.execute(delete(Page).where(is_one_of(connection, Page.page_id, found)))
        if wanted:
            _store(connection, target, wanted)
    return len(wanted)


def _store(connection: Connection, target: Target, wanted: dict[str, MissingPage]) -> None:
    there = select(func.max(Page.page_number)).where(
        Page.volume_id == target.volume_id, Page.modified_ns != NEVER_SEEN_NS
    )
    last = connection.scalar(there.where(Page.gone_at.is_(None))) or 0
    numbers = {name: number for number, name in enumerate(wanted, last + 1)}
    known = _known(connection, target)
    insert_rows(connection, Page, [_page_row(target, name, numbers[name]) for name in wanted if name not in known])
    moved = [{"known_id": page_id, "number": numbers[name]} for name, page_id in known.items()]
    if moved:
        connection.execute(
            update(Page).where(Page.page_id == bindparam("known_id")).values(page_number=bindparam("number")), moved
        )
    known = _known(connection, target)
    runs = [_run_row(target, page_id, wanted[name]) for name, page_id in known.items()]
    for (page_run_id,) in insert_new_rows(connection, PageRun, runs, PageRun.page_run_id):
        ended = update(PageRun).where(PageRun.page_run_id == page_run_id)
        connection.execute(ended.values(finished_at=database_now()))
    values = [{**wanted[name].values, "page_id": page_id} for name, page_id in known.items() if wanted[name].values]
    store_descriptions(connection, values)


def _known(connection: Connection, target: Target) -> dict[str, int]:
    stored = select(Page.name, Page.page_id).where(
        Page.volume_id == target.volume_id, Page.modified_ns == NEVER_SEEN_NS
    )
    return {row.name: row.page_id for row in connection.execute(stored)}


def _is_there(connection: Connection, target: Target, name: str) -> bool:
    """Return whether the volume has a page of that name, be it one that cannot be read."""
    there = select(Page.page_id).where(Page.volume_id == target.volume_id, Page.name == name, Page.gone_at.is_(None))
    return connection.scalar(there.where(Page.modified_ns != NEVER_SEEN_NS).limit(1)) is not None


def _page_row(target: Target, name: str, number: int) -> dict[str, Any]:
    return {
        "volume_id": target.volume_id,
        "page_number": number,
        "name": name,
        "address": PageAddress((name,)).to_json(),
        "sha256": "",
        "size_bytes": 0,
        "modified_ns": NEVER_SEEN_NS,
    }


def _run_row(target: Target, page_id: int, page: MissingPage) -> dict[str, Any]:
    return {
        "page_id": page_id,
        "pipeline_id": target.pipeline_id,
        "priority": target.priority,
        "state": PageRunState.QUARANTINED,
        "error_code": MissingScan.code,
        "error_message": f"{page.name} is named in {page.source} and not there; copy the scan, and ingest again.",
    }
