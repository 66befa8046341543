"""Results that are there already, so that pages need not be read again: of the same bytes, or of older versions.

The same parameters under newer software are another pipeline. What the older one found is kept until somebody asks for
it anew; what is found of the same bytes elsewhere, in a folder that was renamed or given twice, is copied.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, insert, literal, select
from sqlalchemy.orm import aliased

from models import Face, Page, PageRun, PageRunState, Picture, Pipeline, Separator, StageTiming, TextBlock, TextLine
from models.many import insert_new_rows, is_one_of
from models.page import UNREAD
from workers.sources.address import PageAddress
from workers.stage_versions import changed_stages

_ROWS: tuple[Any, ...] = (TextLine, TextBlock, Separator, Picture, Face, StageTiming)
# What a page run has of its own, wherever its results come from.
_OWN = {"page_run_id", "page_id", "is_current", "created_at", "priority", "attempts", "attempts_forgiven"}
_COPIED = tuple(column.name for column in PageRun.__table__.columns if column.name not in _OWN)


@dataclass(frozen=True, slots=True)
class OlderVersions:
    """The pipelines of the same parameters under other software, each with the stages whose code differs from ours.

    None instead of stages: it does not tell, and any may. With `refresh` what such a stage found is read again.
    """

    changed: Mapping[int, frozenset[str] | None] = field(default_factory=dict)
    refresh: bool = False

    @property
    def pipeline_ids(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(self.changed)

    @property
    def to_take_over(self) -> tuple[int, ...]:
        """Those whose results may stand for ours on a page that has none."""
        return tuple(one for one, stages in self.changed.items() if not self.refresh or stages == frozenset())

    @property
    def stages(self) -> frozenset[str]:
        """The stages whose code differs in one of them."""
        return frozenset().union(*(stages or () for stages in self.changed.values()))

    def stale(self, connection: Connection, runs: Collection[Any]) -> set[int]:
        """Return those of some page runs (page_run_id, pipeline_id) that went through a stage whose code is another."""
        unknown = {run.page_run_id for run in runs if self.changed.get(run.pipeline_id, frozenset()) is None}
        for pipeline_id, stages in self.changed.items():
            of_pipeline = [run.page_run_id for run in runs if run.pipeline_id == pipeline_id]
            if stages and of_pipeline:
                timed = select(StageTiming.page_run_id).distinct().where(StageTiming.stage.in_(stages))
                unknown |= set(
                    connection.scalars(timed.where(is_one_of(connection, StageTiming.page_run_id, of_pipeline)))
                )
        return unknown


def older_versions(engine: Engine, pipeline_id: int, *, refresh: bool = False) -> OlderVersions:
    """Return the pipelines of the same parameters, and the same files that these name, under other software."""
    with engine.connect() as connection:
        parameters, versions = connection.execute(
            select(Pipeline.parameters, Pipeline.versions).where(Pipeline.pipeline_id == pipeline_id)
        ).one()
        alike = connection.execute(
            select(Pipeline.pipeline_id, Pipeline.versions)
            .where(Pipeline.parameters == parameters, Pipeline.pipeline_id != pipeline_id)
            .order_by(Pipeline.pipeline_id)
        ).all()
    now = json.loads(versions)
    older = {row.pipeline_id: json.loads(row.versions) for row in alike}
    changed = {one: changed_stages(old, now) for one, old in older.items() if _files(old) == _files(now)}
    return OlderVersions(changed, refresh)


def _files(versions: Mapping[str, str]) -> Mapping[str, str]:
    # a file goes by the name of its parameter, which has a dot in it; software by its own
    return {name: value for name, value in versions.items() if "." in name}


def take_over(connection: Connection, pipeline_ids: Collection[int], page_ids: Collection[int]) -> set[int]:
    """Copy the newest results of the same bytes to pages that have none; returns which pages got some."""
    if not page_ids:
        return set()
    page, other = aliased(Page), aliased(Page)
    found = connection.execute(
        select(page.page_id, page.address, other.address, PageRun.page_run_id)
        .join(other, (other.sha256 == page.sha256) & (other.page_id != page.page_id))
        .join(PageRun, PageRun.page_id == other.page_id)
        .where(is_one_of(connection, page.page_id, page_ids), page.sha256 != "", ~page.sha256.startswith(UNREAD))
        .where(PageRun.state == PageRunState.DONE, PageRun.pipeline_id.in_(pipeline_ids))
        .order_by(PageRun.finished_at, PageRun.page_run_id)
    ).all()
    newest = {page_id: run for page_id, ours, theirs, run in found if _frame(ours) == _frame(theirs)}
    return {page_id for page_id, run in newest.items() if _copy(connection, run, page_id)}


def _frame(address: str) -> int | None:
    # pages of one PDF or multi-page image share their bytes
    return PageAddress.from_json(address).frame


def _copy(connection: Connection, page_run_id: int, page_id: int) -> bool:
    """Copy a page run with its rows to another page; False when another ingest was faster."""
    columns = [PageRun.__table__.c[name] for name in _COPIED]
    values = connection.execute(select(*columns).where(PageRun.page_run_id == page_run_id)).mappings().one()
    new = insert_new_rows(connection, PageRun, [dict(values) | {"page_id": page_id}], PageRun.page_run_id)
    for (number,) in new:
        for table in _ROWS:
            names = [column.name for column in table.__table__.columns if column.name != "page_run_id"]
            rows = select(literal(number), *(table.__table__.c[name] for name in names))
            rows = rows.where(table.page_run_id == page_run_id)
            connection.execute(insert(table).from_select(["page_run_id", *names], rows, include_defaults=False))
    return bool(new)
