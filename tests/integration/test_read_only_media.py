"""A finished database on media that may not be written can be read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.database import open_for_ingest
from tests.archive import add_done_pages, page

# Root may write everywhere, unless it gives that up.
AS_READER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.getuid() == 0 else []
if AS_READER and shutil.which("setpriv") is None:
    pytest.skip("root cannot give its rights up here", allow_module_level=True)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A database with one finished page, closed, in a folder of its own."""
    folder = tmp_path / "medium"
    folder.mkdir()
    engine = open_for_ingest(f"sqlite:///{folder / 'broadsheet.db'}")
    add_done_pages(engine, [page(5)])
    engine.dispose()
    yield folder / "broadsheet.db"
    folder.chmod(0o755)


def protect(database: Path) -> None:
    for file in database.parent.iterdir():
        file.chmod(0o444)
    database.parent.chmod(0o555)


def broadsheet(database: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*AS_READER, sys.executable, "-m", "orchestrator", *arguments, "--database", f"sqlite:///{database}"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BROADSHEET_")}
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def test_a_closed_database_is_read(database: Path, tmp_path: Path) -> None:
    protect(database)
    told = broadsheet(database, "query", "SELECT text_lines FROM page_status", "--format", "csv")
    assert (told.returncode, told.stdout.split()) == (0, ["text_lines", "5"]), told.stderr
    assert broadsheet(database, "status").returncode == 0
    exported = tmp_path / "lines.csv"
    assert broadsheet(database, "export", "--format", "csv", "--output", str(exported)).returncode == 0
    assert exported.exists()
    assert [file.name for file in database.parent.iterdir()] == ["broadsheet.db"]


def test_what_must_write_says_that_it_may_not(database: Path) -> None:
    protect(database)
    told = broadsheet(database, "retry")
    assert told.returncode == 2
    assert "may not be written here; copy it to a folder of yours" in told.stderr


def test_an_ingest_beside_scans_that_may_not_be_written_says_where_else(database: Path) -> None:
    scans = database.parent
    (scans / "p1.pgm").write_bytes(b"P5 1 1 255\n\0")
    protect(database)
    for place, words in (
        (scans / "new.db", f"{scans / 'new.db'} may not be written here; name a file of yours with --database"),
        (scans, f"{scans} is a folder; name a file of yours with --database"),
        (scans / "no" / "x.db", f"The folder {scans / 'no'} of the database does not exist; make it"),
    ):
        told = broadsheet(place, "ingest", str(scans), "--no-wait")
        assert told.returncode == 2
        assert words in told.stderr


def test_a_database_that_was_not_closed_is_named_with_its_log(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("UPDATE page SET size_bytes = 7")
    connection.commit()
    log = Path(f"{database}-wal").read_bytes()
    connection.close()
    Path(f"{database}-wal").write_bytes(log)
    protect(database)
    told = broadsheet(database, "status")
    assert told.returncode == 2
    assert "was not closed, and its last changes are in broadsheet.db-wal; copy both" in told.stderr
