"""The database lies among the scans: `cd scans && broadsheet ingest .` must never touch its files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from models.session import open_engine
from orchestrator.database import open_for_ingest, own_files
from orchestrator.discovery.discovery import find_pages, open_volume
from orchestrator.discovery.looking import SkippedFile
from orchestrator.discovery.own_files import NO_FILES, OwnFiles
from orchestrator.ingest.options import IngestOptions
from orchestrator.ingest.progress import Silent
from orchestrator.ingest.run import store_only
from orchestrator.local.broker import embedded_broker
from workers.config import Settings
from workers.errors import UnreadableInput
from workers.parameters import PipelineParameters
from workers.process.isolation import isolation_slot

# SQLite's SHARED lock: every connection in WAL mode holds it as long as it is open.
ASK_FOR_LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        print("held")
"""
# Another process that opens the database, writes and closes it, over and over: the last one to close it tidies up.
WRITE = """
import sqlite3, sys
while True:
    connection = sqlite3.connect(sys.argv[1], timeout=30)
    with connection:
        connection.execute("INSERT INTO written DEFAULT VALUES")
    connection.close()
    print("written", flush=True)
"""


def draw(folder: Path, count: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.new("L", (20, 30), 50 + number).save(folder / f"p{number}.png")
    return folder


def is_held(database: Path) -> bool:
    asked = subprocess.run([sys.executable, "-c", ASK_FOR_LOCK, database], capture_output=True, text=True, check=True)
    return asked.stdout == "held\n"


def look_through(folder: Path, own: OwnFiles) -> tuple[list[str], set[str]]:
    skipped: list[SkippedFile] = []
    pages = [page.address.name for page in find_pages(open_volume(folder, own), skipped=skipped.append, own=own)]
    return pages, {file.name for file in skipped if file.reason == "the database of this ingest"}


@pytest.mark.parametrize("name", ["broadsheet.db", "my results", "scan.png", "notes.zip"])
def test_discovery_leaves_the_locks_of_the_database_alone(name: str, tmp_path: Path) -> None:
    scans = draw(tmp_path / "scans")
    engine = open_for_ingest(f"sqlite:///{scans / name}")
    (scans / f"{name}.feeder").touch()
    (scans / "link.png").symlink_to(scans / name)
    os.link(scans / name, scans / "other.png")
    os.link(scans / f"{name}-shm", scans / "shared.tif")
    with engine.connect():
        pages, passed_over = look_through(scans, own_files(str(engine.url)))
        assert is_held(scans / name)
    assert pages == ["p0.png", "p1.png", "p2.png"]
    ours = {name, f"{name}-wal", f"{name}-shm", f"{name}.feeder"}
    assert passed_over == ours | {"link.png", "other.png", "shared.tif"}
    engine.dispose()


def test_the_files_are_known_wherever_the_walk_begins(tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    scans = draw(tmp_path / "above" / "scans")
    (scans / "results").mkdir()
    (tmp_path / "linked.db").symlink_to(scans / "results" / "broadsheet.db")
    engine = open_for_ingest(f"sqlite:///{tmp_path / 'linked.db'}")
    with engine.connect():
        for folder in (scans, tmp_path / "above", tmp_path):
            pages, passed_over = look_through(folder, own_files(str(engine.url)))
            assert len(pages) == 3
            assert {Path(path).name for path in passed_over} >= {"broadsheet.db", "broadsheet.db-wal"}
            assert is_held(scans / "results" / "broadsheet.db")
    engine.dispose()


def test_the_files_of_our_own_services_are_no_scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = draw(tmp_path / "scans")
    monkeypatch.setattr(tempfile, "tempdir", str(scans))
    with embedded_broker(), isolation_slot() as free:
        assert free
        pages, _ = look_through(scans, NO_FILES)
    assert pages == ["p0.png", "p1.png", "p2.png"]


def test_a_database_given_as_scan_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "broadsheet.db"
    engine = open_for_ingest(f"sqlite:///{database}")
    with engine.connect(), pytest.raises(UnreadableInput, match="is the database of this ingest"):
        open_volume(database, own_files(str(engine.url)))
    engine.dispose()


def test_a_server_has_no_files_of_ours() -> None:
    assert own_files("postgresql://somebody@nowhere/archive") == NO_FILES


@contextmanager
def a_writer(database: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", WRITE, database], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_folder_of_the_database_is_ingested_twenty_times(tmp_path: Path) -> None:
    scans = draw(tmp_path / "scans", 12)
    database = scans / "broadsheet.db"
    settings = Settings(database_url=f"sqlite:///{database}")
    held = open_engine(settings.database_url)
    with held.begin() as connection:
        connection.execute(text("CREATE TABLE written (number INTEGER PRIMARY KEY)"))
    volume = open_volume(scans, own_files(settings.database_url))
    with held.connect(), a_writer(database) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            summary = store_only(settings, [volume], PipelineParameters(), IngestOptions(wait=False), Silent()).summary
            assert (summary.pages, summary.quarantined) == (12, 0)
            assert writer.stdout.readline() == "written\n"
            with sqlite3.connect(database) as looked:
                assert looked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    held.dispose()
