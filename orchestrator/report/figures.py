"""The figures of a report: what a person asks after a run, as plain values. SQL only, the same on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Engine, String, TextClause, bindparam, text

from orchestrator.report.reasons import Slowness, slow_pages, slowest_first
from orchestrator.results.selection import Selection
from workers.parameters import NOT_INSTALLED

MAX_BARS, THROUGHPUT_BARS = 24, 60
# Bounds of the histograms of times, in milliseconds: four bars for each factor of ten.
TIME_BOUNDS = tuple(round(10 ** (n / 4), 3) for n in range(-4, 25))

# The current results, or those of one pipeline on the scans that are present.
_OF_SCOPE = """(:every_volume OR v.source IN :volumes)
      AND CASE WHEN CAST(:pipeline AS VARCHAR) IS NULL THEN r.is_current
               ELSE l.fingerprint = :pipeline AND p.gone_at IS NULL END"""
_PAGE_RUNS = """page_run r
    JOIN page p ON p.page_id = r.page_id
    JOIN volume v ON v.volume_id = p.volume_id
    JOIN pipeline l ON l.pipeline_id = r.pipeline_id"""
_SCOPE = f"{_PAGE_RUNS} WHERE {_OF_SCOPE}"


@dataclass(frozen=True, slots=True)
class VolumeCounts:
    """The page runs of a volume by state."""

    volume: str
    done: int
    quarantined: int
    cancelled: int
    unfinished: int


@dataclass(frozen=True, slots=True)
class Failures:
    """Pages that failed for one reason, and the sentence on one of them."""

    code: str
    pages: int
    example: str
    message: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of values: `counts[i]` lie from `bounds[i]` to below `bounds[i + 1]`."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Throughput:
    """Pages that ended in each span of time, from `start`."""

    start: datetime
    span: timedelta
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One stage over all pages: times in milliseconds, memory in KiB."""

    stage: str
    pages: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    share: float
    peak_rss_kib: int
    histogram: Histogram


