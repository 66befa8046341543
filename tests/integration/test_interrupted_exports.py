"""COCO and CSV, one file of all boxes: killed at any moment and asked for again."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

import models
from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export
from orchestrator.results import pages
from tests.archive import add_done_pages, page
from tests.disk import small_disk
from workers.errors import UnreadableInput

# An export in a process of its own that is killed instead of its LAST step to the disk: odd steps find a file written
# that has not got its name, even ones find it on the disk besides. Every part takes two steps, and the whole file too.
KILLED = """
import os, signal, sys
from pathlib import Path
from orchestrator.results import pages
from models.session import open_engine_read_only
from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export

url, form, output, last = sys.argv[1:]
pages.BLOCK_PAGES = 2
steps = 0

def deadly(step):
    def run(*arguments):
        global steps
        steps += 1
        if steps == int(last):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*arguments)
    return run

os.fsync, Path.replace = deadly(os.fsync), deadly(Path.replace)
run_export(open_engine_read_only(url), form, Path(output), pages.Selection(), ExportOptions(), 10**9)
"""


@pytest.fixture
def archive(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Seven pages that are read in four blocks."""
    monkeypatch.setattr("orchestrator.results.pages.BLOCK_PAGES", 2)
    add_done_pages(engine, [page(5), page(0), page(3), page(2)], source="scans, first")
    add_done_pages(engine, [page(1), page(4), page(6)], source="scans, second")
    return engine


def export(engine: Engine, form: str, output: Path) -> str:
    with contextlib.redirect_stderr(io.StringIO()) as told:
        assert run_export(engine, form, output, pages.Selection(), ExportOptions(), 10**9) == 0
    return told.getvalue()


def kill(engine: Engine, form: str, output: Path, last: int) -> None:
    url = engine.url.render_as_string(hide_password=False)
    killed = subprocess.run([sys.executable, "-c", KILLED, url, form, output, str(last)], timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL


def parts(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parts/[!u]*")}


@pytest.mark.parametrize("form", ["coco", "csv"])
def test_a_killed_export_goes_on_and_gives_the_same_file(archive: Engine, tmp_path: Path, form: str) -> None:
    for folder in ("at once", "killed"):  # COCO names the scans from where its file lies
        (tmp_path / folder).mkdir()
    export(archive, form, tmp_path / "at once" / "boxes")
    output, before = tmp_path / "killed" / "boxes", dict[str, int]()
    for last in (6, 5, 2, 1) if form == "csv" else (5, 6, 7, 4, 2, 1):
        kill(archive, form, output, last)
        assert not output.exists()
        assert before.items() <= parts(output.parent).items()  # nothing is written twice
        before = parts(output.parent)
    assert "7 of them read before the interruption" in export(archive, form, output)
    assert output.read_bytes() == (tmp_path / "at once" / "boxes").read_bytes()
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("form", ["coco", "csv"])
def test_a_part_of_older_results_is_read_anew(archive: Engine, tmp_path: Path, form: str) -> None:
    kill(archive, form, tmp_path / "boxes", 9 if form == "coco" else 5)
    with archive.begin() as connection:
        connection.execute(update(models.TextLine).where(models.TextLine.page_run_id == 1).values(x_min=77))
        connection.execute(
            update(models.PageRun).where(models.PageRun.page_run_id == 1).values(finished_at=models.base.database_now())
        )
    assert ", 2 of them" in export(archive, form, tmp_path / "boxes")
    export(archive, form, tmp_path / "whole")
    assert (tmp_path / "boxes").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_full_disk_keeps_the_finished_parts_and_says_where(archive: Engine, tmp_path: Path) -> None:
    with archive.begin() as connection:
        long_name = update(models.Page).where(models.Page.name == "p0003.tif")
        connection.execute(long_name.values(name="p" * 4000))
    with small_disk(), pytest.raises(UnreadableInput, match=r"File too large.*boxes\.csv\.parts.*goes on from there"):
        export(archive, "csv", tmp_path / "boxes.csv")
    assert not (tmp_path / "boxes.csv").exists()
    assert not list(tmp_path.glob("boxes.csv.parts/unfinished*"))  # what would only fill the disk
    assert ", 2 of them" in export(archive, "csv", tmp_path / "boxes.csv")
    assert (tmp_path / "boxes.csv").read_text().count("\n") == 1 + 21 + 7


def test_what_else_lies_in_the_folder_of_parts_stays(archive: Engine, tmp_path: Path) -> None:
    mine = tmp_path / "boxes.csv.parts" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    export(archive, "csv", tmp_path / "boxes.csv")
    assert [*mine.parent.iterdir()] == [mine]
    (tmp_path / "other.csv.parts").write_text("mine")
    with pytest.raises(UnreadableInput, match=r"other\.csv could not be written: File exists"):
        export(archive, "csv", tmp_path / "other.csv")
