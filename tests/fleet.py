"""A whole fleet for tests: feeders and workers as processes, on real servers, and what must be true afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

import migrations
from models import Attempt, Page, PageRun, StageTiming, TextLine
from models.session import open_engine
from orchestrator.discovery.discovery import open_volume
from orchestrator.ingest.options import IngestOptions
from orchestrator.ingest.progress import Silent
from orchestrator.ingest.run import store_only
from tests.faults import actions
from tests.faults.plan import Fault, to_environment
from tests.faults.strikes import lines_on
from workers.config import Settings
from workers.parameters import PipelineParameters

ROOT = Path(__file__).resolve().parents[1]
UNFINISHED = ("ready", "queued", "running")


def quick_settings(database_url: str, broker_url: str) -> Settings:
    """Return settings whose times suit a test on a busy machine: Python alone may take seconds to start there."""
    return Settings(
        database_url=database_url,
        broker_url=broker_url,
        soft_limit_seconds=40,
        hard_limit_seconds=45,
        lease_seconds=50,
        visibility_seconds=70,
        soft_shutdown_seconds=2,
        log_format="text",
    )


def make_scans(folder: Path, count: int, first: int = 1) -> list[str]:
    """Make `count` small scans and return their names; each has its own size."""
    folder.mkdir(exist_ok=True)
    names = [f"p{number:04}.png" for number in range(first, first + count)]
    for number, name in enumerate(names, first):
        Image.new("L", (40 + number % 200, 30 + number // 200), 255).save(folder / name)
    return names


@dataclass
class Fleet:
    """Processes on one database and one broker. `until_ended` starts again those in `restarting` that have died."""

    folder: Path
    settings: Settings
    faults: Sequence[Fault] = ()
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    restarting: dict[int, Callable[[], subprocess.Popen[bytes]]] = field(default_factory=dict)
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self.engine: Engine = open_engine(self.settings.database_url)
        migrations.upgrade(self.engine)

    def ingest(self, scans: Path, interactive: bool = False) -> None:
        """Store the scans of a folder."""
        options = IngestOptions(wait=False, interactive=interactive)
        store_only(self.settings, [open_volume(scans)], PipelineParameters(), options, Silent())

    def start(self, *arguments: str, faults: Sequence[Fault] | None = None) -> subprocess.Popen[bytes]:
        """Start `broadsheet ARGUMENTS` with faults."""
        environ = dict(os.environ) | self.settings.to_env() | {actions.FOLDER: str(self.folder)}
        environ |= to_environment(self.faults if faults is None else faults)
        with (self.folder / f"{len(self.processes)}-{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults", *arguments], cwd=ROOT, env=environ, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def feeder(self, faults: Sequence[Fault] | None = None) -> subprocess.Popen[bytes]:
        """Start a feeder."""
        return self.start("feed", faults=faults)

    def worker(self, processes: int = 2, restart: bool = False) -> subprocess.Popen[bytes]:
        """Start a worker; with `restart`, again whenever it has died, as a container engine would."""
        process = self.start("worker", "--processes", str(processes))
        if restart:
            self.restarting[process.pid] = lambda: self.worker(processes, restart=True)
        return process

    def logs(self) -> str:
        """Return what all processes have said."""
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
        """Watch the fleet until a condition holds; a database that is away just now holds no condition."""
        deadline = time.monotonic() + seconds
        while True:
            self._look()
            with suppress(OperationalError):
                if condition():
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come in {seconds} s; {self.states()}\n{self.logs()[-6000:]}")
            time.sleep(0.05)

    def watch(self, seconds: float) -> None:
        """Watch the fleet for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._look()
            time.sleep(0.05)

    def _look(self) -> None:
        self._tend()
        with suppress(OperationalError):
            self.most_in_flight = max(self.most_in_flight, self.count("queued", "running"))

    def until_ended(self, seconds: float = 240) -> None:
        """Wait until every page run is done or quarantined."""
        self.until(lambda: self.count(*UNFINISHED) == 0, "the end of all page runs", seconds)

    def _tend(self) -> None:
        for process in self.processes:
            if process.poll() is not None and process.pid in self.restarting:
                self.restarting.pop(process.pid)()
                return

    def count(self, *states: str) -> int:
        """Return how many page runs are in these states."""
        with self.engine.connect() as connection:
            statement = select(func.count()).select_from(PageRun).where(PageRun.state.in_(states))
            return connection.scalar(statement) or 0

    def states(self) -> dict[str, int]:
        """Return the number of page runs by state."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(PageRun.state, func.count()).group_by(PageRun.state))
            return {row[0]: row[1] for row in rows}

    def page_run(self, name: str) -> Any:
        """Return the row of a page's run."""
        with self.engine.connect() as connection:
            return connection.execute(select(PageRun).join(Page).where(Page.name == name)).one()

    def attempts(self, name: str) -> list[Any]:
        """Return the rows of a page's attempts."""
        statement = select(Attempt).join(PageRun, PageRun.page_run_id == Attempt.page_run_id).join(Page)
        with self.engine.connect() as connection:
            return list(connection.execute(statement.where(Page.name == name).order_by(Attempt.attempt_number)))

    def check(self) -> None:
        """Assert what must hold after any fault: nothing lost, nothing twice, every attempt accounted for."""
        with self.engine.connect() as connection:
            runs = connection.execute(select(PageRun)).all()
            lines = counted(
                connection.execute(select(TextLine.page_run_id, func.count()).group_by(TextLine.page_run_id))
            )
            stages = counted(
                connection.execute(select(StageTiming.page_run_id, func.count()).group_by(StageTiming.page_run_id))
            )
            attempts = connection.execute(select(Attempt)).all()
        assert {run.state for run in runs} <= {"done", "quarantined"}, self.states()
        outcomes: dict[int, list[str | None]] = {run.page_run_id: [] for run in runs}
        for attempt in attempts:
            outcomes[attempt.page_run_id].append(attempt.outcome)
        for run in runs:
            expected = lines_on(run.width) if run.state == "done" else 0
            assert lines.get(run.page_run_id, 0) == expected, f"page run {run.page_run_id}"
            assert stages.get(run.page_run_id, 0) == (3 if run.state == "done" else 0)  # decode, segmentation, record
            assert run.owner is None
            assert len(outcomes[run.page_run_id]) == run.attempts
            assert outcomes[run.page_run_id].count("done") == (run.state == "done")
            assert None not in outcomes[run.page_run_id]
        assert self.most_in_flight <= self.settings.max_window

    def close(self) -> None:
        """End every process."""
        self.restarting.clear()
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
        for process in self.processes:
            process.wait()
        self.engine.dispose()

    def with_faults(self, *faults: Fault) -> Fleet:
        """Return the same fleet, no process of it, with a plan."""
        return replace(self, faults=faults, processes=[], restarting={})


def counted(rows: Any) -> dict[int, int]:
    """Return a mapping of the two columns of a result."""
    return {row[0]: row[1] for row in rows}
