"""What readers ask of a large archive: rectangle queries, CSV, Parquet, and what the indices cost the workers.

    python -m benchmarks.ask_the_archive                    ten million boxes on SQLite and on PostgreSQL, half an hour
    python -m benchmarks.ask_the_archive --folder FOLDER    the same; FOLDER keeps both, so the next run takes a minute
    python -m benchmarks.ask_the_archive --boxes 400000     a minute in all

Times are of this machine at this moment: by the wall clock, of this process's CPU, and of the PostgreSQL server's CPU.
Compare within one run.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, delete, func, insert, select, text

import migrations
from benchmarks.synthetic import HEIGHT, LINE_COLUMNS, WIDTH, fill, page_lines
from models import PageRun, TextLine
from models.session import open_engine, open_engine_read_only
from orchestrator.export.parquet import write_boxes
from orchestrator.query.formats import write_csv
from orchestrator.query.named_queries import named_queries
from orchestrator.query.query import run_query
from orchestrator.results.selection import Selection
from tests.servers import PostgresServer

PAGES, LINES = 1000, 200  # of a volume, of a page
CSV_ROWS = 2_000_000
RECTANGLE_PIXELS = 300
REPEATS = 40


@dataclass(frozen=True, slots=True)
class Speed:
    """How many things went through in how many seconds: by the wall clock, of our CPU, of the database server's."""

    things: int
    wall: float
    cpu: float
    server: float

    def __str__(self) -> str:
        shares = [f"{self.things / self.wall:>9,.0f}/s"]
        if self.cpu:
            shares.append(f"{self.things / self.cpu:>9,.0f} per CPU second here")
        if self.server:
            shares.append(f"{self.things / self.server:>9,.0f} per CPU second of the server")
        return ", ".join(shares)


def timed(work: Callable[[], int], server: PostgresServer | None = None) -> Speed:
    """Run `work`, which returns how many things it did."""
    wall, cpu, of_server = time.perf_counter(), time.process_time(), server_cpu(server)
    things = work()
    return Speed(things, time.perf_counter() - wall, time.process_time() - cpu, server_cpu(server) - of_server)


def server_cpu(server: PostgresServer | None) -> float:
    """Return the CPU seconds that a server and its children have taken so far."""
    if server is None or server.process is None:
        return 0.0
    main = server.process.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    ticks = sum(_ticks(process) for process in (str(main), *children))
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(process: str) -> int:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))  # its own time, and that of its children that ended


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


def csv_speed(engine: Engine, server: PostgresServer | None, columns: str, source: str) -> Speed:
    """Write rows as `broadsheet query --format csv` does."""

    def work() -> int:
        sql = f"SELECT {columns} FROM {source} LIMIT {CSV_ROWS}"
        with tempfile.TemporaryFile("w") as out, run_query(engine, sql) as answer:
            write_csv(answer, out)
        with engine.connect() as connection:
            counted = text(f"SELECT count(*) FROM (SELECT 1 FROM text_line LIMIT {CSV_ROWS}) AS counted")
            return int(connection.execute(counted).scalar_one())

    return timed(work, server)


def parquet_in_a_process(url: str, volumes: tuple[str, ...]) -> tuple[Speed, int]:
    """Export some volumes in this fresh process; also returns its peak resident memory in MiB."""
    engine = open_engine_read_only(url)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "boxes.parquet"
        speed = timed(lambda: write_boxes(engine, Selection(volumes=volumes), [], path))
    return speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def storing_speed(engine: Engine, server: PostgresServer | None, pages: int, lines: int) -> Speed:
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

    return timed(work, server)


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
            speeds.append(storing_speed(engine, None, 200, lines))
            engine.dispose()
    return speeds[0], speeds[1]


def main() -> None:
    """Fill each database unless it is filled, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="keep the databases here for the next run [a temporary folder]")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="broadsheet-benchmark-") as temporary:
        Path(temporary).chmod(0o755)  # the PostgreSQL server comes in as another user
        folder = (wanted.folder or Path(temporary)) / f"{wanted.boxes}-boxes"
        folder.mkdir(parents=True, exist_ok=True)
        if wanted.only != "postgresql":
            measure(f"sqlite:///{folder}/broadsheet.db", None, wanted.boxes)
        if wanted.only != "sqlite":
            with postgresql(folder / "postgresql") as server:
                measure(server.url, server, wanted.boxes)


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgresServer]:
    """Start a PostgreSQL server whose data lie in `folder`."""
    for parent in (folder.parent, folder):
        parent.mkdir(exist_ok=True)
        parent.chmod(0o755)  # the server cannot run as root, and must come in
    server = PostgresServer(folder)
    if not (folder / "data").exists():
        server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def measure(url: str, server: PostgresServer | None, boxes: int) -> None:
    """Print all figures of one database."""
    pages = max(1, min(PAGES, boxes // LINES // 10))
    volumes = max(1, boxes // (pages * LINES))
    engine = open_engine(url)
    migrations.upgrade(engine)
    print(f"{engine.dialect.name}, {volumes * pages * LINES:,} boxes in {volumes} volumes", flush=True)
    filled = timed(lambda: fill(engine, volumes, pages, LINES), server)
    if filled.things:
        print(f"  filling, with all indices       {filled}", flush=True)
    print(f"  storing pages anew, as workers  {storing_speed(engine, server, 200, LINES)}")
    if server is None:
        with_tree, without = index_cost(LINES)
        print(f"    small file with R*Tree        {with_tree}")
        print(f"    and without                   {without} ({without.cpu / with_tree.cpu:.2f} of the CPU time)")
    reader = open_engine_read_only(url)
    print(f"  rectangle within a volume       {rectangle_times(reader, volumes)}")
    for columns, source in (
        (", ".join(LINE_COLUMNS), "text_line"),
        ("volume, page, x, y, width, height", "page_lines"),
    ):
        print(f"  query --format csv, {source:10}  {csv_speed(reader, server, columns, source)}", flush=True)
    before = server_cpu(server)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        last = tuple(f"volume-{number:04}" for number in range(max(1, volumes - 9), volumes + 1))
        speed, mib = process.submit(parquet_in_a_process, url, last).result()
    speed = replace(speed, server=server_cpu(server) - before)
    print(f"  export --format parquet         {speed}, {mib} MiB", flush=True)


if __name__ == "__main__":
    main()
