"""Scans that are read twice, replaced, renamed, deleted, given twice, or read by older versions: what readers say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import Engine, insert, text, update

from models import PageRun, Pipeline
from models.session import open_engine_read_only
from models.views import VIEWS
from orchestrator.discovery.discovery import open_volume
from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export
from orchestrator.ingest.earlier_results import OlderVersions, older_versions
from orchestrator.ingest.progress import open_display
from orchestrator.ingest.summary import summarise
from orchestrator.ingest.volumes import VolumeIngester
from orchestrator.report.figures import read_figures
from orchestrator.results.selection import Selection
from orchestrator.status.figures import read_status
from tests.archive import page, store
from workers.config import Settings
from workers.layout import BoundingBox

FACE = BoundingBox(600, 300, 700, 420)
PILLOW = '{"pillow": "12", "stages": "decode:1 segmentation:1 faces:1"}'
NEWER_PILLOW = PILLOW.replace("12", "13")
LINES = {"p1.png": 10, "p2.png": 20, "p3.png": 30, "sub/p4.png": 40}


def draw(path: Path, mark: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scan = Image.new("L", (80, 60), 255)
    ImageDraw.Draw(scan).text((5, 5), mark)
    scan.save(path)


def add_pipeline(engine: Engine, name: str, parameters: str = "{}", versions: str = PILLOW) -> int:
    with engine.begin() as connection:
        values = {"fingerprint": name, "parameters": parameters, "versions": versions}
        return connection.execute(insert(Pipeline).returning(Pipeline.pipeline_id), values).scalar_one()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four scans, one of them in a folder of its own."""
    for name in LINES:
        draw(tmp_path / "scans" / name, name)
    return tmp_path / "scans"


@pytest.fixture
def archive(engine: Engine, folder: Path) -> Engine:
    """The scans, ingested and read."""
    ingest(engine, folder, add_pipeline(engine, "a" * 16))
    work(engine)
    return engine


def ingest(engine: Engine, path: Path, pipeline_id: int, refresh: str = "") -> VolumeIngester:
    """Find and store the pages at `path` as `broadsheet ingest` does."""
    url = engine.url.render_as_string(hide_password=False)
    older = older_versions(engine, pipeline_id, refresh=refresh == "changed")
    older = OlderVersions() if refresh == "all" else older
    with open_display(quiet=True) as display:
        storing = VolumeIngester(
            engine, open_engine_read_only(url), Settings(database_url=url), display, pipeline_id, 1, older
        )
        storing.add(open_volume(path), lambda: None)
    storing.reader.dispose()
    return storing


def work(engine: Engine, more: int = 0) -> int:
    """Read what is ready, as workers do: `more` lines than is usual for a page. Returns how many pages there were."""
    with engine.begin() as connection:
        queued = update(PageRun).where(PageRun.state == "ready").values(state="queued")
        connection.execute(queued)
    names = "SELECT r.page_run_id, p.name FROM page_run r JOIN page p ON p.page_id = r.page_id WHERE state = 'queued'"
    waiting = ask(engine, names)
    for run, name in waiting:
        store(engine, run, page(LINES.get(name, 50) + more, [FACE]))
    return len(waiting)


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def read_twice(engine: Engine, folder: Path) -> None:
    ingest(engine, folder, add_pipeline(engine, "b" * 16, '{"other": 1}'))
    work(engine, more=1)


def updated(engine: Engine, folder: Path) -> None:
    storing = ingest(engine, folder, add_pipeline(engine, "c" * 16, versions=NEWER_PILLOW))
    assert (storing.kept, storing.stale) == (4, 0)
    assert summarise(engine, storing.volume_ids, storing.pipeline_ids).done == 4
    assert work(engine) == 0


def refreshed(engine: Engine, folder: Path) -> None:
    ingest(engine, folder, add_pipeline(engine, "c" * 16, versions=NEWER_PILLOW), "all")
    assert work(engine, more=2) == 4


def refreshed_where_code_changed(engine: Engine, folder: Path) -> None:
    """Another reading of faces is of no concern to the page that went through no such stage."""
    without_faces = "DELETE FROM stage_timing WHERE stage = 'faces' AND page_run_id IN ({})"
    of_page = "SELECT r.page_run_id FROM page_run r JOIN page p ON p.page_id = r.page_id WHERE p.name = 'p2.png'"
    with engine.begin() as connection:
        connection.execute(text(without_faces.format(of_page)))
    newer = add_pipeline(engine, "d" * 16, versions='{"pillow": "12", "stages": "decode:1 segmentation:1 faces:2"}')
    storing = ingest(engine, folder, newer)
    assert (storing.kept, storing.stale, sorted(storing.older.stages)) == (4, 3, ["faces"])
    assert work(engine) == 0
    storing = ingest(engine, folder, newer, "changed")
    assert (storing.kept, storing.stale) == (1, 0)
    assert work(engine, more=4) == 3


def not_refreshed_for_another_library(engine: Engine, folder: Path) -> None:
    newer = add_pipeline(engine, "c" * 16, versions=NEWER_PILLOW)
    assert ingest(engine, folder, newer, "changed").kept == 4
    assert work(engine) == 0


