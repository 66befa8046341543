"""The commands that ask the archive, run as a user runs them: what they write, and the sentence when they cannot."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import update

import migrations
import models
from models.session import open_engine
from tests.acceptance.command import BROADSHEET, Broadsheet
from tests.archive import HEIGHT, WIDTH, add_done_pages, page
from tests.servers import wait_until
from workers.layout import BoundingBox
from workers.sources.address import PageAddress


@pytest.fixture
def archive(tmp_path: Path) -> Broadsheet:
    """A folder with `broadsheet.db`: three finished pages with their scans."""
    engine = open_engine(f"sqlite:///{tmp_path / 'broadsheet.db'}")
    migrations.upgrade(engine)
    (tmp_path / "scans").mkdir()
    Image.new("L", (WIDTH, HEIGHT), 240).save(tmp_path / "scans" / "p.png")
    add_done_pages(engine, [page(8, [BoundingBox(600, 300, 700, 420)]), page(8), page(0)])
    with engine.begin() as connection:
        connection.execute(update(models.Volume).values(location=str(tmp_path / "scans")))
        connection.execute(update(models.Page).values(address=PageAddress(("p.png",)).to_json()))
    engine.dispose()
    return Broadsheet(tmp_path)


def test_query_by_name_with_values_into_every_format(archive: Broadsheet) -> None:
    rectangle = [
        f"--param={name}={value}" for name, value in (("x_min", 0), ("y_min", 0), ("x_max", 200), ("y_max", 131))
    ]
    asked = archive.run("query", "boxes_touching", "--param", "volume=scans", *rectangle, "--format", "csv")
    assert len(asked.stdout.splitlines()) == 1 + 4
    for form in ("csv", "json", "jsonl", "parquet", "table"):
        archive.run("query", "most_lines", "--format", form, "--output", f"lines.{form}")
        archive.run("query", "most_lines", "--output", f"by_name.{form}")
        made = (archive.folder / f"lines.{form}").read_bytes()
        assert made
        assert (archive.folder / f"by_name.{form}").read_bytes() == made
    assert "boxes_touching --param volume=..." in archive.run("query", "--list").stdout
    assert archive.run("query", "--list", "suspects").stdout.startswith("-- Which pages look odd")


def test_a_number_that_is_a_name_stays_a_name(archive: Broadsheet) -> None:
    asked = archive.run(
        "query", "SELECT typeof(:a) AS a, typeof(:b) AS b", "--param", "a=007", "--param", "b=7", "--format", "json"
    )
    assert json.loads(asked.stdout) == [{"a": "text", "b": "integer"}]


def test_export_overlay_report_explain_and_compare(archive: Broadsheet) -> None:
    archive.run("export", "--format", "page", "--output", "page")
    archive.run("export", "--format", "coco", "--output", "boxes.json")
    archive.run("overlay", "p0001.tif", "--output", "p.svg")
    archive.run("overlay", "--suspects", "--output", "odd")
    archive.run("overlay", "--volume", "scans", "--faces", "--output", "faces")
    archive.run("report", "--output", "report.html")
    made = ("page/scans/p0001.tif.page.xml", "boxes.json", "p.svg", "odd/scans/p0003.tif.png", "faces/faces-0001.png")
    assert all((archive.folder / name).is_file() for name in (*made, "report.html"))
    assert "data:image/jpeg;base64," in (archive.folder / "report.html").read_text()
    assert "3 pages: 3 done" in archive.run("report").stdout
    assert "Nothing about it looks odd" in archive.run("explain", "p0001.tif").stdout
    same = json.loads(archive.run("compare", "0" * 15 + "1", "0" * 15 + "1", "--json").stdout)
    assert (same["pages"], same["changed_pages"]) == (3, 0)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["query", "SELECT colour FROM page"], "no such column: colour"),
        (["query", "DELETE FROM page"], "refused"),
        (["query", "boxes_touch"], "did you mean boxes_touching"),
        (["query", "boxes_touching"], "--param volume=VALUE"),
        (["query", "suspects", "--format", "parquet"], "--output"),
        (["query", "suspects", "--output", "broadsheet.db"], "exists already"),
        (["query", "suspects", "--output", "nowhere/a.csv"], "There is no folder"),
        (["query", "suspects", "--param", "volume"], "not NAME=VALUE"),
        (["export", "--format", "alto", "--output", "scans"], "is not empty"),
        (["export", "--format", "alto", "--output", "x", "--volume", "scan"], "no volume scan; did you mean scans?"),
        (["export", "--format", "iiif", "--output", "x", "--canvas", "{book}"], "can hold {volume}"),
        (["overlay", "p9.tif"], "no page p9.tif"),
        (["overlay"], "Name pages"),
        (["overlay", "p0001.tif", "--output", "broadsheet.db/a.png"], "There is no folder"),
        (["report", "--output", "broadsheet.db"], "exists already"),
        (["report", "--volume", "none"], "no volume none"),
        (["report", "--output", "report.pdf"], "is written as .html, .htm or .txt, not .pdf"),
        (["overlay", "p0001.tif", "--output", "p.gif"], "not .gif"),
        (["overlay", "p0001.tif", "p0002.tif", "--output", "p.png"], "can hold one picture"),
        (["overlay", "p001.tif"], "did you mean p0001.tif"),
        (["compare", "default", "default", "--sample", "1", "--output", "scans"], "is not empty"),
        (["export", "--output", "x"], "Choose from: alto, page"),
        (["explain", "p0001"], "did you mean p0001.tif"),
        (["compare", "abc", "default"], "abc is no pipeline"),
        (["compare", "default", "separators.method=none"], "--sample 200"),
        (["report", "--database", "sqlite:///other.db"], "There is no database"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(
    archive: Broadsheet, command: list[str], sentence: str
) -> None:
    before = sorted(path.name for path in archive.folder.rglob("*") if not path.name.startswith("broadsheet.db-"))
    done = archive.run(*command, code=2)
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2  # the sentence, and where to find help
    assert done.stdout == ""
    after = sorted(path.name for path in archive.folder.rglob("*") if not path.name.startswith("broadsheet.db-"))
    assert after == before


@pytest.mark.parametrize("command", [["query", "suspects"], ["report"], ["query", "states", "--format", "json"]])
def test_an_empty_database_is_no_error_for_readers(tmp_path: Path, command: list[str]) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'broadsheet.db'}")
    migrations.upgrade(engine)
    engine.dispose()
    Broadsheet(tmp_path).run(*command)
    for refused in (["export", "--format", "csv", "--output", "a.csv"], ["overlay", "--suspects"]):
        Broadsheet(tmp_path).run(*refused, code=2)


def test_a_database_of_an_older_version_says_what_to_do(archive: Broadsheet) -> None:
    engine = open_engine(f"sqlite:///{archive.folder / 'broadsheet.db'}")
    migrations.downgrade(engine, "0001")
    engine.dispose()
    assert "run: broadsheet db upgrade" in archive.run("report", code=2).stderr
    archive.run("db", "upgrade")
    archive.run("report")


def test_a_reader_that_has_seen_enough_ends_the_query(archive: Broadsheet) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    started = time.monotonic()
    piped = f"{BROADSHEET} query '{endless}' --format csv | head -3"
    done = subprocess.run(
        ["bash", "-c", piped], cwd=archive.folder, env=archive.env(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["i", "1", "2"]
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 30


def test_a_full_disk_behind_a_pipe_is_a_sentence(archive: Broadsheet) -> None:
    with Path("/dev/full").open("w") as full:
        asked = [BROADSHEET, "query", "SELECT * FROM page_lines", "--format", "csv"]
        done = subprocess.run(
            asked, cwd=archive.folder, env=archive.env(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (2, "The output: No space left on device.\n")


def test_an_interrupted_query_leaves_no_file(archive: Broadsheet) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    running = archive.start("query", endless, "--format", "csv", "--output", "all.csv")
    wait_until(lambda: any(name.stat().st_size for name in archive.folder.glob(".*")), "the first rows", 60)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors.strip()) == (130, "Interrupted.")
    assert not [*archive.folder.glob("*all.csv*"), *archive.folder.glob(".*")]


def test_a_database_that_someone_writes_to_is_read(archive: Broadsheet) -> None:
    writer = sqlite3.connect(archive.folder / "broadsheet.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM face")
    assert archive.query("SELECT count(*) AS n FROM page_faces") == [{"n": 1}]
    writer.execute("COMMIT")
    assert archive.query("SELECT count(*) AS n FROM page_faces") == [{"n": 0}]
    writer.close()
