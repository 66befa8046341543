"""Volumes by name: listed, renamed, moved, forgotten; and what nothing current needs is pruned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image
from sqlalchemy import Engine, insert, select, text, update

from models import Page, PageRun, Pipeline
from orchestrator.command import broadsheet
from orchestrator.ingest.rows import store_volume
from orchestrator.ingest.volumes_given import Choice
from orchestrator.results.selection import Selection, resolve
from orchestrator.volumes.volumes import call_volume
from tests.archive import add_done_pages, page, store
from workers.errors import UnreadableInput


def run(engine: Engine, *arguments: str) -> str:
    url = engine.url.render_as_string(hide_password=False)
    result = CliRunner().invoke(
        broadsheet, [*arguments, "--database", url], catch_exceptions=False, standalone_mode=False
    )
    return result.output


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def archive(engine: Engine) -> Engine:
    """Two volumes; of the first a page was read again and another replaced."""
    add_done_pages(engine, [page(5), page(6), page(7)], "gazette")
    add_done_pages(engine, [page(3)], "courier")
    with engine.begin() as connection:
        values = {"fingerprint": "newer", "parameters": "{}", "versions": "{}"}
        pipeline_id = connection.execute(insert(Pipeline).returning(Pipeline.pipeline_id), values).scalar_one()
        row = {"page_id": connection.scalar(select(Page.page_id).limit(1)), "pipeline_id": pipeline_id}
        again = connection.execute(
            insert(PageRun).returning(PageRun.page_run_id), row | {"state": "queued"}
        ).scalar_one()
    store(engine, again, page(8))
    with engine.begin() as connection:
        gone = update(Page).where(Page.name == "p0002.tif")
        connection.execute(gone.values(gone_at=text("CURRENT_TIMESTAMP"), gone_reason="replaced"))
    return engine


def test_volumes_are_listed_with_what_is_there_and_gone(archive: Engine) -> None:
    told = run(archive, "volume", "list")
    assert "gazette (directory, /archive/gazette): 2 pages, 2 done, gone: 1 replaced" in told
    found = {one["volume"]: one["pages"] for one in json.loads(run(archive, "volume", "list", "--json"))}
    assert found == {"gazette": 2, "courier": 1}


def test_a_volume_is_renamed(archive: Engine) -> None:
    assert "would be called" in run(archive, "volume", "rename", "gazette", "Gazette 1898", "--dry-run")
    run(archive, "volume", "rename", "gazette", "Gazette 1898")
    assert ask(archive, "SELECT DISTINCT volume FROM page_status ORDER BY 1") == [("Gazette 1898",), ("courier",)]
    with pytest.raises(UnreadableInput, match="a volume courier already"):
        run(archive, "volume", "rename", "Gazette 1898", "courier")


def test_a_volume_is_moved_to_where_its_scans_lie(archive: Engine, tmp_path: Path) -> None:
    run(archive, "volume", "move", "gazette", str(tmp_path))
    assert ask(archive, "SELECT location FROM volume WHERE source = 'gazette'") == [(str(tmp_path),)]
    with pytest.raises(UnreadableInput, match="does not exist"):
        run(archive, "volume", "move", "gazette", str(tmp_path / "none"))
    with pytest.raises(UnreadableInput, match="is at"):
        run(archive, "volume", "move", "courier", str(tmp_path))


def test_a_volume_that_is_forgotten_leaves_nothing(archive: Engine) -> None:
    assert "would be forgotten" in run(archive, "volume", "forget", "gazette", "--dry-run")
    assert "gazette with 2 pages is forgotten" in run(archive, "volume", "forget", "gazette", "--yes")
    assert ask(archive, "SELECT count(*), min(volume) FROM page_status_all") == [(1, "courier")]
    assert ask(archive, "SELECT count(*) FROM text_line") == [(3,)]


def test_what_nothing_current_needs_is_pruned(archive: Engine) -> None:
    views = ("page_status", "page_lines", "page_boxes", "page_timings")
    before = [ask(archive, f"SELECT count(*) FROM {view}") for view in views]
    would = run(archive, "prune", "--dry-run")
    assert would == "1 page that is gone, 1 older result and 0 pipelines would be deleted.\n"
    run(archive, "prune")
    assert [ask(archive, f"SELECT count(*) FROM {view}") for view in views] == before
    assert [ask(archive, f"SELECT count(*) FROM {view}_all") for view in views] == before
    assert run(archive, "prune", "--dry-run").startswith("0 pages that are gone, 0 older results")


def test_an_unknown_volume_is_told_with_the_nearest(archive: Engine) -> None:
    with pytest.raises(UnreadableInput, match="gazette"):
        run(archive, "volume", "forget", "gazett", "--yes")


def test_a_volume_that_is_known_is_renamed_by_the_next_ingest(archive: Engine) -> None:
    assert call_volume(archive, "/archive/gazette", "The Gazette") == "gazette"
    assert call_volume(archive, "/archive/gazette", "The Gazette") is None
    assert call_volume(archive, "/archive/new", "The Post") is None
    with pytest.raises(UnreadableInput, match="called courier already"):
        call_volume(archive, "/archive/gazette", "courier")
    assert ask(archive, "SELECT source FROM volume ORDER BY 1") == [("The Gazette",), ("courier",)]


@pytest.mark.parametrize(
    "named", ["gazette", "gazette/", "/archive/gazette", "gaz*", "/archive/[g]*", "/archive/gazette/"]
)
def test_a_volume_is_named_as_people_type_it(archive: Engine, named: str) -> None:
    assert resolve(archive, Selection((named,))).volumes == ("gazette",)


def test_the_folder_of_several_volumes_names_them_all(archive: Engine) -> None:
    assert set(resolve(archive, Selection(("/archive/",))).volumes) == {"gazette", "courier"}


def test_a_folder_that_is_one_volume_stays_one(sqlite_engine: Engine, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        Image.new("L", (20, 20), 255).save(tmp_path / "scans" / name / "p1.png")
    scans, notes, url = tmp_path / "scans", list[str](), sqlite_engine.url.render_as_string()
    by_default = Choice(None, url)
    assert by_default.volumes([scans], notes.append) == [scans / "a", scans / "b"]
    assert notes == [f"{scans} holds 2 volumes, one a folder; --one-volume takes it for one."]
    store_volume(sqlite_engine, "scans", str(scans), "directory")
    assert by_default.volumes([scans], notes.append) == [scans]
    assert len(notes) == 1
    with pytest.raises(UnreadableInput, match="is one volume in the database"):
        Choice(True, url).volumes([scans], notes.append)
