"""Several processes on one SQLite file: eight writers of which one is killed in mid-commit, and two ingests at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from sqlalchemy import Engine, func, select, text

import migrations
from models import Attempt, PageRun, StageTiming, TextLine
from models.session import open_engine
from tests.fleet import ROOT
from tests.rows import add_page_runs
from tests.servers import wait_until
from workers.lease import claims

WRITERS, PAGES, LINES = 8, 240, 5

# A process that claims and records page runs; the one that is to die stops inside its transaction, before the commit.
WRITE = f"""
import os, signal, sys
from sqlalchemy import event
from models.session import open_engine
from workers.lease import claims
from workers.layout import BoundingBox, PageLayout, TextLine
from workers.lease.recording import record
engine = open_engine(sys.argv[1])
first, dies = int(sys.argv[2]), sys.argv[3] == "dies"
lines = tuple(TextLine(BoundingBox(1, 10 * n + 1, 30, 10 * n + 9)) for n in range({LINES}))
for count, number in enumerate(range(first, {PAGES} + 1, {WRITERS})):
    claim = claims.claim(engine, number, f"m{{number}}", claims.this_process(), 180)
    if dies and count == 10:
        event.listen(engine, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
    assert record(engine, claim, PageLayout(100, 100, lines))
"""


def python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT)


def count(engine: Engine, table: type, *conditions: object) -> int:
    with engine.connect() as connection:
        statement = select(func.count()).select_from(table).where(*conditions)  # type: ignore[arg-type]
        return connection.scalar(statement) or 0


def test_eight_writers_of_which_one_is_killed_in_mid_commit(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'broadsheet.db'}"
    engine = open_engine(url)
    migrations.upgrade(engine)
    add_page_runs(engine, PAGES)
    writers = [python(WRITE, url, str(n), "dies" if n == 3 else "lives") for n in range(1, WRITERS + 1)]
    codes = [writer.wait(120) for writer in writers]
    assert codes == [0, 0, -signal.SIGKILL, 0, 0, 0, 0, 0], "no writer was turned away with 'database is locked'"
    done = PAGES - PAGES // WRITERS + 10
    assert count(engine, PageRun, PageRun.state == "done") == done
    assert count(engine, PageRun, PageRun.state == "running") == 1, "the lease of the dead writer"
    assert count(engine, TextLine) == done * LINES
    assert count(engine, StageTiming) == done
    assert count(engine, Attempt, Attempt.outcome.is_(None)) == 1
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE page_run SET lease_until = '2000-01-01 00:00:00.000000' WHERE state = 'running'")
        )
    assert claims.sweep(engine, max_attempts=3) == 1
    engine.dispose()


def ingest(folder: Path, database: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "orchestrator", "ingest", str(folder), "--processes", "1", "--json"]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("BROADSHEET_")}
    return subprocess.Popen(
        [*command, "--database", f"sqlite:///{database}"], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL
    )


def blank_pages(folder: Path, sizes: Sequence[int]) -> Path:
    folder.mkdir()
    for size in sizes:
        Image.new("L", (size, 50), 255).save(folder / f"p{size}.png")
    return folder


def test_two_ingests_at_once_share_one_file(tmp_path: Path) -> None:
    database = tmp_path / "broadsheet.db"
    engine = open_engine(f"sqlite:///{database}")
    migrations.upgrade(engine)
    commands = [ingest(blank_pages(tmp_path / name, range(40, 52)), database) for name in ("first", "second")]
    assert [command.wait(240) for command in commands] == [0, 0]
    # no attempt at all where the other ingest had read the same bytes
    assert count(engine, PageRun, PageRun.state == "done", PageRun.attempts <= 1) == 24
    engine.dispose()


def test_an_ingest_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    database = tmp_path / "broadsheet.db"
    engine = open_engine(f"sqlite:///{database}")
    migrations.upgrade(engine)
    first = ingest(blank_pages(tmp_path / "first", range(40, 70)), database)
    wait_until(lambda: count(engine, PageRun, PageRun.state == "done") > 0, "the first page", 120)
    second = ingest(blank_pages(tmp_path / "second", range(40, 44)), database)
    first.kill()
    first.wait()
    assert second.wait(240) == 0
    third = ingest(tmp_path / "first", database)
    assert third.wait(240) == 0
    assert count(engine, PageRun, PageRun.state == "done") == 34
    engine.dispose()
