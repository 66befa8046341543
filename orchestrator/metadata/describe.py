"""Describing the pages of a volume: by its pattern, by the table beside its scans, by one that is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models import Page, PageDescription, Volume
from models.many import is_one_of
from orchestrator.metadata.mets import read_mets_of
from orchestrator.metadata.patterns import PathPattern, path_pattern
from orchestrator.metadata.tables import BESIDE_SCANS, read_table
from orchestrator.metadata.values import Description
from workers.sources.escape import unescaped

BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class Described:
    """How many pages are described, how many are not, and which rows of the tables name no page that is there."""

    pages: int
    left_out: int
    named_and_missing: tuple[str, ...]


def remember_pattern(engine: Engine, volume_id: int, pattern: PathPattern) -> None:
    """Keep the pattern with the volume, for the pages that later ingests find."""
    with engine.begin() as connection:
        connection.execute(update(Volume).where(Volume.volume_id == volume_id).values(fields=pattern.text))


def describe_volume(
    engine: Engine, volume_id: int, table: Path | None = None, note: Callable[[str], object] = str
) -> Described | None:
    """Describe the pages of a volume that are there; None where nothing is known to describe them by.

    METS beside the scans goes before the pattern, a table there before METS, and one that is named before all.

    Raises:
        UnreadableInput: a table cannot be read.
    """
    with engine.connect() as connection:
        of_volume = select(Volume.location, Volume.fields).where(Volume.volume_id == volume_id)
        volume = connection.execute(of_volume).one()
    location = Path(unescaped(volume.location))
    tables = [path for path in (_beside(location), table) if path is not None]
    named = read_mets_of(location, note) if location.is_dir() else {}
    if volume.fields is None and not tables and not named:
        return None
    pattern = path_pattern(volume.fields) if volume.fields else None
    for path in tables:
        for page, values in read_table(path).items():
            named[page] = named.get(page, {}) | values
    return _describe(engine, volume_id, volume.location, pattern, named)


def _beside(location: Path) -> Path | None:
    beside = (location if location.is_dir() else location.parent) / BESIDE_SCANS
    return beside if beside.is_file() else None


def _describe(
    engine: Engine, volume_id: int, location: str, pattern: PathPattern | None, named: dict[str, Description]
) -> Described:
    total, left_out, used = 0, 0, set()
    for block in _pages(engine, volume_id):
        rows = []
        for page_id, name in block:
            key = next((key for key in (name, name.rpartition("/")[2]) if key in named), None)
            values = (pattern.read(f"{location}/{name}") if pattern else None) or {}
            if key is not None:
                used.add(key)
                values = values | named[key]
            if values:
                rows.append({"page_id": page_id} | values)
        with engine.begin() as connection:
            _store(connection, rows)
        total += len(rows)
        left_out += len(block) - len(rows)
    # masters and service copies are named both, and one of them is ingested
    there = {_stem(name) for name in used}
    return Described(total, left_out, tuple(sorted(name for name in named if _stem(name) not in there)))


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _pages(engine: Engine, volume_id: int) -> Iterator[Sequence[Any]]:
    last = 0
    while True:
        wanted = select(Page.page_id, Page.name).where(Page.volume_id == volume_id, Page.gone_at.is_(None))
        with engine.connect() as connection:
            block = connection.execute(wanted.where(Page.page_id > last).order_by(Page.page_id).limit(BLOCK)).all()
        if not block:
            return
        yield block
        last = block[-1].page_id


def _store(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert descriptions, or change the fields that are given of those that are there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    ids = [row["page_id"] for row in rows]
    stored = {
        old["page_id"]: old
        for old in connection.execute(
            select(PageDescription.__table__).where(is_one_of(connection, PageDescription.page_id, ids))
        ).mappings()
    }
    for row in rows:
        if (old := stored.get(row["page_id"])) and all(old[name] == value for name, value in row.items()):
            continue
        changed = {name: value for name, value in row.items() if name != "page_id"}
        inserted = dialect.insert(PageDescription).values(row)
        connection.execute(inserted.on_conflict_do_update(index_elements=["page_id"], set_=changed))
