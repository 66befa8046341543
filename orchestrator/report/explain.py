"""Why a page took long or looks odd: its figures against its volume's medians, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from models import PageRun
from orchestrator.report.reasons import stage_medians, why_slow
from orchestrator.results.selection import Selection
from orchestrator.terminal.wording import ms_in_words
from workers.errors import UnreadableInput

MANY_TIMES = 1.5
BUSY_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A stage of the page beside the median of its volume (None where no page has it).

    It waits while it has no processor: for other processes, or for the storage.
    """

    stage: str
    wall_ms: float
    median_ms: float | None
    cpu_ms: float
    wait_ms: float
    median_wait_ms: float | None
    peak_rss_kib: int
    median_peak_rss_kib: float | None
    items: int
    median_items: float | None


@dataclass(frozen=True, slots=True)
class CountFacts:
    """What was found on the page beside the median of its volume."""

    name: str
    found: int
    median: float | None


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """One try at the page."""

    number: int
    worker: str
    outcome: str | None
    error: str | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say about one page run."""

    volume: str
    page: str
    page_number: int
    pipeline: str
    state: str
    waited_seconds: float | None
    median_wait_seconds: float | None
    wall_ms: float | None
    why: str
    stages: tuple[StageFacts, ...]
    counts: tuple[CountFacts, ...]
    attempts: tuple[AttemptFacts, ...]
    odd: tuple[str, ...]
    error: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation for `--json`."""
        return asdict(self)


def explain_pages(engine: Engine, selection: Selection) -> list[Explanation]:
    """Explain each selected page run, the newest first.

    Raises:
        UnreadableInput: there is none.
    """
    sql = """
        SELECT v.source AS volume, p.name AS page, p.page_number, l.fingerprint AS pipeline, r.*
        FROM page p
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN page_run r ON r.page_id = p.page_id
        JOIN pipeline l ON l.pipeline_id = r.pipeline_id
        WHERE r.page_run_id = :run"""
    chosen = selection.narrow(select(PageRun.page_run_id).select_from(PageRun)).order_by(PageRun.page_run_id.desc())
    with engine.connect() as connection:
        runs = connection.scalars(chosen).all()
        if not runs:
            raise UnreadableInput("The database has no such page in that volume under that pipeline.")
        return [_explain(connection, connection.execute(text(sql), {"run": run}).one()) for run in runs]


def _explain(connection: Connection, row: Any) -> Explanation:
    medians = stage_medians(connection, row.volume, row.pipeline)
    stages = _stages(connection, row, medians)
    attempts = _attempts(connection, row.page_run_id)
    done = row.state == "done"
    return Explanation(
        volume=row.volume,
        page=row.page,
        page_number=row.page_number,
        pipeline=row.pipeline,
        state=row.state,
        waited_seconds=_seconds(row.queued_at, row.started_at),
        median_wait_seconds=_median_wait(connection, row),
        wall_ms=row.wall_ms,
        why=why_slow([(stage.stage, stage.wall_ms) for stage in stages], medians) if done else f"it is {row.state}",
        stages=stages,
        counts=_counts(connection, row) if done else (),
        attempts=attempts,
        odd=_oddities(connection, row.page_run_id),
        error=f"{row.error_code}: {row.error_message}" if row.error_code else None,
    )


def _stages(connection: Connection, row: Any, medians: Mapping[str, float]) -> tuple[StageFacts, ...]:
    sql = "SELECT * FROM stage_timing WHERE page_run_id = :run ORDER BY stage_number"
    timed = connection.execute(text(sql), {"run": row.page_run_id}).all()
    items, memory, waits = (
        _stage_medians(connection, row, value) for value in ("t.items", "t.peak_rss_kib", "t.wall_ms - t.cpu_ms")
    )
    return tuple(
        StageFacts(
            stage=t.stage,
            wall_ms=t.wall_ms,
            median_ms=medians.get(t.stage),
            cpu_ms=t.cpu_ms,
            wait_ms=max(0.0, t.wall_ms - t.cpu_ms),
            median_wait_ms=waits.get(t.stage),
            peak_rss_kib=t.peak_rss_kib,
            median_peak_rss_kib=memory.get(t.stage),
            items=t.items,
            median_items=items.get(t.stage),
        )
        for t in timed
    )


_OF_VOLUME = """
    FROM page p
    JOIN volume v ON v.volume_id = p.volume_id
    JOIN page_run r ON r.page_id = p.page_id {more}
    WHERE v.source = :volume AND r.pipeline_id = :pipeline AND r.state = 'done'"""


def _stage_medians(connection: Connection, row: Any, value: str) -> dict[str, float]:
    sql = f"""
        SELECT stage, value AS median FROM (
            SELECT t.stage, {value} AS value, row_number() OVER (PARTITION BY t.stage ORDER BY {value}) AS place,
                   count(*) OVER (PARTITION BY t.stage) AS pages
            {_OF_VOLUME.format(more="JOIN stage_timing t ON t.page_run_id = r.page_run_id")}
        ) ranked WHERE place = (pages + 1) / 2"""
    rows = connection.execute(text(sql), {"volume": row.volume, "pipeline": row.pipeline_id})
    return {found.stage: found.median for found in rows}


def _median(connection: Connection, row: Any, value: str) -> float | None:
    """Return the median of an SQL expression over the done page runs of the page's volume and pipeline."""
    sql = f"""
        SELECT value FROM (
            SELECT {value} AS value, row_number() OVER (ORDER BY {value}) AS place, count(*) OVER () AS pages
            {_OF_VOLUME.format(more="")} AND {value} IS NOT NULL
        ) ranked WHERE place = (pages + 1) / 2"""
    found = connection.execute(text(sql), {"volume": row.volume, "pipeline": row.pipeline_id}).scalar()
    return None if found is None else float(found)