@dataclass(frozen=True, slots=True)
class Suspect:
    """A page that looks odd, and why."""

    volume: str
    page: str
    page_number: int
    page_run_id: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a report."""

    made_at: datetime
    scope: Selection
    volumes: tuple[VolumeCounts, ...]
    failures: tuple[Failures, ...]
    pipelines: tuple[tuple[str, str, str], ...]
    throughput: Throughput | None
    stages: tuple[StageFigures, ...]
    lines: Histogram
    columns: Histogram
    faces: Histogram
    totals: dict[str, int]
    slowest: tuple[Slowness, ...]
    hungriest: tuple[tuple[str, str, int], ...]
    suspects: tuple[Suspect, ...]
    suspect_counts: tuple[tuple[str, int], ...]


def read_figures(engine: Engine, scope: Selection) -> Figures:
    """Read all figures in one transaction, so that they belong together."""
    with engine.connect() as connection:
        suspects = _suspects(connection, scope)
        return Figures(
            made_at=datetime.now(UTC),
            scope=scope,
            volumes=_volumes(connection, scope),
            failures=_failures(connection, scope),
            pipelines=_pipelines(connection, scope),
            throughput=_throughput(connection, scope),
            stages=_stages(connection, scope),
            lines=_per_page(connection, scope, "r.text_lines"),
            columns=_per_page(connection, scope, "r.columns"),
            faces=_per_page(connection, scope, "r.faces"),
            totals=_totals(connection, scope),
            slowest=slow_pages(connection, _ask(connection, slowest_first(_SCOPE), scope)),
            hungriest=_hungriest(connection, scope),
            suspects=suspects,
            suspect_counts=_reason_counts(suspects),
        )


def _ask(connection: Connection, sql: str, scope: Selection, **more: Any) -> Sequence[Any]:
    return connection.execute(*_in_scope(sql, scope, **more)).all()


def _in_scope(sql: str, scope: Selection, **more: Any) -> tuple[TextClause, dict[str, Any]]:
    """Return a statement that holds `:every_volume`, `:volumes` or `:pipeline` of a scope, and its parameters."""
    statement = text(sql)
    if ":volumes" in sql:
        statement = statement.bindparams(bindparam("volumes", expanding=True, type_=String()))
        more |= {"every_volume": not scope.volumes, "volumes": list(scope.volumes)}
    return statement, more | {"pipeline": scope.pipeline}


def _volumes(connection: Connection, scope: Selection) -> tuple[VolumeCounts, ...]:
    states = ("done", "quarantined", "cancelled")
    counted = ", ".join(f"sum(CASE WHEN r.state = '{state}' THEN 1 ELSE 0 END)" for state in states)
    rows = _ask(
        connection, f"SELECT v.source, {counted}, count(*) FROM {_SCOPE} GROUP BY v.source ORDER BY v.source", scope
    )
    return tuple(
        VolumeCounts(volume, done, failed, cancelled, total - done - failed - cancelled)
        for volume, done, failed, cancelled, total in rows
    )


def _failures(connection: Connection, scope: Selection) -> tuple[Failures, ...]:
    sql = f"""
        SELECT e.error_code, counted.pages, q.name, e.error_message
        FROM (SELECT min(r.page_run_id) AS example, count(*) AS pages FROM {_SCOPE} AND r.state = 'quarantined'
              GROUP BY r.error_code) counted
        JOIN page_run e ON e.page_run_id = counted.example
        JOIN page q ON q.page_id = e.page_id
        ORDER BY counted.pages DESC, e.error_code"""
    rows = _ask(connection, sql, scope)
    return tuple(Failures(code or "unknown", pages, name, words or "") for code, pages, name, words in rows)


def _pipelines(connection: Connection, scope: Selection) -> tuple[tuple[str, str, str], ...]:
    sql = f"SELECT DISTINCT l.pipeline_id, l.fingerprint, l.parameters, l.versions FROM {_SCOPE} ORDER BY l.pipeline_id"
    return tuple((row[1], row[2], row[3]) for row in _ask(connection, sql, scope))


def _totals(connection: Connection, scope: Selection) -> dict[str, int]:
    sums = ", ".join(f"coalesce(sum(r.{name}), 0) AS {name}" for name in ("text_lines", "separators", "faces"))
    sql = f"""
        SELECT {sums}, count(r.empty_reason) AS empty, count(r.doubt) AS doubted, count(t.page_run_id) AS read_twice,
               coalesce(sum(CASE WHEN l.versions LIKE :without THEN 1 ELSE 0 END), 0) AS without_second_reader
        FROM {_PAGE_RUNS}
        LEFT JOIN stage_timing t ON t.page_run_id = r.page_run_id AND t.stage = 'second_reader'
        WHERE {_OF_SCOPE} AND r.state = 'done'"""
    (row,) = _ask(connection, sql, scope, without=f'%"segmentation.second_reader_weights":"{NOT_INSTALLED}"%')
    return {name: int(value) for name, value in row._mapping.items()}


def _throughput(connection: Connection, scope: Selection) -> Throughput | None:
    minute = "substr(r.finished_at, 1, 16)"
    if connection.dialect.name == "postgresql":
        minute = "to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"
    sql = f"""
        SELECT {minute}, count(*) FROM {_SCOPE} AND r.finished_at IS NOT NULL AND r.state IN ('done', 'quarantined')
        GROUP BY 1 ORDER BY 1"""
    rows = _ask(connection, sql, scope)
    minutes = [(datetime.strptime(at, "%Y-%m-%d %H:%M").replace(tzinfo=UTC), count) for at, count in rows]
    return in_spans(minutes) if minutes else None


def in_spans(minutes: Sequence[tuple[datetime, int]]) -> Throughput:
    """Gather counts by minute, in order, into at most `THROUGHPUT_BARS` spans of whole minutes."""
    start = minutes[0][0]
    length = int((minutes[-1][0] - start) / timedelta(minutes=1)) + 1
    span = -(-length // THROUGHPUT_BARS)
    pages = [0] * -(-length // span)
    for at, count in minutes:
        pages[int((at - start) / timedelta(minutes=1)) // span] += count
    return Throughput(start, timedelta(minutes=span), tuple(pages))


def _stages(connection: Connection, scope: Selection) -> tuple[StageFigures, ...]:
    bars = ", ".join(
        f"sum(CASE WHEN wall_ms >= {low} AND wall_ms < {high} THEN 1 ELSE 0 END)" for low, high in pairwise(TIME_BOUNDS)
    )
    ranks = ", ".join(f"max(CASE WHEN place = (pages * {p} + 99) / 100 THEN wall_ms END)" for p in (50, 95, 99))
    sql = f"""
        SELECT stage, pages, {ranks}, max(wall_ms), sum(wall_ms), max(peak_rss_kib), {bars}
        FROM (
            SELECT t.stage, t.stage_number, t.wall_ms, t.peak_rss_kib,
                   row_number() OVER (PARTITION BY t.stage ORDER BY t.wall_ms) AS place,
                   count(*) OVER (PARTITION BY t.stage) AS pages
            FROM stage_timing t CROSS JOIN {_SCOPE} AND r.state = 'done' AND r.page_run_id = t.page_run_id
        ) ranked GROUP BY stage, pages ORDER BY min(stage_number), stage"""
    rows = _ask(connection, sql, scope)
    total = sum(row[6] for row in rows) or 1.0
    return tuple(_stage(row, total) for row in rows)


def _stage(row: Sequence[Any], total_ms: float) -> StageFigures:
    stage, pages, p50, p95, p99, longest, taken, peak, *bars = row
    return StageFigures(stage, pages, p50, p95, p99, longest, taken / total_ms, peak, _trimmed(TIME_BOUNDS, bars))


def _per_page(connection: Connection, scope: Selection, column: str) -> Histogram:
    done = f"{_SCOPE} AND r.state = 'done' AND {column} IS NOT NULL"
    rows = _ask(connection, f"SELECT {column}, count(*) FROM {done} GROUP BY 1", scope)
    return of_counts({int(value): count for value, count in rows})


def of_counts(counts: dict[int, int]) -> Histogram:
    """Return the histogram of whole numbers in at most `MAX_BARS` bars of equal, round width."""
    if not counts:
        return Histogram((0.0, 1.0), (0,))
    top = max(counts)
    width = next(w for w in _round_widths() if top // w < MAX_BARS)
    bars = [0] * (top // width + 1)
    for value, count in counts.items():
        bars[value // width] += count
    return Histogram(tuple(float(n * width) for n in range(len(bars) + 1)), tuple(bars))


def _round_widths() -> list[int]:
    return [digit * 10**power for power in range(10) for digit in (1, 2, 5)]


def _trimmed(bounds: Sequence[float], counts: Sequence[int]) -> Histogram:
    used = [n for n, count in enumerate(counts) if count] or [0]
    low, high = used[0], used[-1] + 1
    return Histogram(tuple(bounds[low : high + 1]), tuple(int(count) for count in counts[low:high]))


def _hungriest(connection: Connection, scope: Selection) -> tuple[tuple[str, str, int], ...]:
    sql = f"""
        SELECT v.source, p.name, max(t.peak_rss_kib) FROM stage_timing t CROSS JOIN {_SCOPE}
          AND r.page_run_id = t.page_run_id
        GROUP BY v.source, p.name, r.page_run_id, r.finished_at ORDER BY 3 DESC, r.finished_at LIMIT 5"""
    return tuple(tuple(row) for row in _ask(connection, sql, scope))


def _suspects(connection: Connection, scope: Selection) -> tuple[Suspect, ...]:
    view = "suspect_pages_all" if scope.pipeline else "suspect_pages"
    sql = f"""
        SELECT volume, page, page_number, page_run_id, reason FROM {view}
        WHERE (:every_volume OR volume IN :volumes)
          AND (CAST(:pipeline AS VARCHAR) IS NULL OR pipeline = :pipeline)
        ORDER BY volume, page_number, page_run_id, reason"""
    found: dict[int, Suspect] = {}
    for volume, page, number, run, reason in _ask(connection, sql, scope):
        before = found[run].reasons if run in found else ()
        found[run] = Suspect(volume, page, number, run, (*before, reason))
    return tuple(found.values())


def _reason_counts(suspects: Sequence[Suspect]) -> tuple[tuple[str, int], ...]:
    reasons = [reason for suspect in suspects for reason in suspect.reasons]
    return tuple(Counter(reasons).most_common())
