"""Describing the pages of a volume: by its pattern, by the table beside its scans, by one that is named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models import NEVER_SEEN_NS, Page, PageDescription, Volume
from models.many import is_one_of
from orchestrator.metadata.mets import NamedPage, read_mets_of
from orchestrator.metadata.patterns import PathPattern, path_pattern
from orchestrator.metadata.tables import BESIDE_SCANS, read_table
from orchestrator.metadata.values import Description
from workers.sources.escape import unescaped
from workers.sources.stores.location import Location, stored_location

BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class Described:
    """How many pages are described, how many are not, which are named and not there, and the other way round.

    `missing` are the scans that should lie beside what names them.
    """

    pages: int
    left_out: int
    named_and_missing: tuple[str, ...]
    not_named: tuple[str, ...] = ()
    missing: tuple[MissingPage, ...] = ()


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A scan that is named and not there: its name in the volume, what names it, and what that says of it."""

    name: str
    source: str
    values: Description


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
    location = stored_location(unescaped(volume.location))
    named = _named(location, table, note)
    if volume.fields is None and not named:
        return None
    pattern = path_pattern(volume.fields) if volume.fields else None
    above = volume.location if isinstance(location, Path) else location.shown.rstrip("/")
    return _describe(engine, volume_id, above, pattern, named)


def _named(location: Path | Location, table: Path | None, note: Callable[[str], object]) -> list[NamedPage]:
    """Return what names pages, from the least to the most certain; only what lies in a folder can miss a scan of it."""
    folder = location if isinstance(location, Path) and location.is_dir() else None
    named = read_mets_of(folder, note) if folder else []
    for path in (_beside(location) if isinstance(location, Path) else None, table):
        if path is not None:
            own = path != table and folder is not None
            rows = read_table(path).items()
            named += [NamedPage((page,), values, page if own else None, path.name) for page, values in rows]
    return named


def _beside(location: Path) -> Path | None:
    beside = (location if location.is_dir() else location.parent) / BESIDE_SCANS
    return beside if beside.is_file() else None


def _describe(
    engine: Engine, volume_id: int, location: str, pattern: PathPattern | None, named: Sequence[NamedPage]
) -> Described:
    said: dict[str, Description] = {}
    for page in named:
        said |= {name: said.get(name, {}) | page.values for name in page.names}
    total, left_out, used, not_named = 0, 0, set(), []
    for block in _pages(engine, volume_id):
        rows = []
        for page_id, name in block:
            key = next((key for key in (name, name.rpartition("/")[2]) if key in said), None)
            values = (pattern.read(f"{location}/{name}") if pattern else None) or {}
            if key is not None:
                used.add(key)
                values = values | said[key]
            elif said and not values:
                not_named.append(name)
            if values:
                rows.append({"page_id": page_id} | values)
        with engine.begin() as connection:
            store_descriptions(connection, rows)
        total += len(rows)
        left_out += len(block) - len(rows)
    missing = _missing(named, used)
    scans = {page.scan: MissingPage(page.scan, page.source, said[page.scan]) for page in missing if page.scan}
    names = tuple(sorted({page.scan or page.names[0] for page in missing}))
    return Described(total, left_out, names, tuple(not_named), tuple(scans.values()))


def _missing(named: Sequence[NamedPage], used: Collection[str]) -> list[NamedPage]:
    """Return the pages of which no file is there: masters and service copies are named both, and one is ingested."""
    there = {_stem(name) for name in used}
    return [page for page in named if there.isdisjoint(map(_stem, page.names))]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).name else name


def _pages(engine: Engine, volume_id: int) -> Iterator[Sequence[Any]]:
    last = 0
    while True:
        wanted = select(Page.page_id, Page.name).where(Page.volume_id == volume_id, Page.gone_at.is_(None))
        wanted = wanted.where(Page.modified_ns != NEVER_SEEN_NS)
        with engine.connect() as connection:
            block = connection.execute(wanted.where(Page.page_id > last).order_by(Page.page_id).limit(BLOCK)).all()
        if not block:
            return
        yield block
        last = block[-1].page_id


def store_descriptions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
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