def _median_wait(connection: Connection, row: Any) -> float | None:
    if connection.dialect.name == "sqlite":
        return _median(connection, row, "(julianday(r.started_at) - julianday(r.queued_at)) * 86400")
    return _median(connection, row, "extract(epoch FROM r.started_at - r.queued_at)")


def _counts(connection: Connection, row: Any) -> tuple[CountFacts, ...]:
    names = ("text_lines", "separators", "faces")
    return tuple(
        CountFacts(name.replace("_", " "), getattr(row, name), _median(connection, row, f"r.{name}")) for name in names
    )


def _attempts(connection: Connection, page_run_id: int) -> tuple[AttemptFacts, ...]:
    sql = "SELECT * FROM attempt WHERE page_run_id = :run ORDER BY attempt_number"
    return tuple(
        AttemptFacts(
            row.attempt_number,
            row.worker,
            row.outcome,
            f"{row.error_code} in {row.stage or 'no stage'}: {row.error_message}" if row.error_code else None,
            _seconds(row.started_at, row.finished_at),
        )
        for row in connection.execute(text(sql), {"run": page_run_id})
    )


def _oddities(connection: Connection, page_run_id: int) -> tuple[str, ...]:
    sql = "SELECT reason, detail, measure FROM suspect_pages_all WHERE page_run_id = :run ORDER BY reason"
    rows = connection.execute(text(sql), {"run": page_run_id})
    return tuple(f"{row.reason.replace('_', ' ')} ({row.detail}: {row.measure:,.4g})" for row in rows)


def _seconds(start: object, end: object) -> float | None:
    moments = [_moment(value) for value in (start, end)]
    if moments[0] is None or moments[1] is None:
        return None
    return max(0.0, (moments[1] - moments[0]).total_seconds())


def _moment(value: object) -> datetime | None:
    """Read a moment of either database: SQLite gives text to plain SQL."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, datetime) else None


def render_explanation(e: Explanation) -> str:
    """Return the explanation as text."""
    return "\n".join(_lines(e)) + "\n"


def _lines(e: Explanation) -> Iterator[str]:
    yield f"{e.page}, page {e.page_number} of {e.volume}, pipeline {e.pipeline}: {e.state}"
    if e.error:
        yield f"  It failed last with {e.error}"
    if e.wall_ms is not None:
        yield f"  It took {ms_in_words(e.wall_ms)}: {e.why}."
    if e.waited_seconds is not None:
        usual = f" (usual: {ms_in_words(1000 * e.median_wait_seconds)})" if e.median_wait_seconds is not None else ""
        yield f"  It waited {ms_in_words(1000 * e.waited_seconds)} in the queue{usual}."
    yield from _busy(e.stages)
    yield from _stage_table(e.stages)
    for count in e.counts:
        yield f"  {count.name}: {count.found:,}{_beside(count.found, count.median)}"
    if len(e.attempts) > 1 or e.state != "done":
        for attempt in e.attempts:
            ended = attempt.error or attempt.outcome or "not ended"
            took = f", {ms_in_words(1000 * attempt.seconds)}" if attempt.seconds is not None else ""
            yield f"  Attempt {attempt.number} on {attempt.worker}{took}: {ended}"
    for oddity in e.odd:
        yield f"  Odd: {oddity}"
    if e.state == "done" and not e.odd:
        yield "  Nothing about it looks odd."


def _busy(stages: Sequence[StageFacts]) -> Iterator[str]:
    wall, wait = sum(stage.wall_ms for stage in stages), sum(stage.wait_ms for stage in stages)
    if wall > 500 and wait > (1 - BUSY_SHARE) * wall:
        longest = max(stages, key=lambda stage: stage.wait_ms)
        yield (
            f"  It had no processor for {ms_in_words(wait)} of that, most of it in {longest.stage}: "
            "the machine was busy, or its storage slow."
        )


def _stage_table(stages: Sequence[StageFacts]) -> Iterator[str]:
    if not stages:
        return
    heads = ("stage", "time", "usual", "wait", "usual", "MiB", "usual", "items", "usual")
    rows = [heads, *map(_stage_cells, stages)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row, mark in zip(rows, ["", *map(_mark, stages)], strict=True):
        stage, *cells = (
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"  {stage} {' '.join(cells)}{mark}"


def _stage_cells(s: StageFacts) -> tuple[str, ...]:
    return (
        s.stage, ms_in_words(s.wall_ms), _usual(s.median_ms), ms_in_words(s.wait_ms), _usual(s.median_wait_ms),
        _mib(s.peak_rss_kib), _mib(s.median_peak_rss_kib), _number(s.items), _number(s.median_items),
    )  # fmt: skip


def _mark(s: StageFacts) -> str:
    if not s.median_ms or s.wall_ms <= MANY_TIMES * s.median_ms:
        return ""
    ratio = s.wall_ms / s.median_ms
    return f"  {ratio:.1f}x" if ratio < 10 else f"  {ratio:,.0f}x"


def _number(count: float | None) -> str:
    if count is None:
        return "-"
    return f"{count / 1e6:,.1f} M" if count >= 1e6 else f"{count:,.0f}"


def _usual(ms: float | None) -> str:
    return "-" if ms is None else ms_in_words(max(0.0, ms))


def _mib(kib: float | None) -> str:
    return "-" if kib is None else f"{kib / 1024:,.0f}"


def _beside(found: int, median: float | None) -> str:
    if not median:
        return ""
    if not found:
        return f", where the volume's median is {median:,.0f}"
    if found > MANY_TIMES * median or found * MANY_TIMES < median:
        return f", {found / median:.1f} times the volume's median of {median:,.0f}"
    return f", as usual (median {median:,.0f})"
