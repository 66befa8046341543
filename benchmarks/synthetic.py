"""A synthetic archive of any size, to measure what readers ask of a large one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, func, insert, select

from models import Page, PageRun, Pipeline, Volume

WIDTH, HEIGHT, COLUMNS = 3600, 6300, 4
LINE_COLUMNS = ("page_run_id", "line_number", "x_min", "y_min", "x_max", "y_max")

Row = tuple[int, ...]


def fill(engine: Engine, volumes: int, pages: int, lines: int) -> int:
    """Store `volumes` x `pages` x `lines` boxes, less the volumes that are there, and return how many lines that makes.

    The database must be empty, or one that this has begun to fill.
    """
    with engine.begin() as connection:
        filled = connection.execute(select(func.count()).select_from(Volume)).scalar_one()
        if not filled:
            pipeline = {"pipeline_id": 1, "fingerprint": "0" * 16, "parameters": "{}", "versions": "{}"}
            connection.execute(insert(Pipeline), pipeline)
    for volume in range(filled + 1, volumes + 1):
        with engine.begin() as connection:
            _fill_volume(connection, volume, pages, lines)
    if filled < volumes:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    return max(volumes - filled, 0) * pages * lines


def _fill_volume(connection: Connection, volume: int, pages: int, lines: int) -> None:
    source = f"volume-{volume:04}"
    connection.execute(
        insert(Volume), {"volume_id": volume, "source": source, "location": f"/{source}", "kind": "directory"}
    )
    first = (volume - 1) * pages + 1
    numbers = range(first, first + pages)
    connection.execute(insert(Page), [_page(volume, number, number - first + 1) for number in numbers])
    connection.execute(insert(PageRun), [_page_run(number, lines) for number in numbers])
    generator = np.random.default_rng(volume)
    for number in numbers:
        _store_lines(connection, page_lines(number, lines, generator))


def _page(volume: int, page_id: int, page_number: int) -> dict[str, Any]:
    name = f"p{page_number:05}.tif"
    address = f'{{"members":["{name}"],"frame":null}}'
    return {
        "page_id": page_id, "volume_id": volume, "page_number": page_number, "name": name, "address": address,
        "sha256": f"{page_id:064x}", "size_bytes": 1, "modified_ns": 0,
    }  # fmt: skip


def _page_run(page_id: int, lines: int) -> dict[str, Any]:
    return {
        "page_run_id": page_id, "page_id": page_id, "pipeline_id": 1, "state": "done", "width": WIDTH,
        "height": HEIGHT, "text_lines": lines, "separators": 0, "faces": 0, "wall_ms": 1000.0,
        "finished_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip


def page_lines(page_run_id: int, lines: int, generator: np.random.Generator) -> list[Row]:
    """Return the rows of a page of four columns: page run, number, box."""
    number = np.arange(lines)
    per_column = -(-lines // COLUMNS)
    x = number // per_column * (WIDTH // COLUMNS) + generator.integers(20, 60, lines)
    y = number % per_column * (HEIGHT // per_column) + generator.integers(0, 12, lines)
    right = x + WIDTH // COLUMNS - generator.integers(80, 200, lines)
    rows = np.stack([np.full(lines, page_run_id), number + 1, x, y, right, y + 34], axis=1).tolist()
    return [tuple(row) for row in rows]


def _store_lines(connection: Connection, rows: list[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    names = ", ".join(LINE_COLUMNS)
    if connection.dialect.name == "sqlite":
        driver.executemany(f"INSERT INTO text_line ({names}) VALUES (?, ?, ?, ?, ?, ?)", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY text_line ({names}) FROM STDIN WITH (FORMAT csv)") as copy:
        for block in _csv_blocks(rows):
            copy.write(block)


def _csv_blocks(rows: list[Row]) -> Iterator[str]:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    yield out.getvalue()
