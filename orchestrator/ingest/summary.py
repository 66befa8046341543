"""What an ingest ends with: counts, reasons and the time each stage took, from SQL alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, Select, exists, func, literal, select
from sqlalchemy.orm import aliased

from models import Page, PageRun, PageRunState, StageTiming, database_now

MAX_LISTED = 20

AnySelect: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StageSummary:
    """The spread of one stage's wall time over the pages, in milliseconds."""

    stage: str
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class QuarantinedPage:
    """A page that failed for good, with its reason."""

    page: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of the page runs in question."""

    pages: int
    done: int
    quarantined: int
    cancelled: int  # by a person; pages whose file has changed or is gone are not counted
    unfinished: int
    empty: int
    text_lines: int
    separators: int
    faces: int
    failures: tuple[QuarantinedPage, ...]
    stages: tuple[StageSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many page runs stand where."""

    by_state: dict[str, int]

    @property
    def total(self) -> int:
        """All page runs."""
        return sum(self.by_state.values())

    def of(self, *states: PageRunState) -> int:
        """Return the number in these states."""
        return sum(self.by_state.get(state, 0) for state in states)

    @property
    def unfinished(self) -> int:
        """Page runs that are still to end."""
        return self.of(PageRunState.READY, PageRunState.QUEUED, PageRunState.RUNNING)


def count_page_runs(engine: Engine, volume_ids: Sequence[int], pipeline_ids: Sequence[int]) -> Counts:
    """Count the page runs of some volumes under some pipelines by state, of pages that are there."""
    statement = _page_runs(volume_ids, pipeline_ids, PageRun.state, func.count().label("pages")).group_by(PageRun.state)
    with engine.connect() as connection:
        return Counts({row.state: row.pages for row in connection.execute(statement)})


def moment(engine: Engine) -> datetime:
    """Return the time on the database's clock."""
    with engine.connect() as connection:
        return connection.execute(select(database_now())).scalar_one()


def count_finished(engine: Engine, volume_ids: Sequence[int], pipeline_ids: Sequence[int], since: datetime) -> int:
    """Return how many page runs of some volumes ended since a moment."""
    ended = _page_runs(volume_ids, pipeline_ids, func.count()).where(PageRun.finished_at >= since)
    with engine.connect() as connection:
        return int(connection.execute(ended).scalar_one())


def summarise(engine: Engine, volume_ids: Sequence[int], pipeline_ids: Sequence[int]) -> Summary:
    """Return the summary of some volumes under some pipelines: of each page the newest result."""
    counts = count_page_runs(engine, volume_ids, pipeline_ids)
    with engine.connect() as connection:
        empty = func.count(PageRun.empty_reason)
        found = [func.coalesce(func.sum(c), 0) for c in (PageRun.text_lines, PageRun.separators, PageRun.faces)]
        done = _page_runs(volume_ids, pipeline_ids, empty, *found).where(PageRun.state == PageRunState.DONE)
        empty_pages, lines, separators, faces = connection.execute(done).one()
        return Summary(
            pages=counts.total,
            done=counts.of(PageRunState.DONE),
            quarantined=counts.of(PageRunState.QUARANTINED),
            cancelled=counts.of(PageRunState.CANCELLED),
            unfinished=counts.unfinished,
            empty=empty_pages,
            text_lines=int(lines),
            separators=int(separators),
            faces=int(faces),
            failures=_failures(connection, volume_ids, pipeline_ids),
            stages=_stages(connection, volume_ids, pipeline_ids),
        )


def _failures(
    connection: Connection, volume_ids: Sequence[int], pipeline_ids: Sequence[int]
) -> tuple[QuarantinedPage, ...]:
    statement = _page_runs(volume_ids, pipeline_ids, Page.name, PageRun.error_code, PageRun.error_message)
    rows = connection.execute(
        statement.where(PageRun.state == PageRunState.QUARANTINED).order_by(PageRun.page_run_id).limit(MAX_LISTED)
    )
    return tuple(QuarantinedPage(name, code or "", message or "") for name, code, message in rows)


def _stages(connection: Connection, volume_ids: Sequence[int], pipeline_ids: Sequence[int]) -> tuple[StageSummary, ...]:
    place = func.min(StageTiming.stage_number)
    counted = _timings(volume_ids, pipeline_ids, StageTiming.stage, func.count(), place)
    summaries = []
    for stage, count, _ in connection.execute(counted.group_by(StageTiming.stage).order_by(place)).all():
        ordered = _timings(volume_ids, pipeline_ids, StageTiming.wall_ms).where(StageTiming.stage == stage)
        ordered = ordered.order_by(StageTiming.wall_ms).limit(1)
        median, p95 = (connection.scalars(ordered.offset(int(share * (count - 1)))).one() for share in (0.5, 0.95))
        summaries.append(StageSummary(stage, median, p95))
    return tuple(summaries)


def _page_runs(volume_ids: Sequence[int], pipeline_ids: Sequence[int], *columns: Any) -> AnySelect:
    return _of_volumes(select(*columns).select_from(PageRun), volume_ids, pipeline_ids)


def _timings(volume_ids: Sequence[int], pipeline_ids: Sequence[int], *columns: Any) -> AnySelect:
    runs = select(*columns).select_from(StageTiming).join(PageRun, PageRun.page_run_id == StageTiming.page_run_id)
    return _of_volumes(runs, volume_ids, pipeline_ids)


def _of_volumes(statement: AnySelect, volume_ids: Sequence[int], pipeline_ids: Sequence[int]) -> AnySelect:
    return statement.join(Page, Page.page_id == PageRun.page_id).where(
        Page.volume_id.in_(volume_ids), _of_pipelines(pipeline_ids), Page.gone_at.is_(None)
    )


def _of_pipelines(pipeline_ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition for the page runs of a pipeline; of several, for each page the newest."""
    if len(pipeline_ids) == 1:
        return PageRun.pipeline_id == pipeline_ids[0]
    later = aliased(PageRun)
    newer = select(literal(1)).where(later.page_id == PageRun.page_id, later.pipeline_id.in_(pipeline_ids))
    newer = newer.where(later.page_run_id > PageRun.page_run_id).correlate(PageRun)
    return PageRun.pipeline_id.in_(pipeline_ids) & ~exists(newer)
