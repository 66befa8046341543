"""What the protocol costs and how far it scales, on real Redis and PostgreSQL servers that this starts itself.

    python -m benchmarks.fleet [--rows 1000000] [--only protocol|scaling|recovery|large]

Pages do nothing, or burn half a second of CPU. Other work on the machine spoils the figures: the load is printed.
`--only scaling` takes about three minutes, and needs two cores that nobody else uses.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis as redis_client
from sqlalchemy import Engine, func, select, update

import migrations
from models import PageRun, PageRunState, StageTiming, database_now
from models.session import open_engine
from orchestrator.discovery.discovery import FoundPage
from orchestrator.feeder.broker import RedisBroker
from orchestrator.feeder.feeder import Feeder
from orchestrator.feeder.window import BULK
from orchestrator.ingest.rows import StoredCounts, Target, store_pages, store_pipeline, store_volume
from tests.faults.plan import Fault
from tests.fleet import Fleet, quick_settings
from tests.integration.fleets import a_database, a_fleet, a_redis
from tests.servers import PostgresServer, RedisServer, a_postgres
from workers.celery import app_for
from workers.parameters import PipelineParameters
from workers.sources.address import PageAddress
from workers.telemetry.metrics import child_processes

MIB = 1024 * 1024
PAGES = 60  # half a minute for each process: with few, the first and the last page decide
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One measured figure beside the one that is wanted."""

    name: str
    value: str
    wanted: str
    good: bool


@dataclass(frozen=True)
class Servers:
    """The servers that all measurements share, and a folder."""

    postgres: PostgresServer
    folder: Path

    @contextmanager
    def fleet(self, pages: int, *faults: Fault) -> Iterator[Fleet]:
        """Yield a fleet on an empty broker and a database of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with a_redis() as redis, a_fleet(folder, self.postgres, redis, pages, faults) as fleet:
            yield fleet


def protocol(servers: Servers) -> list[Figure]:
    """CPU of feeder and worker per page that does nothing, without what the stages themselves took."""
    pages = 600
    with servers.fleet(pages) as fleet:
        feeder, worker = fleet.feeder(), fleet.worker(1)
        fleet.until(lambda: fleet.count("done") > 50, "the first pages")
        (child,) = child_processes(worker.pid)
        processes = {"feeder": feeder.pid, "main process": worker.pid, "child": child}
        done, before = fleet.count("done"), {name: _ticks(pid) for name, pid in processes.items()}
        fleet.until(lambda: fleet.count("done") == pages, "the end of all pages")
        counted = pages - done
        spent = {name: (_ticks(pid) - before[name]) * 1000 / TICKS / counted for name, pid in processes.items()}
        with fleet.engine.connect() as connection:
            stages = select(func.sum(StageTiming.cpu_ms)).where(StageTiming.stage != "record")
            spent["child"] -= (connection.scalar(stages) or 0.0) / pages
    cost = sum(spent.values())
    parts = ", ".join(f"{name} {ms:.1f}" for name, ms in spent.items())
    return [Figure("protocol, CPU on worker and feeder", f"{cost:.1f} ms a page ({parts})", "<= 5 ms", cost <= 5)]


def scaling(servers: Servers) -> list[Figure]:
    """Pages/s of two worker processes beside one; pages that only wait tell the protocol's part on a busy machine.

    The CPU of a page, feeder and worker with all its stages, tells whether the cores were ours: it is the same for
    one process and for two when they are.
    """
    figures = []
    for action, kind in (("rest", "waiting"), ("burn", "of CPU")):
        (one, one_ms), (two, two_ms) = (_pace(servers, action, processes) for processes in (1, 2))
        value = f"{two / one:.2f} x ({one:.2f} and {two:.2f} pages/s; {one_ms:.0f} and {two_ms:.0f} ms of CPU a page)"
        figures.append(Figure(f"two processes beside one, 0.5 s {kind} a page", value, ">= 1.9 x", two / one >= 1.9))
    return figures


def _pace(servers: Servers, action: str, processes: int) -> tuple[float, float]:
    """Return pages/s and the milliseconds of CPU that feeder and worker spent on a page."""
    pages = PAGES * processes
    with servers.fleet(pages, Fault("analyse", action)) as fleet:
        feeder, worker = fleet.feeder(), fleet.worker(processes)
        fleet.until(lambda: fleet.count("done") > 0, "the first page")
        counted, before = pages - fleet.count("done"), _cpu_ms(feeder.pid, worker.pid)
        fleet.until_ended()
        spent = _cpu_ms(feeder.pid, worker.pid) - before
        with fleet.engine.connect() as connection:
            first, last = connection.execute(select(func.min(PageRun.started_at), func.max(PageRun.finished_at))).one()
    return pages / (last - first).total_seconds(), spent / counted


def recovery(servers: Servers) -> list[Figure]:
    """Time from the death of a child to the page's next attempt."""
    with servers.fleet(1, Fault("analyse", "kill", "p0001.png", (1,))) as fleet:
        fleet.feeder()
        fleet.worker(2)
        fleet.until_ended()
        first, second = fleet.attempts("p0001.png")
    seconds = (second.started_at - first.started_at).total_seconds()
    return [Figure("kill -9 of a child, until the page runs again", f"{seconds:.1f} s", "<= 5 s", seconds <= 5)]


