"""Volumes that lie in each other, or elsewhere than before: they are one set of pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, select, update
from sqlalchemy.orm import aliased

from models import Page, Volume, database_now
from workers.sources.escape import escaped, unescaped
from workers.sources.stores.location import NO_ACCESS, Location, stored_location

MOVED = "moved"


def volume_around(engine: Engine, location: Path | Location) -> tuple[str, str] | None:
    """Return source and location (both escaped) of the outermost volume whose folder holds `location`, None if none."""
    parents = [escaped(str(parent)) for parent in location.parents]
    around = select(Volume.source, Volume.location).where(
        Volume.location.in_(parents), Volume.kind.in_(("directory", "prefix"))
    )
    with engine.connect() as connection:
        found = connection.execute(around).all()
    return min(((row.source, row.location) for row in found), key=lambda one: len(one[1]), default=None)


def is_in_volume(engine: Engine, location: Path) -> bool:
    """Return whether a folder is a volume, or lies in one."""
    holders = [escaped(str(folder)) for folder in (location, *location.parents)]
    known = select(Volume.volume_id).where(Volume.location.in_(holders), Volume.kind == "directory").limit(1)
    with engine.connect() as connection:
        return connection.scalar(known) is not None


def absorb(engine: Engine, volume_id: int, location: Path | Location) -> int:
    """Count the pages of volumes inside a folder as pages of its volume alone; returns how many there were."""
    inside = _inside(location).where(Volume.volume_id != volume_id)
    if isinstance(location, Location):
        with engine.connect() as connection:
            inside = select(Volume.volume_id).where(Volume.volume_id.in_(_of_one_store(connection, inside, location)))
    moved = update(Page).where(Page.volume_id.in_(inside), Page.gone_at.is_(None))
    with engine.begin() as connection:
        return connection.execute(moved.values(gone_at=database_now(), gone_reason=MOVED)).rowcount


def _inside(location: Path | Location) -> Select[Any]:
    beginning = str(replace(location, access=NO_ACCESS) if isinstance(location, Location) else location)
    return select(Volume.volume_id).where(
        Volume.location.startswith(f"{escaped(beginning).rstrip('/')}/", autoescape=True)
    )


def _of_one_store(connection: Connection, inside: Select[Any], location: Location) -> list[int]:
    """Return those of some volumes that are reached as `location` is: elsewhere a bucket of its name is another."""
    rows = connection.execute(select(Volume.volume_id, Volume.location).where(Volume.volume_id.in_(inside)))
    places = [(row.volume_id, stored_location(unescaped(row.location))) for row in rows]
    return [number for number, one in places if isinstance(one, Location) and one.access == location.access]


def follow_moved(engine: Engine, volume_id: int) -> list[str]:
    """Take pages out of volumes that are no longer where they were and whose bytes this volume holds; returns which."""
    here, there = aliased(Page), aliased(Page)
    same = select(there.page_id, there.volume_id).join(here, here.sha256 == there.sha256)
    same = same.where(here.volume_id == volume_id, here.gone_at.is_(None), here.sha256 != "")
    same = same.where(there.volume_id != volume_id, there.gone_at.is_(None))
    with engine.begin() as connection:
        found = select(Volume.volume_id, Volume.source, Volume.location)
        holders = connection.execute(found.where(Volume.volume_id.in_(select(same.subquery().c.volume_id)))).all()
        left = {row.volume_id: row.source for row in holders if _has_left(unescaped(row.location))}
        if left:
            pages = same.subquery()
            moved = select(pages.c.page_id).where(pages.c.volume_id.in_(left))
            gone = update(Page).where(Page.page_id.in_(moved))
            connection.execute(gone.values(gone_at=database_now(), gone_reason=MOVED))
    return sorted(left.values())


def _has_left(location: str) -> bool:
    place = stored_location(location)
    return isinstance(place, Path) and not place.exists()
