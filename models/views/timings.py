"""Percentiles of the stages' times, by volume and by day."""

from __future__ import annotations

from collections.abc import Iterator

from models.views.view import CURRENT, OF_PAGE_RUN, OF_PIPELINE, View, of_history

_MEANINGS = {
    "stage": "decode, palette, binarization, separators, segmentation, second_reader, structure, faces or record",
    "pipeline": "Fingerprint of the pipeline: the parameters and versions that made it",
    "pages": "Number of finished pages",
    "p50_ms": "Median of the elapsed time, milliseconds, nearest rank",
    "p95_ms": "The elapsed time that 95 of 100 pages do not exceed, milliseconds",
    "p99_ms": "The elapsed time that 99 of 100 pages do not exceed, milliseconds",
    "max_ms": "The longest elapsed time, milliseconds",
    "mean_ms": "Mean of the elapsed time, milliseconds",
    "mean_cpu_ms": "Mean of the processor time, milliseconds",
    "max_peak_rss_kib": "Largest peak_rss_kib of page_timings, KiB",
}
_DAYS = {
    "sqlite": "substr(r.finished_at, 1, 10)",
    "postgresql": "to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}


def _percentiles(by: str, group: str, condition: str) -> str:
    # nearest rank: the smallest value that at least so many hundredths of the values do not exceed
    ranks = ", ".join(
        f"max(CASE WHEN place = (pages * {share} + 99) / 100 THEN wall_ms END) AS p{share}_ms" for share in (50, 95, 99)
    )
    return f"""
        SELECT {group}, stage, pipeline, pages, {ranks}, max(wall_ms) AS max_ms, avg(wall_ms) AS mean_ms,
               avg(cpu_ms) AS mean_cpu_ms, max(peak_rss_kib) AS max_peak_rss_kib
        FROM (
            SELECT {by} AS {group}, t.stage, l.fingerprint AS pipeline, t.wall_ms, t.cpu_ms, t.peak_rss_kib,
                   row_number() OVER (PARTITION BY {by}, t.stage, l.fingerprint ORDER BY t.wall_ms) AS place,
                   count(*) OVER (PARTITION BY {by}, t.stage, l.fingerprint) AS pages
            FROM stage_timing t JOIN page_run r ON r.page_run_id = t.page_run_id{OF_PAGE_RUN}{OF_PIPELINE}
            WHERE r.state = 'done'{condition}
        ) ranked
        GROUP BY {group}, stage, pipeline, pages"""


def _views(name: str, group: str, meaning: str, of_group: str, by: dict[str, str]) -> Iterator[View]:
    described = {group: of_group} | _MEANINGS
    for view, means, condition in (
        (name, meaning, f" AND {CURRENT}"),
        (f"{name}_all", of_history(name), ""),
    ):
        queries = {dialect: _percentiles(expression, group, condition) for dialect, expression in by.items()}
        yield View(view, means, described, queries)


VIEWS = (
    *_views(
        "stage_percentiles_by_volume",
        "volume",
        "How the times of each stage spread over a volume's finished pages",
        "Name of the volume",
        dict.fromkeys(_DAYS, "v.source"),
    ),
    *_views(
        "stage_percentiles_by_day",
        "day",
        "How the times of each stage spread over the pages that were finished on a day",
        "The day in UTC, YYYY-MM-DD",
        _DAYS,
    ),
)
