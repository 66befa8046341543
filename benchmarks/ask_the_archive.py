"""What readers ask of a large archive: rectangle queries, CSV, Parquet, and what the indices cost the workers.

    python -m benchmarks.ask_the_archive                                        10 million boxes on SQLite, some minutes
    python -m benchmarks.ask_the_archive --pages 20                             200,000 boxes, some seconds
    python -m benchmarks.ask_the_archive --database postgresql://USER@HOST/NAME an empty database, or one filled before

Times are of this machine at this moment, wall time and CPU time of the process; compare within one run.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, delete, func, insert, select, text

import migrations
from benchmarks.synthetic import HEIGHT, LINE_COLUMNS, WIDTH, fill, page_lines
from models import PageRun, TextLine, Volume
from models.session import open_engine, open_engine_read_only
from orchestrator.asking.formats import write_csv
from orchestrator.asking.named_queries import named_queries
from orchestrator.asking.query import run_query
from orchestrator.export.parquet import write_boxes
from orchestrator.pages import Selection

CSV_ROWS = 2_000_000
RECTANGLE_PIXELS = 300
REPEATS = 40


@dataclass(frozen=True, slots=True)
class Speed:
    """How many things went through in how many seconds, by the wall clock and of this process's CPU."""

    things: int
    wall: float
    cpu: float

    def __str__(self) -> str:
        per_cpu = f"{self.things / self.cpu:,.0f} per CPU second" if self.cpu else "no CPU"
        return f"{self.things / self.wall:,.0f}/s, {per_cpu}"


def timed(work: Callable[[], int]) -> Speed:
    """Run `work`, which returns how many things it did."""
    wall, cpu = time.perf_counter(), time.process_time()
    things = work()
    return Speed(things, time.perf_counter() - wall, time.process_time() - cpu)


