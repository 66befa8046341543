"""What reviewers are given to look at, and how a page gets into the queue again, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text, update

from models import PageRun, Pipeline
from models.review import Verdict
from models.session import open_engine_read_only
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.selection import Selection
from orchestrator.reviews.statements import Statement, UnusableStatement, say_of, standing, take_back_last
from orchestrator.web.reading import Reading
from orchestrator.web.review import routes
from orchestrator.web.review.again import read_again
from orchestrator.web.review.desk import Desk
from orchestrator.web.review.routes import statement_of
from orchestrator.web.site import Site
from tests.archive import add_done_pages, page, store
from workers.config import Settings
from workers.parameters import PipelineParameters


@pytest.fixture
def desk(engine: Engine, database_url: str, tmp_path: Path) -> Desk:
    settings = Settings(database_url=database_url)
    return Desk(Site(open_engine_read_only(database_url), settings, tmp_path), Reading(settings))


def doubted(*doubts: float) -> list[Any]:
    return [replace(page(), doubt=doubt) for doubt in doubts]


def test_suspects_come_worst_first_and_those_with_a_verdict_no_more(engine: Engine, desk: Desk) -> None:
    runs = add_done_pages(engine, doubted(0.2, 0.9, 0.01, 0.5))
    assert [one.page_run_id for one in desk.pages(None, suspects_only=True)] == [runs[1], runs[3], runs[0]]
    say_of(engine, runs[1], "mara", Statement(Verdict.WRONG))
    say_of(engine, runs[3], "mara", Statement(Verdict.FALSE_BOX, "line", 1))  # a correction alone is no verdict
    assert [one.page_run_id for one in desk.pages(None, suspects_only=True)] == [runs[3], runs[0]]
    assert [one.page_run_id for one in desk.pages(None, suspects_only=False)] == [runs[0], *runs[2:]]
    assert desk.reasons(runs[3]) == ("50% of its letters lie outside of the lines",)


def test_suspects_of_one_volume_are_those_of_no_other(engine: Engine, desk: Desk) -> None:
    one = add_done_pages(engine, doubted(0.5, 0.6), "one")
    two = add_done_pages(engine, doubted(0.9), "two")
    (volume,) = desk.site.ask("SELECT volume_id FROM page_status WHERE page_run_id = :run", run=one[0])
    for only in (True, False):
        found = desk.pages(volume["volume_id"], suspects_only=only)
        assert {page.page_run_id for page in found} == set(one)
    assert desk.pages(4711, suspects_only=True) == []
    assert len(desk.pages(None, suspects_only=True)) == len(one + two)


@pytest.fixture
def finished(engine: Engine) -> ArchivedPage:
    """A page that was read with the usual parameters."""
    (run,) = add_done_pages(engine, [page()])
    parameters = PipelineParameters()
    with engine.begin() as connection:
        connection.execute(update(Pipeline).values(parameters=parameters.to_json(), versions="{}"))
    (found,) = read_pages(engine, Selection(page_runs=(run,)))
    return found


def states(engine: Engine) -> list[tuple[Any, ...]]:
    sql = "SELECT state, priority, is_current FROM page_run ORDER BY page_run_id"
    with engine.connect() as connection:
        return [(row[0], row[1], bool(row[2])) for row in connection.execute(text(sql))]


def test_a_page_is_read_again_before_all_others_and_keeps_its_result_until_then(
    engine: Engine, finished: ArchivedPage
) -> None:
    run, _ = read_again(engine, finished, "one column", "mara")
    assert states(engine) == [("done", 1, True), ("ready", 0, False)]
    assert read_again(engine, finished, "one column", "otto")[0] == run, "asked for twice, it is read once"
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id == run).values(state="queued"))
    store(engine, run, page(7))
    assert [state[2] for state in states(engine)] == [False, True]
    (said, *_) = standing(engine, [finished.page_run_id])[finished.page_run_id]
    assert said.verdict == Verdict.READ_AGAIN
    with pytest.raises(UnusableStatement, match="before, and with others since"):
        read_again(engine, finished, "one column", "mara")


def test_to_read_a_page_as_it_was_read_is_refused(engine: Engine, finished: ArchivedPage) -> None:
    with pytest.raises(UnusableStatement, match="There are no parameters of that name"):
        read_again(engine, finished, "rm -rf", "mara")
    already = replace(finished.provenance, parameters='{"separators":{"method":"none"}}')
    with pytest.raises(UnusableStatement, match="with these parameters already"):
        read_again(engine, replace(finished, provenance=already), "one column", "mara")


def test_undo_leaves_a_reading_that_has_not_begun(engine: Engine, finished: ArchivedPage) -> None:
    read_again(engine, finished, "one column", "mara")
    taken = take_back_last(engine, "mara")
    assert taken is not None
    routes.leave(engine, *taken)
    assert [state[0] for state in states(engine)] == ["done", "cancelled"]
    read_again(engine, finished, "one column", "mara")
    assert [state[0] for state in states(engine)] == ["done", "ready"], "asked for anew, it is read"


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"verdict": "read_again"}, {"verdict": ["right"]}, {"verdict": "right", "box_kind": 5},
        {"verdict": "missing_box", "box_kind": "line", "box": {"x": 1}},
        {"verdict": "missing_box", "box_kind": "line", "box": {"x": "a", "y": 1, "width": 5, "height": 5}},
        {"verdict": "missing_box", "box_kind": "line", "box": {"x": 1e999, "y": 1, "width": 5, "height": 5}},
        {"verdict": "missing_box", "box_kind": "line", "box": {"x": 1, "y": 1, "width": 0, "height": 5}},
        {"verdict": "false_box", "box_kind": "line", "box_number": "1; DROP TABLE review"},
        {"verdict": "false_box", "box_kind": "line", "box_number": 10**30},
    ],
)  # fmt: skip
def test_what_a_client_makes_up_is_no_statement(sent: dict[str, Any]) -> None:
    with pytest.raises(UnusableStatement):
        statement_of(sent)
