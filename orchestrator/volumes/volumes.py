"""What is done with a volume, in SQL: its name, its place, its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, case, delete, func, select, update

from models import Page, PageRun, PageRunState, Pipeline, Review, Volume
from workers.errors import UnreadableInput
from workers.sources.escape import escaped

FINAL = (PageRunState.DONE, PageRunState.QUARANTINED, PageRunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """A volume and its pages: those that are there, of them done, and those that are gone, by what became of them."""

    volume: str
    kind: str
    location: str
    pages: int
    done: int
    replaced: int
    deleted: int
    moved: int

    def to_dict(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What nothing current needs: pages that are gone, page runs that are not current, pipelines without a page run."""

    pages: int
    page_runs: int
    pipelines: int


def list_volumes(engine: Engine) -> list[VolumeFacts]:
    """Return all volumes by name."""
    reasons = [func.sum(case((Page.gone_reason == reason, 1), else_=0)) for reason in ("replaced", "deleted", "moved")]
    is_there = case((Page.gone_at.is_(None) & Page.page_id.is_not(None), 1), else_=0)
    done = case((PageRun.state == PageRunState.DONE, 1), else_=0)
    statement = (
        select(Volume.source, Volume.kind, Volume.location, func.sum(is_there), func.sum(done), *reasons)
        .outerjoin(Page, Page.volume_id == Volume.volume_id)
        .outerjoin(PageRun, (PageRun.page_id == Page.page_id) & PageRun.is_current)
        .group_by(Volume.volume_id, Volume.source, Volume.kind, Volume.location)
        .order_by(Volume.source)
    )
    with engine.connect() as connection:
        return [VolumeFacts(*row[:3], *(int(value or 0) for value in row[3:])) for row in connection.execute(statement)]


def rename_volume(engine: Engine, name: str, new_name: str) -> None:
    """Call a volume by another name.

    Raises:
        UnreadableInput: another volume has that name.
    """
    with engine.begin() as connection:
        if connection.scalar(select(Volume.volume_id).where(Volume.source == new_name)) is not None:
            raise UnreadableInput(f"There is a volume {new_name} already; choose another name.")
        connection.execute(update(Volume).where(Volume.source == name).values(source=new_name))


def call_volume(engine: Engine, location: str, name: str) -> str | None:
    """Give the volume at a location (escaped) a name; returns what it was called before, None where nothing changes.

    Raises:
        UnreadableInput: another volume has that name.
    """
    with engine.connect() as connection:
        known = connection.scalar(select(Volume.source).where(Volume.location == location))
        others = select(Volume.location).where(Volume.source == name, Volume.location != location)
        there = connection.scalar(others.limit(1))
    if there is not None:
        raise UnreadableInput(f"The volume at {there} is called {name} already; choose another name.")
    if known in (None, name):
        return None
    with engine.begin() as connection:
        connection.execute(update(Volume).where(Volume.location == location).values(source=name))
    return known


def move_volume(engine: Engine, name: str, path: Path) -> None:
    """Say that a volume lies elsewhere now; its pages stay what they are until the next ingest looks at them.

    Raises:
        UnreadableInput: there is nothing at the new place, or another volume.
    """
    try:
        location = escaped(str(path.resolve(strict=True)))
    except OSError as error:
        raise UnreadableInput(f"{path} does not exist; move the scans there first.") from error
    with engine.begin() as connection:
        there = connection.scalar(select(Volume.source).where(Volume.location == location, Volume.source != name))
        if there is not None:
            raise UnreadableInput(f"The volume {there} is at {path} already; forget it first.")
        connection.execute(update(Volume).where(Volume.source == name).values(location=location))


def forget_volume(engine: Engine, name: str) -> None:
    """Delete a volume with its pages and all that was found on them; the scans are left alone."""
    with engine.begin() as connection:
        connection.execute(delete(Volume).where(Volume.source == name))


def prune(engine: Engine, *, dry_run: bool = False) -> Pruned:
    """Delete what nothing current needs; with `dry_run` only count it.

    Results that people have reviewed stay while their scan does: they are ground truth.
    """
    gone = Page.gone_at.is_not(None)
    of_present = PageRun.page_id.in_(select(Page.page_id).where(Page.gone_at.is_(None)))
    reviewed = PageRun.page_run_id.in_(select(Review.page_run_id).where(Review.withdrawn_at.is_(None)))
    old = ~PageRun.is_current & PageRun.state.in_(FINAL) & of_present & ~reviewed
    with engine.begin() as connection:
        pages = connection.scalar(select(func.count()).select_from(Page).where(gone)) or 0
        runs = connection.scalar(select(func.count()).select_from(PageRun).where(old)) or 0
        kept = select(PageRun.pipeline_id).join(Page, Page.page_id == PageRun.page_id).where(~gone, ~old)
        unused = Pipeline.pipeline_id.not_in(kept)
        pipelines = connection.scalar(select(func.count()).select_from(Pipeline).where(unused)) or 0
        if not dry_run:
            connection.execute(delete(Page).where(gone))
            connection.execute(delete(PageRun).where(old))
            connection.execute(delete(Pipeline).where(Pipeline.pipeline_id.not_in(select(PageRun.pipeline_id))))
    return Pruned(pages, runs, pipelines)
