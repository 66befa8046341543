"""Volumes that lie in each other: a folder and a part of it are one set of pages."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, select, update

from models import Page, Volume, database_now
from workers.sources.escape import escaped

MOVED = "moved"


def volume_around(engine: Engine, location: Path) -> tuple[str, str] | None:
    """Return source and location (both escaped) of the outermost volume whose folder holds `location`, None if none."""
    parents = [escaped(str(parent)) for parent in location.parents]
    around = select(Volume.source, Volume.location).where(Volume.location.in_(parents), Volume.kind == "directory")
    with engine.connect() as connection:
        found = connection.execute(around).all()
    return min(((row.source, row.location) for row in found), key=lambda one: len(one[1]), default=None)


def absorb(engine: Engine, volume_id: int, location: Path) -> int:
    """Count the pages of volumes inside a folder as pages of its volume alone; returns how many there were."""
    inside = select(Volume.volume_id).where(
        Volume.location.startswith(f"{escaped(str(location)).rstrip('/')}/", autoescape=True),
        Volume.volume_id != volume_id,
    )
    moved = update(Page).where(Page.volume_id.in_(inside), Page.gone_at.is_(None))
    with engine.begin() as connection:
        return connection.execute(moved.values(gone_at=database_now(), gone_reason=MOVED)).rowcount
