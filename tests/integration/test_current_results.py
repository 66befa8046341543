"""One result per scan that is present: what the database itself keeps, and what every reader shows of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update

from models import Face, Page, PageRun, Pipeline, Separator, StageTiming, TextLine, Volume
from models.views import VIEWS
from orchestrator.discovery.discovery import FoundPage
from orchestrator.ingest.rows import Target, store_block
from orchestrator.page_runs.decisions import retry
from orchestrator.report.figures import read_figures
from orchestrator.results.pages import count_pages, read_pages
from orchestrator.results.selection import Selection
from orchestrator.status.figures import read_status
from tests.archive import add_done_pages, page, store
from tests.rows import add_page_runs
from workers.lease.claims import Failure, claim, fail
from workers.sources.address import PageAddress


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def another_pipeline(engine: Engine, name: str = "another") -> list[int]:
    """Queue every page under one more pipeline, and return the numbers of the page runs."""
    with engine.begin() as connection:
        values = {"fingerprint": name, "parameters": "{}", "versions": "{}"}
        pipeline_id = connection.execute(insert(Pipeline).returning(Pipeline.pipeline_id), values).scalar_one()
        pages = connection.scalars(select(Page.page_id).order_by(Page.page_id)).all()
        rows = [{"page_id": one, "pipeline_id": pipeline_id, "state": "queued"} for one in pages]
        connection.execute(insert(PageRun), rows)
        of_pipeline = select(PageRun.page_run_id).where(PageRun.pipeline_id == pipeline_id)
        return list(connection.scalars(of_pipeline.order_by(PageRun.page_id)))


def current(engine: Engine) -> list[int]:
    return [row[0] for row in ask(engine, "SELECT page_run_id FROM page_run WHERE is_current ORDER BY page_id")]


def lines_of_pages(engine: Engine) -> list[tuple[Any, ...]]:
    return ask(engine, "SELECT page, count(*) FROM page_lines GROUP BY page ORDER BY page")


def test_a_page_under_two_pipelines_is_counted_once(engine: Engine) -> None:
    add_done_pages(engine, [page(50)])
    (second,) = another_pipeline(engine)
    store(engine, second, page(48))
    assert lines_of_pages(engine) == [("p0001.tif", 48)]
    assert ask(engine, "SELECT text_lines, pipeline FROM page_status") == [(48, "another")]
    history = "SELECT pipeline, is_current, count(*) FROM page_lines_all GROUP BY pipeline, is_current ORDER BY 3"
    assert [(bool(row[1]), row[2]) for row in ask(engine, history)] == [(True, 48), (False, 50)]


def test_results_stay_while_a_page_is_read_again_and_change_when_it_ends(engine: Engine) -> None:
    (first,) = add_done_pages(engine, [page(5)])
    (second,) = another_pipeline(engine)
    assert current(engine) == [first]
    assert read_status(engine).unfinished == 1
    store(engine, second, page(6))
    assert current(engine) == [second]
    assert read_status(engine).volumes == {"scans": {"done": 1}}


def test_a_page_that_fails_under_a_later_pipeline_keeps_its_results(engine: Engine) -> None:
    (first,) = add_done_pages(engine, [page(5)])
    (second,) = another_pipeline(engine)
    claimed = claim(engine, second, "task", "test:1", 180)
    assert claimed is not None
    fail(engine, second, claimed.owner, Failure("unreadable_image", "It is broken.", retry=False), 3)
    assert current(engine) == [first]
    assert lines_of_pages(engine) == [("p0001.tif", 5)]


def test_a_page_without_results_shows_its_newest_page_run(engine: Engine) -> None:
    (first,) = add_page_runs(engine, 1, state="quarantined")
    assert current(engine) == [first]
    (second,) = another_pipeline(engine)
    assert current(engine) == [second]
    assert ask(engine, "SELECT state FROM page_status") == [("queued",)]


def test_a_result_that_is_made_again_or_deleted_gives_way_to_the_one_before(engine: Engine) -> None:
    (first,) = add_done_pages(engine, [page(5)])
    (second,) = another_pipeline(engine)
    store(engine, second, page(6))
    retry(engine, ["done"], Selection(page_runs=(second,)))  # type: ignore[list-item]
    assert current(engine) == [first]
    with engine.begin() as connection:
        connection.execute(delete(PageRun).where(PageRun.page_run_id == first))
    assert current(engine) == [second]


def test_a_scan_that_is_gone_is_in_no_view_until_it_is_back(engine: Engine) -> None:
    runs = add_done_pages(engine, [page(5), page(6)])
    with engine.begin() as connection:
        connection.execute(update(Page).where(Page.page_number == 1).values(gone_at=text("CURRENT_TIMESTAMP")))
    assert current(engine) == [runs[1]]
    assert lines_of_pages(engine) == [("p0002.tif", 6)]
    assert count_pages(engine, Selection()) == 1
    with engine.begin() as connection:
        connection.execute(update(Page).values(gone_at=None))
    assert current(engine) == runs


def test_every_view_gives_the_current_results_alone(engine: Engine) -> None:
    add_done_pages(engine, [page(5, picture_hash=7), page(0), page(9)])
    plain = [view.name for view in VIEWS if not view.name.endswith("_all") and view.name != "duplicate_pages"]
    before = {name: ask(engine, f"SELECT count(*) FROM {name}") for name in plain}
    for run, lines in zip(another_pipeline(engine), (5, 0, 9), strict=True):
        store(engine, run, page(lines))
    assert {name: ask(engine, f"SELECT count(*) FROM {name}") for name in plain} == before
    with_history = {view.name.removesuffix("_all") for view in VIEWS if view.name.endswith("_all")}
    for name in with_history:
        assert ask(engine, f"SELECT count(*) FROM {name}_all") >= before[name]


def test_report_status_and_export_count_what_the_views_count(engine: Engine) -> None:
    add_done_pages(engine, [page(50)])
    (second,) = another_pipeline(engine)
    store(engine, second, page(48))
    figures = read_figures(engine, Selection())
    assert (figures.volumes[0].done, figures.totals["text_lines"]) == (1, 48)
    assert [found.page_run_id for found in read_pages(engine, Selection())] == [second]
    older = read_figures(engine, Selection(pipeline=f"{1:016x}"))
    assert older.totals["text_lines"] == 50


def test_a_volume_that_is_deleted_leaves_nothing_behind(engine: Engine) -> None:
    add_done_pages(engine, [page(5), page(6)])
    with engine.begin() as connection:
        connection.execute(delete(Volume))
    for table in (Page, PageRun, TextLine, Separator, Face, StageTiming):
        assert ask(engine, f"SELECT count(*) FROM {table.__tablename__}") == [(0,)]


def test_two_results_of_one_page_cannot_both_be_current(engine: Engine) -> None:
    add_done_pages(engine, [page(5)])
    another_pipeline(engine)
    with pytest.raises(Exception, match=r"(?i)unique"), engine.begin() as connection:
        connection.execute(update(PageRun).values(is_current=True))


def ingest(engine: Engine, volume_id: int, pipeline_id: int, *scans: tuple[str, str]) -> None:
    """Store scans (name, SHA-256) of a volume as an ingest does."""
    found = [FoundPage(PageAddress((name,)), number, sha256, 1, 0) for number, (name, sha256) in enumerate(scans, 1)]
    store_block(engine, Target(volume_id, pipeline_id, 1), found)


def test_a_scan_that_was_replaced_counts_with_its_new_bytes(engine: Engine) -> None:
    add_done_pages(engine, [page(5)])
    ingest(engine, 1, 1, ("p0001.tif", "b" * 64))
    assert ask(engine, "SELECT page, state, text_lines FROM page_status") == [("p0001.tif", "ready", None)]
    assert ask(engine, "SELECT gone_reason FROM page_status_all ORDER BY page_id") == [("replaced",), (None,)]
    ingest(engine, 1, 1, ("p0001.tif", f"{1:064x}"))
    assert ask(engine, "SELECT page, state, text_lines FROM page_status") == [("p0001.tif", "done", 5)]