@dataclass(frozen=True, slots=True)
class RectangleTimes:
    """Milliseconds of rectangle queries: the first time anybody asks, again, the CPU time of this process again."""

    first: list[float]
    again: list[float]
    cpu: list[float]
    boxes: list[int]

    def __str__(self) -> str:
        first, again, cpu = (statistics.median(times) for times in (self.first, self.again, self.cpu))
        slowest = sorted(self.again)[-(-95 * len(self.again) // 100) - 1]
        told = f"first {first:.1f} ms, again {again:.1f} ms (p95 {slowest:.1f}), {cpu:.1f} ms of CPU here"
        return f"{told}, {statistics.median(self.boxes):,.0f} boxes"


def rectangle_times(engine: Engine, volumes: int) -> RectangleTimes:
    """Ask for random rectangles in random volumes, each twice, on one connection."""
    sql = text(named_queries(engine.dialect.name)["boxes_touching"].sql)
    generator = np.random.default_rng(1)
    found = RectangleTimes([], [], [], [])
    with engine.connect() as connection:
        for _ in range(REPEATS):
            x, y = int(generator.integers(0, WIDTH - 300)), int(generator.integers(0, HEIGHT - 300))
            values = {
                "volume": f"volume-{generator.integers(1, volumes + 1):04}",
                "x_min": x, "y_min": y, "x_max": x + RECTANGLE_PIXELS, "y_max": y + RECTANGLE_PIXELS,
            }  # fmt: skip

            def ask(values: dict[str, object] = values) -> int:
                return len(connection.execute(sql, values).all())

            first, again = timed(ask), timed(ask)
            found.first.append(1000 * first.wall)
            found.again.append(1000 * again.wall)
            found.cpu.append(1000 * again.cpu)
            found.boxes.append(first.things)
    return found


def csv_speed(engine: Engine, columns: str, source: str) -> Speed:
    """Write rows as `broadsheet query --format csv` does."""

    def work() -> int:
        sql = f"SELECT {columns} FROM {source} LIMIT {CSV_ROWS}"
        with tempfile.TemporaryFile("w") as out, run_query(engine, sql) as answer:
            write_csv(answer, out)
        with engine.connect() as connection:
            counted = text(f"SELECT count(*) FROM (SELECT 1 FROM text_line LIMIT {CSV_ROWS}) AS counted")
            return int(connection.execute(counted).scalar_one())

    return timed(work)


def parquet_in_a_process(url: str, volumes: tuple[str, ...]) -> tuple[Speed, int]:
    """Export some volumes in this fresh process; also returns its peak resident memory in MiB."""
    engine = open_engine_read_only(url)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "boxes.parquet"
        speed = timed(lambda: write_boxes(engine, Selection(volumes=volumes), [], path))
    return speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def storing_speed(engine: Engine, pages: int, lines: int) -> Speed:
    """Store pages anew as a worker does: delete and insert in one transaction each."""
    generator = np.random.default_rng(7)
    with engine.connect() as connection:
        runs = connection.scalars(
            select(PageRun.page_run_id).order_by(func.abs(PageRun.page_run_id % 97)).limit(pages)
        ).all()

    def work() -> int:
        for run in runs:
            rows = [dict(zip(LINE_COLUMNS, row, strict=True)) for row in page_lines(run, lines, generator)]
            with engine.begin() as connection:
                connection.execute(delete(TextLine).where(TextLine.page_run_id == run))
                connection.execute(insert(TextLine), rows)
        return len(runs) * lines

    return timed(work)


def index_cost(lines: int) -> tuple[Speed, Speed]:
    """Store the same pages on a small SQLite file with the R*Tree and without it."""
    speeds = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("with", "without"):
            engine = open_engine(f"sqlite:///{folder}/{name}.db")
            migrations.upgrade(engine)
            fill(engine, 1, 200, 1)
            if name == "without":
                with engine.begin() as connection:
                    for event in ("insert", "delete", "update"):
                        connection.execute(text(f"DROP TRIGGER text_line_rtree_{event}"))
            speeds.append(storing_speed(engine, 200, lines))
            engine.dispose()
    return speeds[0], speeds[1]


def main() -> None:
    """Fill the database unless it is filled, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="an empty database, or one that was filled before [a temporary SQLite file]")
    parser.add_argument("--volumes", type=int, default=50)
    parser.add_argument("--pages", type=int, default=1000, help="of each volume")
    parser.add_argument("--lines", type=int, default=200, help="of each page")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(wanted.database or f"sqlite:///{folder}/large.db", wanted.volumes, wanted.pages, wanted.lines)


def measure(url: str, volumes: int, pages: int, lines: int) -> None:
    """Print all figures of one database."""
    engine = open_engine(url)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        filled = connection.execute(select(func.count()).select_from(Volume)).scalar_one()
    print(f"{engine.dialect.name}, {volumes * pages * lines:,} boxes in {volumes} volumes")
    if not filled:
        print(f"  filling, with all indices       {timed(lambda: fill(engine, volumes, pages, lines))}")
    print(f"  storing pages anew, as workers  {storing_speed(engine, 200, lines)}")
    if engine.dialect.name == "sqlite":
        with_tree, without = index_cost(lines)
        print(f"    small file with R*Tree        {with_tree}; without {without} ({without.cpu / with_tree.cpu:.2f})")
    reader = open_engine_read_only(url)
    print(f"  rectangle within a volume       {rectangle_times(reader, volumes)}")
    print(f"  query --format csv, text_line   {csv_speed(reader, ', '.join(LINE_COLUMNS), 'text_line')}")
    print(f"  query --format csv, page_lines  {csv_speed(reader, 'volume, page, x, y, width, height', 'page_lines')}")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        last = tuple(f"volume-{number:04}" for number in range(max(1, volumes - 4), volumes + 1))
        speed, mib = process.submit(parquet_in_a_process, url, last).result()
    print(f"  export --format parquet         {speed}, {mib} MiB")


if __name__ == "__main__":
    main()
