"""The command line as people and scripts meet it: names, locales, formats, versions, and what comes next."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import migrations
from models.session import open_engine
from tests.acceptance.command import Broadsheet, draw_page
from tests.archive import add_done_pages, page

# A locale that knows ASCII only, as cron and containers have it.
POSIX = (("LC_ALL", "POSIX"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Broadsheet:
    """A database with one finished volume."""
    folder = tmp_path_factory.mktemp("command-line")
    engine = open_engine(f"sqlite:///{folder / 'broadsheet.db'}")
    migrations.upgrade(engine)
    add_done_pages(engine, [page(3), page(4)], "Zürcher Nachrichten")
    engine.dispose()
    return Broadsheet(folder)


def test_a_table_is_printed_in_every_locale(archive: Broadsheet) -> None:
    command = [archive.command, "query", "SELECT DISTINCT volume FROM page_status"]
    done = subprocess.run(command, cwd=archive.folder, env=archive.env() | dict(POSIX), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "Zürcher Nachrichten" in done.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["query", "states", "--output", "s.xlsx"],
            "An answer is written as .table, .csv, .json, ",
        ),
        (["export", "--format", "csv", "--output", "s.xlsx"], "csv is written as .csv, not .xlsx"),
        (["export", "--format", "coco", "--output", "s.csv"], "coco is written as .json, not .csv"),
        (["export", "--format", "alto", "--output", "alto.zip"], "name a folder"),
        (["report", "--output", "r.pdf"], "A report is written as .html, .htm or .txt, not .pdf"),
    ],
)
def test_a_name_that_promises_another_format_is_refused(archive: Broadsheet, arguments: list[str], words: str) -> None:
    assert words in archive.run(*arguments, code=2).stderr
    assert [path.name for path in archive.folder.iterdir() if not path.name.startswith("broadsheet.db")] == []


def test_a_question_is_read_from_standard_input(archive: Broadsheet) -> None:
    for arguments in (["-"], []):
        told = archive.run("query", *arguments, "--json", words="SELECT count(*) AS n FROM page_lines;\n").stdout
        assert json.loads(told) == [{"n": 7}]
    assert "Give a query" in archive.run("query", code=2).stderr


def test_the_columns_of_a_view_can_be_asked_for(archive: Broadsheet) -> None:
    plain = {row["name"] for row in archive.query("PRAGMA table_info(page_lines)")}
    assert {"volume", "page", "x", "y", "width", "height"} <= plain
    assert {row["name"] for row in archive.query("SELECT name FROM pragma_table_info('page_lines')")} == plain
    for forbidden in ("PRAGMA journal_mode = DELETE", "PRAGMA user_version = 7"):
        assert "not authorized" in archive.run("query", forbidden, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://example.org/x.pdf"], "ftp://example.org/x.pdf is an address, and ftp:// is not read"),
        (["s3:/bucket/x"], "s3:/ lacks a slash; write s3://"),
        (["s3://key:secret@bucket/scans"], "The s3:// address holds a password or a signature"),
        (["-"], "standard input is not read"),
    ],
)
def test_what_is_no_path_is_refused_as_it_was_typed(archive: Broadsheet, arguments: list[str], words: str) -> None:
    assert words in archive.run("ingest", *arguments, code=2).stderr


def test_a_dry_run_is_one_object_for_programs(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    draw_page(tmp_path / "scans/p1.png", "one")
    (tmp_path / "scans/p2.png").write_bytes(b"")
    (tmp_path / "scans/notes.txt").write_text("no scan")
    listed = json.loads(Broadsheet(tmp_path).run("ingest", "scans", "--dry-run", "--json").stdout)
    ((volume,), (skipped,)) = listed["volumes"], listed["skipped"]
    assert [found["page"] for found in volume["pages"]] == ["p1.png", "p2.png"]
    assert volume["pages"][0]["error"] is None
    assert volume["pages"][1]["error"]["code"] == "unreadable_image"
    assert skipped["file"] == "notes.txt"


def test_an_ingest_says_what_can_be_done_next_unless_it_shall_be_quiet(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    draw_page(tmp_path / "scans/p1.png", "one")
    command = Broadsheet(tmp_path)
    stored = command.run("ingest", "scans", "--no-wait", "--database", "my archive.db")
    assert "to have them read: broadsheet ingest scans --database 'my archive.db'" in stored.stderr
    waiting = command.run("status", "--database", "my archive.db").stdout
    assert "Nobody works, and 1 page waits; run:\n  broadsheet ingest scans --database 'my archive.db'" in waiting
    done = command.run("ingest", "scans", "--database", "my archive.db")
    assert "The results are in my archive.db; next: broadsheet report --database 'my archive.db'" in done.stderr
    assert (
        "scans: 1 page found, 0 of them new"
        in command.run("ingest", "scans", "--database", "my archive.db", "--no-wait", "-v").stderr
    )
    quiet = command.run("ingest", "scans", "--database", "my archive.db", "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert "Every page has ended." in command.run("status", "--database", "my archive.db").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "states"],
        ["ingest", "."],
        ["status"],
        ["db", "upgrade"],
        ["cancel"],
        ["worker", "--broker", "redis://q"],
    ],
)
def test_a_database_of_a_newer_version_is_told_in_the_right_words(tmp_path: Path, arguments: list[str]) -> None:
    draw_page(tmp_path / "p1.png", "one")
    engine = open_engine(f"sqlite:///{tmp_path / 'broadsheet.db'}")
    migrations.upgrade(engine)
    engine.dispose()
    with sqlite3.connect(tmp_path / "broadsheet.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    told = Broadsheet(tmp_path).run(*arguments, code=2).stderr
    assert told.startswith("The database has schema 9999, which a newer version of Broadsheet made; this one knows")
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["status"], ["ingest", "."], ["query", "states"]])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, arguments: list[str]) -> None:
    draw_page(tmp_path / "p1.png", "one")
    (tmp_path / "notes.db").write_text("a shopping list")
    told = Broadsheet(tmp_path).run(*arguments, "--database", "sqlite:///notes.db", code=2).stderr
    assert "notes.db is no SQLite database" in told
    assert "file:" not in told


def test_a_mistake_of_our_own_has_an_exit_code_of_its_own(archive: Broadsheet, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import orchestrator.database\ndef broken(*_, **__): raise TypeError('left is not right')\n"
        "orchestrator.database.open_existing = broken\n"
    )
    broken = replace(archive, environ=(("PYTHONPATH", str(tmp_path)),))
    told = broken.run("query", "states", code=70).stderr
    assert "a mistake of Broadsheet's own: TypeError: left is not right. Run again with --debug" in told


@pytest.mark.parametrize("group", [["quarantine"], ["db"], []])
def test_a_group_without_its_command_shows_its_help_in_lines(archive: Broadsheet, group: list[str]) -> None:
    told = archive.run(*group, code=2).stderr.splitlines()
    assert told[0].startswith("Usage: broadsheet")
    assert "Commands:" in told


def test_an_explanation_fits_a_terminal(archive: Broadsheet) -> None:
    told = archive.run("explain", "p0001.tif").stdout
    table = [line for line in told.splitlines() if re.match(r"  [a-z]+ .* m?s ", line) or "MiB" in line]
    assert len(table) > 3
    assert max(map(len, table)) <= 80
