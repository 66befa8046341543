"""What people say of results: stored, taken back, and exported as ground truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Engine, insert, select, text, update

from models import Page, PageRun, Pipeline, Volume
from models.review import Verdict
from orchestrator.cli import main
from orchestrator.results.selection import Selection
from orchestrator.reviews.statements import (
    Statement,
    UnusableStatement,
    reviewed_pages,
    say_of,
    standing,
    take_back,
    take_back_last,
)
from orchestrator.volumes.volumes import prune
from tests.archive import HEIGHT, WIDTH, add_done_pages, page, store
from tests.rows import add_page_runs
from workers.layout import BoundingBox
from workers.sources.address import PageAddress

FACE = BoundingBox(600, 300, 700, 420)
RIGHT, WRONG = Statement(Verdict.RIGHT), Statement(Verdict.WRONG)


def false(kind: str, number: int) -> Statement:
    return Statement(Verdict.FALSE_BOX, kind, number)


def missing(kind: str, *corners: int) -> Statement:
    return Statement(Verdict.MISSING_BOX, kind, box=BoundingBox(*corners))


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def read_again(engine: Engine, page_run_id: int, lines: int) -> int:
    """Read the page of a page run again under another pipeline, which finds so many lines."""
    with engine.begin() as connection:
        pipeline = {"fingerprint": f"again{page_run_id}", "parameters": "{}", "versions": "{}"}
        pipeline_id = connection.execute(insert(Pipeline).returning(Pipeline.pipeline_id), pipeline).scalar_one()
        page_id = connection.scalar(select(PageRun.page_id).where(PageRun.page_run_id == page_run_id))
        run = {"page_id": page_id, "pipeline_id": pipeline_id, "state": "queued"}
        other = connection.execute(insert(PageRun).returning(PageRun.page_run_id), run).scalar_one()
    store(engine, other, page(lines))
    return int(other)


def test_a_statement_is_a_row_and_changes_no_result(engine: Engine) -> None:
    (run,) = add_done_pages(engine, [page(3, [FACE])])
    before = ask(engine, "SELECT * FROM page_boxes ORDER BY kind, number")
    for said in (false("face", 1), missing("line", 100, 500, 400, 520), RIGHT):
        say_of(engine, run, "mara", said)
    columns = "page, verdict, box_kind, box_number, x, y, width, height, reviewer, page_run_id"
    assert ask(engine, f"SELECT {columns} FROM page_reviews ORDER BY review_id") == [
        ("p0001.tif", "false_box", "face", 1, 600, 300, 100, 120, "mara", run),
        ("p0001.tif", "missing_box", "line", None, 100, 500, 300, 20, "mara", run),
        ("p0001.tif", "right", None, None, None, None, None, None, "mara", run),
    ]
    assert ask(engine, "SELECT * FROM page_boxes ORDER BY kind, number") == before


def test_what_is_taken_back_no_longer_counts_and_is_kept(engine: Engine) -> None:
    one, two = add_done_pages(engine, [page(3), page(3)])
    say_of(engine, one, "mara", WRONG)
    say_of(engine, two, "mara", RIGHT)
    say_of(engine, two, "otto", WRONG)
    last = take_back_last(engine, "mara")
    assert last is not None
    assert (last[0], last[1].verdict) == (two, Verdict.RIGHT)
    assert ask(engine, "SELECT page_number, verdict FROM page_reviews ORDER BY page_number") == [
        (1, "wrong"),
        (2, "wrong"),
    ]
    assert [row[0] for row in ask(engine, "SELECT reviewer FROM review WHERE withdrawn_at IS NOT NULL")] == ["mara"]
    taken = take_back_last(engine, "mara")
    assert taken is not None
    assert taken[0] == one
    assert taken[1].verdict == Verdict.WRONG
    assert take_back_last(engine, "mara") is None


def test_nobody_takes_back_what_another_said(engine: Engine) -> None:
    (run,) = add_done_pages(engine, [page(3)])
    number = say_of(engine, run, "mara", false("line", 1))
    assert take_back(engine, "otto", number) is None
    assert take_back(engine, "mara", number) is not None
    assert take_back(engine, "mara", number) is None


def test_the_newest_word_on_a_page_or_box_counts(engine: Engine) -> None:
    (run,) = add_done_pages(engine, [page(3)])
    moves = [BoundingBox(400, 80, 403, 900), BoundingBox(410, 80, 413, 900)]
    for box in moves:
        say_of(engine, run, "mara", Statement(Verdict.MOVED_SEPARATOR, "separator", 1, box))
    say_of(engine, run, "mara", WRONG)
    say_of(engine, run, "otto", RIGHT)
    assert [(said.verdict, said.box) for said in standing(engine, [run])[run]] == [
        (Verdict.MOVED_SEPARATOR, moves[1]),
        (Verdict.RIGHT, None),
    ]
    latest = "SELECT verdict, is_latest FROM page_reviews ORDER BY review_id"
    assert [bool(row[1]) for row in ask(engine, latest)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (false("line", 99), "no line of number 99"),
        (false("hat", 1), "A box is a line"),
        (Statement(Verdict.MISSING_BOX, "line"), "place of the box is missing"),
        (missing("line", WIDTH + 5, 10, WIDTH + 50, 40), "beside the page"),
        (Statement(Verdict.MOVED_SEPARATOR, "line", 1, FACE), "Only separators can be moved"),
    ],
)
def test_what_does_not_fit_the_page_is_refused_in_a_sentence(
    sqlite_engine: Engine, said: Statement, sentence: str
) -> None:
    (run,) = add_done_pages(sqlite_engine, [page(3)])
    with pytest.raises(UnusableStatement, match=sentence):
        say_of(sqlite_engine, run, "mara", said)
    assert ask(sqlite_engine, "SELECT count(*) FROM review") == [(0,)]


def test_a_page_that_is_not_read_yet_cannot_be_reviewed(sqlite_engine: Engine) -> None:
    (run,) = add_page_runs(sqlite_engine, 1)
    with pytest.raises(UnusableStatement, match="not read yet"):
        say_of(sqlite_engine, run, "mara", RIGHT)


def test_statements_stay_with_their_page_run_when_the_page_is_read_again(engine: Engine) -> None:
    (run,) = add_done_pages(engine, [page(3)])
    say_of(engine, run, "mara", RIGHT)
    other = read_again(engine, run, 7)
    assert ask(engine, "SELECT * FROM page_reviews") == []
    everything = "SELECT page_run_id, verdict, is_current FROM page_reviews_all"
    assert [(row[0], row[1], bool(row[2])) for row in ask(engine, everything)] == [(run, "right", False)]
    assert reviewed_pages(engine, Selection()).right == (run,), "it is the page's truth still"
    say_of(engine, other, "mara", WRONG)
    newest = reviewed_pages(engine, Selection())
    assert (newest.right, newest.wrong) == ((), 1)


def test_prune_keeps_results_that_were_reviewed(engine: Engine) -> None:
    runs = add_done_pages(engine, [page(3), page(3)])
    say_of(engine, runs[0], "mara", RIGHT)
    for run in runs:
        read_again(engine, run, 7)
    assert prune(engine).page_runs == 1
    assert ask(engine, "SELECT verdict FROM page_reviews_all") == [("right",)]


def test_statements_go_with_their_volume(engine: Engine) -> None:
    (run,) = add_done_pages(engine, [page(3)])
    say_of(engine, run, "mara", RIGHT)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM volume"))
    assert ask(engine, "SELECT count(*) FROM review") == [(0,)]


@pytest.fixture
def reviewed(sqlite_engine: Engine, tmp_path: Path) -> tuple[Engine, Path]:
    """Four pages: right, right after corrections, wrong, and without a verdict."""
    runs = add_done_pages(sqlite_engine, [page(20, [FACE]), page(20, [FACE]), page(5), page(20)], "a/scans")
    with sqlite_engine.begin() as connection:
        connection.execute(update(Volume).values(location=str(tmp_path)))
        connection.execute(update(Page).values(address=PageAddress(("p.tif",)).to_json()))
    moved = Statement(Verdict.MOVED_SEPARATOR, "separator", 1, BoundingBox(700, 80, 703, HEIGHT - 80))
    corrections = [
        false("line", 1), false("line", 20), missing("line", 600, 800, 900, 820), false("face", 1),
        missing("face", 600, 600, 700, 720), moved,
    ]  # fmt: skip
    for said in corrections:
        say_of(sqlite_engine, runs[1], "mara", said)
    for run, said in zip(runs, (RIGHT, RIGHT, WRONG), strict=False):
        say_of(sqlite_engine, run, "mara", said)
    return sqlite_engine, tmp_path / "truth"


def command(engine: Engine, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--database", str(engine.url)])
    return int(ended.value.code or 0)


def test_reviewed_pages_are_truth_that_evaluate_reads(
    reviewed: tuple[Engine, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    engine, folder = reviewed
    assert command(engine, "export", "--format", "truth", "--output", str(folder)) == 0
    assert "1 page left out: called wrong" in capsys.readouterr().err
    assert command(engine, "evaluate", str(folder), "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["without_truth"] == ["p0003.tif", "p0004.tif"]
    counts = ("true_positives", "false_positives", "misses")
    assert [[one["lines"][name] for name in counts] for one in values["pages"]] == [[20, 0, 0], [18, 2, 1]]
    assert [[one["faces"][name] for name in counts] for one in values["pages"]] == [[1, 0, 0], [0, 1, 1]]
    assert [one["separators"]["recall"] for one in values["pages"]] == [1.0, 0.0]


def test_truth_is_page_xml_too_with_what_was_drawn(reviewed: tuple[Engine, Path]) -> None:
    engine, folder = reviewed
    assert command(engine, "export", "--format", "truth", "--output", str(folder)) == 0
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == [
        "_export.json", "a/scans/p0001.tif.page.xml", "a/scans/p0002.tif.page.xml", "a/scans/truth.json",
    ]  # fmt: skip
    written = (folder / "a/scans/p0002.tif.page.xml").read_text()
    assert "600,800 899,800 899,819 600,819" in written
    assert written.count("<TextLine") == 19
    assert '<Baseline points="600,816 899,816"/>' in written, "what is drawn has one, the others have what was found"
    schema = etree.XMLSchema(etree.parse(Path(__file__).parents[1] / "schemas" / "pagecontent-2019-07-15.xsd"))
    schema.assertValid(etree.fromstring(written.encode()))


def test_truth_of_other_verdicts_goes_to_another_folder(
    reviewed: tuple[Engine, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    engine, folder = reviewed
    export = ("export", "--format", "truth", "--output", str(folder))
    assert command(engine, *export) == 0
    assert command(engine, *export) == 0, "the same truth again changes nothing"
    take_back_last(engine, "mara")
    assert command(engine, *export) == 2
    assert "holds another export" in capsys.readouterr().err


def test_an_export_of_truth_without_a_review_says_what_to_do(
    sqlite_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_done_pages(sqlite_engine, [page(3)])
    assert command(sqlite_engine, "export", "--format", "truth", "--output", str(tmp_path / "t")) == 2
    assert "broadsheet web" in capsys.readouterr().err