def replaced(engine: Engine, folder: Path) -> None:
    draw(folder / "p1.png", "other")
    ingest(engine, folder, 1)
    assert work(engine, more=3) == 1


def renamed(engine: Engine, folder: Path) -> None:
    (folder / "p2.png").rename(folder / "p9.png")
    assert ingest(engine, folder, 1).taken_over == 1
    assert work(engine) == 0
    assert ask(engine, "SELECT name, gone_reason FROM page WHERE gone_at IS NOT NULL") == [("p2.png", "moved")]


def folder_renamed(engine: Engine, folder: Path) -> None:
    moved = folder.rename(folder.with_name("moved"))
    assert ingest(engine, moved, 1).taken_over == 4
    assert work(engine) == 0
    assert ask(engine, "SELECT DISTINCT gone_reason FROM page WHERE gone_at IS NOT NULL") == [("moved",)]


def deleted(engine: Engine, folder: Path) -> None:
    (folder / "p3.png").unlink()
    ingest(engine, folder, 1)


def part_given_again(engine: Engine, folder: Path) -> None:
    ingest(engine, folder / "sub", 1)
    assert work(engine) == 0


def whole_given_after_part(engine: Engine, folder: Path) -> None:
    draw(folder.parent / "p0.png", "p0")
    assert ingest(engine, folder.parent, 1).taken_over == 4
    assert work(engine) == 1


# what happened -> pages and lines that are right on paper
EXPECTATIONS = {
    read_twice: {"p1.png": 11, "p2.png": 21, "p3.png": 31, "sub/p4.png": 41},
    updated: LINES,
    refreshed: {"p1.png": 12, "p2.png": 22, "p3.png": 32, "sub/p4.png": 42},
    refreshed_where_code_changed: {"p1.png": 14, "p2.png": 20, "p3.png": 34, "sub/p4.png": 44},
    not_refreshed_for_another_library: LINES,
    replaced: LINES | {"p1.png": 13},
    renamed: {"p1.png": 10, "p3.png": 30, "p9.png": 20, "sub/p4.png": 40},
    folder_renamed: LINES,
    deleted: {"p1.png": 10, "p2.png": 20, "sub/p4.png": 40},
    part_given_again: LINES,
    whole_given_after_part: {"p0.png": 50} | {f"scans/{name}": lines for name, lines in LINES.items()},
}


# scans that status counts as gone
GONE = {replaced: 1, renamed: 1, folder_renamed: 4, deleted: 1, whole_given_after_part: 4}


@pytest.mark.parametrize("happens", EXPECTATIONS, ids=lambda happens: happens.__name__)
def test_every_reader_gives_the_numbers_that_are_right_on_paper(
    archive: Engine, folder: Path, tmp_path: Path, happens: Any
) -> None:
    happens(archive, folder)
    right = EXPECTATIONS[happens]
    total = sum(right.values())
    lines = "SELECT page, count(*) FROM page_lines GROUP BY page"
    assert dict(ask(archive, lines)) == right  # type: ignore[arg-type]
    assert dict(ask(archive, "SELECT page, text_lines FROM page_status")) == right  # type: ignore[arg-type]
    counts = {
        "page_boxes WHERE kind = 'line'": total,
        "page_boxes WHERE kind = 'face'": len(right),
        "page_separators": len(right),
        "page_faces": len(right),
        "page_timings WHERE stage = 'segmentation'": len(right),
        "page_pictures": 0,
        "page_metadata": 0,
        "page_reviews": 0,
        "duplicate_pages": 0,
    }
    for view, wanted in counts.items():
        assert ask(archive, f"SELECT count(*) FROM {view}") == [(wanted,)], view
    assert ask(archive, "SELECT sum(text_lines) FROM page_blocks") == [(total,)]
    spreads = ("stage_percentiles_by_volume", "stage_percentiles_by_day")
    for view in spreads:
        assert ask(archive, f"SELECT sum(pages) FROM {view} WHERE stage = 'segmentation'") == [(len(right),)], view
    suspects = {name for (name,) in ask(archive, "SELECT page FROM suspect_pages")}
    assert suspects <= right.keys()
    looked_at = {"page_status", "page_lines", "page_blocks", "suspect_pages", *spreads}
    looked_at |= {view.split()[0] for view in counts}
    assert {one.name for one in VIEWS if not one.name.endswith("_all")} == looked_at, "every view is looked at here"
    figures = read_figures(archive, Selection())
    assert (sum(volume.done for volume in figures.volumes), figures.totals["text_lines"]) == (len(right), total)
    assert sum(states.get("done", 0) for states in read_status(archive).volumes.values()) == len(right)
    run_export(archive, "csv", tmp_path / "boxes.csv", Selection(), ExportOptions(), 10**9)
    assert (tmp_path / "boxes.csv").read_text().count(",line,") == total
    run_export(archive, "coco", tmp_path / "boxes.json", Selection(), ExportOptions(), 10**9)
    assert len(json.loads((tmp_path / "boxes.json").read_text())["images"]) == len(right)
    assert sum(sum(reasons.values()) for reasons in read_status(archive).gone.values()) == GONE.get(happens, 0)
