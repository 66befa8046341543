"""The main job, as a user meets it: scans in, rows out, nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PIL import Image

from tests.acceptance.command import Broadsheet, draw_page
from tests.servers import wait_until


@pytest.fixture
def broadsheet(tmp_path: Path) -> Broadsheet:
    return Broadsheet(tmp_path)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three pages, one file that is no image, a note and a ZIP with another page."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in (1, 2, 10):
        draw_page(folder / f"p{number}.png", f"page {number}")
    (folder / "p3.tif").write_bytes(b"II*\0 this was a scan once" + bytes(100))
    (folder / "notes.txt").write_text("bring the scans to the library")
    draw_page(tmp_path / "zipped.png", "zipped")
    with zipfile.ZipFile(folder / "q.zip", "w") as archive:
        archive.write(tmp_path / "zipped.png", "inner.png")
    return folder


def pages_by_state(folder: Path) -> dict[str, int]:
    database = folder / "broadsheet.db"
    if not database.exists():
        return {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            return dict(connection.execute("SELECT state, count(*) FROM page_run GROUP BY state"))
        except sqlite3.OperationalError:
            return {}


def test_scans_become_rows(broadsheet: Broadsheet, scans: Path) -> None:
    summary = broadsheet.ingest("scans", code=1)
    assert (summary["pages"], summary["done"], summary["quarantined"], summary["skipped"]) == (5, 4, 1, 1)
    rows = broadsheet.query("SELECT page, page_number, state, text_lines FROM page_status ORDER BY page_number")
    assert [row["page"] for row in rows] == ["p1.png", "p2.png", "p3.tif", "p10.png", "q.zip/inner.png"]
    assert [row["state"] for row in rows] == ["done", "done", "quarantined", "done", "done"]
    assert all(row["text_lines"] == 20 for row in rows if row["state"] == "done")
    stages = broadsheet.query("SELECT DISTINCT stage FROM page_timings ORDER BY stage_number")
    assert [row["stage"] for row in stages] == [
        "decode", "palette", "binarization", "separators", "segmentation", "structure", "faces", "record"
    ]  # fmt: skip
    boxes = broadsheet.query("SELECT min(x) AS x, max(x + width) AS right, min(width) AS narrow FROM page_lines")
    assert 0 <= boxes[0]["x"] <= 45
    assert boxes[0]["right"] <= 700
    assert boxes[0]["narrow"] > 200
    assert broadsheet.query("SELECT name FROM worker") == [], "the worker ended with the command"


def test_a_second_ingest_adds_nothing_and_a_changed_file_is_a_new_page(broadsheet: Broadsheet, scans: Path) -> None:
    first = broadsheet.ingest("scans", code=1)
    second = broadsheet.ingest("scans", code=1)
    assert second["pages"] == first["pages"]
    assert second["finished_now"] == 0
    draw_page(scans / "p2.png", "another text")
    third = broadsheet.ingest("scans", code=1)
    assert (third["pages"], third["finished_now"]) == (first["pages"], 1)


def test_other_parameters_are_other_page_runs(broadsheet: Broadsheet, scans: Path) -> None:
    broadsheet.ingest("scans/p1.png")
    broadsheet.run("ingest", "scans/p1.png", "--set", "binarization.method=sauvola")
    rows = broadsheet.query("SELECT DISTINCT pipeline, page FROM page_status_all")
    assert len(rows) == 2


def test_the_segmenter_is_part_of_the_pipeline(broadsheet: Broadsheet, scans: Path) -> None:
    broadsheet.run("ingest", "scans/p1.png", "--segmenter", "kraken")
    used = broadsheet.query("SELECT json_extract(parameters, '$.segmentation.segmenter') AS segmenter FROM pipeline")
    assert used == [{"segmenter": "kraken"}]


def test_a_mask_keeps_lines_out_of_every_page(broadsheet: Broadsheet, scans: Path) -> None:
    mask = Image.new("1", (700, 900), 1)
    mask.paste(0, (0, 0, 700, 430))
    mask.save(broadsheet.folder / "mask.png")
    broadsheet.run("ingest", "scans/p1.png", "--set", "segmentation.mask=mask.png")
    assert broadsheet.query("SELECT count(*) AS lines, min(y) >= 420 AS below FROM page_lines") == [
        {"lines": 10, "below": 1}
    ]


def test_a_dry_run_lists_pages_and_touches_nothing(broadsheet: Broadsheet, scans: Path) -> None:
    listed = broadsheet.run("ingest", "scans", "--dry-run").stdout
    assert "q.zip/inner.png" in listed
    assert not (broadsheet.folder / "broadsheet.db").exists()


def test_ctrl_c_leaves_everything_resumable(broadsheet: Broadsheet, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(30):
        draw_page(folder / f"{number}.png", f"page {number}", (1400, 1800))
    command = broadsheet.start("ingest", "many", "--processes", "1")
    wait_until(lambda: pages_by_state(tmp_path).get("done", 0) > 1, "the first pages", 60)
    os.killpg(command.pid, signal.SIGINT)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 130, errors
    assert "Interrupted" in errors
    states = pages_by_state(tmp_path)
    assert set(states) <= {"done", "ready"}, "nothing hangs between"
    assert states["ready"] > 0, "it was stopped too late to prove anything"
    summary = broadsheet.ingest("many")
    assert (summary["done"], summary["finished_now"]) == (30, states["ready"])
    assert max(row["attempts"] for row in broadsheet.query("SELECT attempts FROM page_status")) == 1


def test_ctrl_c_twice_stops_at_once_and_nothing_reads_as_work(broadsheet: Broadsheet, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        draw_page(folder / f"{number}.png", f"page {number}", (1400, 1800))
    command = broadsheet.start("ingest", "many", "--processes", "2")
    wait_until(lambda: pages_by_state(tmp_path).get("running", 0) > 0, "the first page in work", 60)
    os.killpg(command.pid, signal.SIGINT)
    assert command.stderr is not None
    wait_until(lambda: "Ctrl-C again stops at once" in command.stderr.readline(), "the word of it", 60)  # type: ignore[union-attr]
    os.killpg(command.pid, signal.SIGINT)
    _, errors = command.communicate(timeout=60)
    assert (command.returncode, errors.strip()) == (130, "Interrupted; run the same command again to go on from here.")
    assert set(pages_by_state(tmp_path)) <= {"done", "ready"}, "what the workers held went back"
    assert "Nobody works, and " in broadsheet.run("status").stdout
    assert broadsheet.ingest("many")["done"] == 12
    assert max(row["attempts"] for row in broadsheet.query("SELECT attempts FROM page_status")) == 1


def test_a_killed_command_takes_its_services_with_it_and_goes_on(broadsheet: Broadsheet, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        draw_page(folder / f"{number}.png", f"page {number}", (1400, 1800))
    with TemporaryDirectory() as private:  # where broker and worker have their folders for as long as they live
        environ = (*broadsheet.environ, ("TMPDIR", private))
        command = replace(broadsheet, environ=environ).start("ingest", "many", "--processes", "1")
        wait_until(lambda: pages_by_state(tmp_path).get("done", 0) > 0, "the first page", 60)
        command.kill()
        command.communicate()
        wait_until(lambda: not list(Path(private).iterdir()), "the end of broker and worker", 30)
    done = pages_by_state(tmp_path)["done"]
    summary = broadsheet.ingest("many")
    assert summary["done"] == 12
    assert summary["finished_now"] <= 12 - done


def test_a_folder_of_rubbish_is_answered_with_reasons(broadsheet: Broadsheet, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.mkdir()
    (rubbish / "empty.png").write_bytes(b"")
    (rubbish / "noise.jpg").write_bytes(bytes(range(256)) * 20)
    (rubbish / "broken.zip").write_bytes(b"PK\x03\x04 no more")
    (rubbish / "broken.pdf").write_bytes(b"%PDF-1.7 no more")
    summary = broadsheet.ingest("rubbish", code=1)
    assert (summary["done"], summary["quarantined"]) == (0, 4)
    reasons = broadsheet.query("SELECT page, error_code, error_message FROM page_status")
    assert all(row["error_code"] and row["page"] in row["error_message"] for row in reasons)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ingest", "nowhere"], 2, "nowhere does not exist"),
        (["ingest"], 2, "Missing argument"),
        (["ingest", "scans/notes.txt"], 2, "scans/notes.txt holds no page"),
        (["injest", "x"], 2, "Did you mean 'ingest'?"),
        (["ingest", ".", "--set", "faces.size=3"], 2, "unknown parameter faces.size"),
        (["query", "SELECT 1"], 2, "There is no database"),
        (["status"], 2, "There is no database"),
        (["worker"], 2, "needs the address of a broker"),
        (["ingest", ".", "--database", "oracle://x"], 2, "The database must be"),
        (["ingest", ".", "--database", "postgresql://nobody@127.0.0.1:1/x"], 3, "database"),
        (["ingest", "scans", "--broker", "redis://127.0.0.1:1"], 3, "broker"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(
    broadsheet: Broadsheet, scans: Path, arguments: list[str], code: int, words: str
) -> None:
    errors = broadsheet.run(*arguments, code=code).stderr
    assert words in errors
    assert len(errors.splitlines()) <= 3


def test_a_query_error_is_a_sentence(broadsheet: Broadsheet, scans: Path) -> None:
    broadsheet.ingest("scans/p1.png")
    assert "no such table: pages" in broadsheet.run("query", "SELECT * FROM pages", code=2).stderr
    assert "not authorized" in broadsheet.run("query", "ATTACH 'x' AS y", code=2).stderr
    shutil.rmtree(scans)
    assert broadsheet.query("SELECT count(*) AS n FROM page_lines") == [{"n": 20}]