def large(servers: Servers, rows: int) -> list[Figure]:
    """Store `rows` page rows, feed some of them, restart the feeder, and look at the memory of feeder and broker."""
    with a_redis() as redis, a_database(servers.postgres) as database_url:
        settings = replace(quick_settings(database_url, redis.url), window_per_process=5_000)
        engine = open_engine(database_url)
        migrations.upgrade(engine)
        figures = [_stored(servers, engine, rows)]
        broker = RedisBroker(app_for(settings))
        figures.append(_fed(servers, Feeder(engine, broker, settings), redis))
        fleet = Fleet(servers.folder, settings)
        figures += _restarted(fleet, redis)
        fleet.close()
        engine.dispose()
    return figures


def _stored(servers: Servers, engine: Engine, rows: int) -> Figure:
    pipeline = store_pipeline(engine, PipelineParameters(), {})
    volume = store_volume(engine, "archive", "/archive", "directory")
    began, before = time.monotonic(), _ingest_cpu_ms(servers)

    def tell(stored: StoredCounts) -> None:
        if stored.found % 100_000 == 0:
            print(f"  {stored.found:,} rows", flush=True)

    store_pages(engine, Target(volume, pipeline, BULK), _found(rows), tell)
    rate = rows / (time.monotonic() - began)
    cpu = (_ingest_cpu_ms(servers) - before) / rows * 1000
    value = f"{rate:,.0f} page rows/s, {cpu:.0f} us of CPU each"
    return Figure(f"ingest of {rows:,} pages", value, ">= 10,000/s", rate >= 10_000)


def _ingest_cpu_ms(servers: Servers) -> float:
    """Return the CPU of this process and of the database so far."""
    assert servers.postgres.process is not None
    return _cpu_ms(servers.postgres.process.pid) + time.process_time() * 1000


def _found(rows: int) -> Iterator[FoundPage]:
    for number in range(1, rows + 1):
        address = PageAddress((f"p{number:08}.tif",))
        yield FoundPage(page_number=number, address=address, sha256=f"{number:064x}", size_bytes=1, modified_ns=0)


def _fed(servers: Servers, feeder: Feeder, redis: RedisServer, rounds: int = 8) -> Figure:
    sent, seconds, cpu = 0, 0.0, 0.0
    client = redis_client.Redis(port=redis.port)
    assert redis.process is not None
    for _ in range(rounds):
        began, before = time.monotonic(), _ingest_cpu_ms(servers) + _cpu_ms(redis.process.pid)
        sent += feeder.step()
        seconds += time.monotonic() - began
        cpu += _ingest_cpu_ms(servers) + _cpu_ms(redis.process.pid) - before
        with feeder.engine.begin() as connection:
            queued = update(PageRun).where(PageRun.state == PageRunState.QUEUED)
            connection.execute(queued.values(state=PageRunState.DONE, finished_at=database_now()))
        client.flushall()
    client.close()
    rate = sent / seconds
    value = f"{rate:,.0f} page runs/s, {cpu / sent * 1000:.0f} us of CPU each"
    return Figure(f"feeding, windows of {sent // rounds:,}", value, ">= 4,000/s", rate >= 4_000)


def _restarted(fleet: Fleet, redis: RedisServer) -> list[Figure]:
    first = fleet.feeder()
    fleet.until(lambda: fleet.count("queued") == 5_000, "a full window")
    time.sleep(5)
    client = redis_client.Redis(port=redis.port)
    memory, broker = _peak_mib(first.pid), client.info("memory")["used_memory"] / MIB
    client.close()
    first.kill()
    first.wait()
    with fleet.engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.state == "queued").values(state=PageRunState.DONE))
    began = time.monotonic()
    fleet.feeder()
    fleet.until(lambda: fleet.count("queued") > 0, "the next window")
    seconds = time.monotonic() - began
    return [
        Figure("memory of the feeder", f"{memory:.0f} MiB", "< 200 MiB", memory < 200),
        Figure("memory of Redis with 5,000 queued", f"{broker:.1f} MiB", "< 20 MiB", broker < 20),
        Figure("a feeder started again feeds after", f"{seconds:.1f} s", "<= 5 s", seconds <= 5),
    ]


def _cpu_ms(*pids: int) -> float:
    family = [member for pid in pids for member in (pid, *child_processes(pid))]
    return sum(_ticks(pid) for pid in family) * 1000 / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _peak_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024


@contextmanager
def _servers() -> Iterator[Servers]:
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-bench-"))
    try:
        with a_postgres() as postgres:
            yield Servers(postgres, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Measure, print a table, and return 1 when a figure is not what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["protocol", "scaling", "recovery", "large"])
    options = parser.parse_args()
    measures: dict[str, Callable[[Servers], list[Figure]]] = {
        "protocol": protocol,
        "scaling": scaling,
        "recovery": recovery,
        "large": lambda servers: large(servers, options.rows),
    }
    figures: list[Figure] = []
    with _servers() as servers:
        for name, measure in measures.items():
            if options.only in (None, name):
                print(f"{name}: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
                figures += measure(servers)
    for figure in figures:
        print(f"{'ok  ' if figure.good else 'MISS'} {figure.name:48} {figure.value:60} {figure.wanted}")
    return 0 if all(figure.good for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
