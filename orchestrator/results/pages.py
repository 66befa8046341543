"""Finished pages out of the database, as values, in the order of their volumes; a block at a time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, literal, select, tuple_

from models import Face, Page, PageRun, PageRunState, Picture, Pipeline, Separator, TextLine, Volume
from orchestrator.results.selection import Selection
from workers import layout
from workers.layout import BoundingBox, PageLayout
from workers.sources.escape import unescaped

BLOCK_PAGES = 200


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made the results: a pipeline with its parameters and versions (both JSON)."""

    fingerprint: str
    parameters: str
    versions: str

    @property
    def software(self) -> dict[str, str]:
        """The versions by name."""
        loaded: dict[str, str] = json.loads(self.versions)
        return loaded


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """One finished page: where it came from and what was found on it."""

    page_run_id: int
    volume: str
    volume_location: str
    volume_kind: str
    page: str
    page_number: int
    address: str
    sha256: str
    finished_at: datetime
    provenance: Provenance
    layout: PageLayout


# volume_id, page_number, page_id: where a block ended
Place = tuple[int, int, int]


def read_pages(engine: Engine, selection: Selection) -> Iterator[ArchivedPage]:
    """Yield the selected pages by volume and page number; memory holds one block of them.

    No transaction stays open between blocks, so that a slow reader holds nobody up.
    """
    place: Place | None = None
    with engine.connect() as connection:
        while True:
            rows, place = page_block(connection, selection, place)
            pages = _with_boxes(connection, rows)
            connection.rollback()
            yield from pages
            if place is None:
                return


def page_block(connection: Connection, selection: Selection, place: Place | None) -> tuple[Sequence[Any], Place | None]:
    """Return the rows of the next block of selected pages after `place`, and where it ended, None for the last."""
    rows = connection.execute(_block(selection, place)).all()
    if len(rows) < BLOCK_PAGES:
        return rows, None
    return rows, (rows[-1].volume_id, rows[-1].page_number, rows[-1].page_id)


def count_pages(engine: Engine, selection: Selection) -> int:
    """Return how many pages are selected."""
    with engine.connect() as connection:
        counted = _narrowed(select(func.count()).select_from(PageRun), selection)
        return int(connection.execute(counted).scalar_one())


def volumes_of(engine: Engine, selection: Selection) -> list[str]:
    """Return the names of the volumes that hold selected pages, in their order."""
    found = _narrowed(select(Volume.source, func.min(Volume.volume_id)).select_from(PageRun), selection)
    with engine.connect() as connection:
        return [
            name for name, _ in connection.execute(found.group_by(Volume.source).order_by(func.min(Volume.volume_id)))
        ]


def page_names(engine: Engine, volumes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the volume and the name of every page of some volumes, each once."""
    named = select(Volume.source, Page.name).join(Volume, Volume.volume_id == Page.volume_id).distinct()
    with engine.connect() as connection:
        yield from ((row.source, row.name) for row in connection.execute(named.where(Volume.source.in_(volumes))))


def provenances_of(engine: Engine, selection: Selection) -> list[Provenance]:
    """Return the pipelines that made the selected results, oldest first."""
    columns = (Pipeline.pipeline_id, Pipeline.fingerprint, Pipeline.parameters, Pipeline.versions)
    found = _narrowed(select(*columns).distinct().select_from(PageRun), selection).order_by(Pipeline.pipeline_id)
    with engine.connect() as connection:
        return [Provenance(*row[1:]) for row in connection.execute(found)]


def page_run_ids(selection: Selection) -> Select[*tuple[Any, ...]]:
    """Return the query for the numbers of the selected page runs."""
    return _narrowed(select(PageRun.page_run_id).select_from(PageRun), selection)


def _narrowed(statement: Select[*tuple[Any, ...]], selection: Selection) -> Select[*tuple[Any, ...]]:
    statement = selection.narrow(statement).where(PageRun.state == PageRunState.DONE)
    if selection.pipeline is not None:
        return statement.where(Page.gone_at.is_(None))
    return statement.where(PageRun.is_current) if selection.page_runs is None else statement


def _block(selection: Selection, place: Place | None) -> Select[*tuple[Any, ...]]:
    columns = (
        PageRun.page_run_id, PageRun.width, PageRun.height, PageRun.empty_reason, PageRun.skew_degrees, PageRun.columns,
        PageRun.finished_at, Volume.volume_id, Volume.source, Volume.location, Volume.kind, Page.page_id,
        Page.page_number, Page.name, Page.address, Page.sha256, Pipeline.fingerprint, Pipeline.parameters,
        Pipeline.versions,
    )  # fmt: skip
    order = (Volume.volume_id, Page.page_number, Page.page_id)
    statement = _narrowed(select(*columns).select_from(PageRun), selection)
    if place is not None:
        statement = statement.where(tuple_(*order) > tuple_(*map(literal, place)))
    return statement.order_by(*order).limit(BLOCK_PAGES)


def _with_boxes(connection: Connection, rows: Sequence[Any]) -> list[ArchivedPage]:
    ids = [row.page_run_id for row in rows]
    found = [_boxes(connection, table, ids) for table in (TextLine, Separator, Face, Picture)]
    return [_page(row, *(boxes[row.page_run_id] for boxes in found)) for row in rows]


def _boxes(connection: Connection, table: Any, ids: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    statement = select(*table.__table__.columns).where(table.page_run_id.in_(ids))
    for row in connection.execute(statement.order_by(*table.__table__.primary_key)):
        found[row.page_run_id].append(row)
    return found


def _page(
    row: Any, lines: Sequence[Any], separators: Sequence[Any], faces: Sequence[Any], pictures: Sequence[Any]
) -> ArchivedPage:
    found = PageLayout(
        width=row.width,
        height=row.height,
        lines=tuple(_line(item) for item in lines),
        separators=tuple(layout.Separator(_bbox(item), item.origin, _points(item.path) or ()) for item in separators),
        faces=tuple(layout.Face(_bbox(item), item.label, item.confidence, item.level) for item in faces),
        empty_reason=row.empty_reason,
        skew_degrees=row.skew_degrees or 0.0,
        columns=row.columns or 0,
        pictures=tuple(
            layout.Picture(_bbox(item), _points(item.outline) or (), item.kind, item.share) for item in pictures
        ),
    )
    return ArchivedPage(
        page_run_id=row.page_run_id,
        volume=row.source,
        volume_location=unescaped(row.location),
        volume_kind=row.kind,
        page=row.name,
        page_number=row.page_number,
        address=row.address,
        sha256=row.sha256,
        finished_at=row.finished_at,
        provenance=Provenance(row.fingerprint, row.parameters, row.versions),
        layout=found,
    )


def _line(row: Any) -> layout.TextLine:
    box, baseline = _bbox(row), _points(row.baseline)
    if baseline is None and row.baseline_y_left is not None:
        baseline = (box.x_min, row.baseline_y_left), (box.x_max - 1, row.baseline_y_right)
    return layout.TextLine(
        box, baseline, _points(row.boundary), row.column_number or 1, row.kind or "body", row.confidence
    )


def _bbox(row: Any) -> BoundingBox:
    return BoundingBox(row.x_min, row.y_min, row.x_max, row.y_max)


def _points(text: str | None) -> tuple[layout.Point, ...] | None:
    return None if text is None else tuple((x, y) for x, y in json.loads(text))
