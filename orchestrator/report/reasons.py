"""Why a page took long: the stage that took most more than it does in its volume, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

SLOWEST = 10


@dataclass(frozen=True, slots=True)
class Slowness:
    """A slow page, its time in milliseconds, and why."""

    volume: str
    page: str
    page_run_id: int
    wall_ms: float
    why: str


def slowest_first(scope: str) -> str:
    """Return the question for the slowest pages within a fragment of SQL."""
    return f"""
        SELECT v.source, p.name, r.page_run_id, r.wall_ms, l.fingerprint FROM {scope}
        AND r.state = 'done' AND r.wall_ms IS NOT NULL ORDER BY r.wall_ms DESC LIMIT {SLOWEST}"""


def slow_pages(connection: Connection, rows: Sequence[Any]) -> tuple[Slowness, ...]:
    """Return the slowest pages, the rows of `slowest_first`, with their reasons."""
    medians = {(row[0], row[4]): stage_medians(connection, row[0], row[4]) for row in rows}
    return tuple(
        Slowness(volume, page, run, ms, why_slow(stage_times(connection, run), medians[volume, pipeline]))
        for volume, page, run, ms, pipeline in rows
    )


def stage_medians(connection: Connection, volume: str, pipeline: str) -> dict[str, float]:
    """Return the median time of each stage in a volume under a pipeline, in milliseconds."""
    sql = "SELECT stage, p50_ms FROM stage_percentiles_by_volume_all WHERE volume = :volume AND pipeline = :pipeline"
    rows = connection.execute(text(sql), {"volume": volume, "pipeline": pipeline})
    return {row.stage: row.p50_ms for row in rows}


def stage_times(connection: Connection, page_run_id: int) -> list[tuple[str, float]]:
    """Return the stages of a page run and their times in milliseconds, in order."""
    sql = "SELECT stage, wall_ms FROM stage_timing WHERE page_run_id = :run ORDER BY stage_number"
    return [(stage, ms) for stage, ms in connection.execute(text(sql), {"run": page_run_id})]


def why_slow(times: Sequence[tuple[str, float]], medians: Mapping[str, float]) -> str:
    """Say which stage took most more than usual; `medians` are those of the volume."""
    if not times:
        return "no stage was timed"
    stage, ms = max(times, key=lambda item: item[1] - medians.get(item[0], 0.0))
    median = medians.get(stage, 0.0)
    if median <= 0 or ms - median < 0.2 * sum(time for _, time in times):
        return f"as usual in its volume; most of it {max(times, key=lambda item: item[1])[0]}"
    return f"{stage} took {ms:,.0f} ms, {ms / median:.1f} times the volume's median of {median:,.0f} ms"
