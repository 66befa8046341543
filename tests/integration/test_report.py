"""The report tells what is in the database, in HTML that needs nothing else and in text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import Engine, update

import models
from models.session import open_engine_read_only
from orchestrator.report.charts import nice_top
from orchestrator.report.figures import Figures, in_spans, of_counts, read_figures
from orchestrator.report.html import render_html
from orchestrator.report.pictures import draw_pictures
from orchestrator.report.reasons import why_slow
from orchestrator.report.text import bars, render_text, second_reader_sentences
from orchestrator.results.selection import Selection
from orchestrator.terminal.wording import about, ms_in_words
from tests.archive import add_done_pages, page, rule
from tests.rows import add_page_runs
from workers.layout import BoundingBox, PageLayout, StageTiming

DAY = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


@pytest.fixture
def figures(engine: Engine) -> Figures:
    rules = (rule(300), rule(302, "inserted"), rule(650))
    wide = PageLayout(1000, 1400, page().lines, rules, timings=page().timings, columns=3)
    layouts = [page(20, ms=300.0 + n) for n in range(8)] + [page(20, [BoundingBox(600, 9, 700, 99)]), page(0), wide]
    layouts[3] = page(20, ms=9000.0)
    add_done_pages(engine, layouts, "scans", DAY)
    failed = add_page_runs(engine, 2, "quarantined", "broken")
    with engine.begin() as connection:
        broken = update(models.PageRun).where(models.PageRun.page_run_id.in_(failed))
        connection.execute(broken.values(error_code="unreadable_image", error_message="<b>It is torn.</b>"))
    reader = open_engine_read_only(engine.url)
    found = read_figures(reader, Selection())
    reader.dispose()
    return found


def test_figures_count_what_is_there(figures: Figures) -> None:
    assert [(v.volume, v.done, v.quarantined) for v in figures.volumes] == [("broken", 0, 2), ("scans", 11, 0)]
    assert [(f.code, f.pages, f.message) for f in figures.failures] == [("unreadable_image", 2, "<b>It is torn.</b>")]
    assert figures.totals == {"text_lines": 200, "separators": 13, "faces": 1, "empty": 1} | {
        "doubted": 0, "read_twice": 0, "without_second_reader": 0
    }  # fmt: skip
    assert figures.faces.counts == (10, 1)
    assert dict(zip(figures.columns.bounds, figures.columns.counts, strict=False)) == {0: 1, 1: 9, 2: 0, 3: 1}
    assert figures.throughput is not None
    assert sum(figures.throughput.pages) == 11
    segmentation = next(stage for stage in figures.stages if stage.stage == "segmentation")
    assert (segmentation.pages, segmentation.p50_ms, segmentation.max_ms) == (11, 302.0, 9000.0)
    assert sum(segmentation.histogram.counts) == 11
    assert [stage.stage for stage in figures.stages] == ["decode", "segmentation", "faces", "record"]


def test_the_report_tells_how_many_pages_were_read_twice_and_where_the_second_reader_was_missed(
    engine: Engine, figures: Figures
) -> None:
    assert list(second_reader_sentences(figures)) == []
    timings = (*page().timings, StageTiming("second_reader", 900.0, 900.0, 1000, 20))
    add_done_pages(engine, [replace(page(), doubt=0.4, timings=timings), replace(page(), doubt=0.1)], "twice", DAY)
    asked, *rest = second_reader_sentences(read_figures(engine, Selection(("twice",))))
    assert asked == "1 of 2 pages (50%) doubted and read a second time" and not rest
    missing = '{"segmentation.second_reader_weights":"not installed"}'
    with engine.begin() as connection:
        connection.execute(update(models.Pipeline).values(versions=missing))
    (missed,) = list(second_reader_sentences(read_figures(engine, Selection(("twice",)))))[1:]
    assert missed.startswith("2 pages read without the second reader")
    told = render_text(read_figures(engine, Selection(("twice",)))).splitlines()
    assert max(map(len, told)) <= 80


def test_one_page_is_told_as_one(engine: Engine) -> None:
    add_done_pages(engine, [page()], "single", DAY)
    assert "\n1 page: 1 done, 0 quarantined" in render_text(read_figures(engine, Selection(("single",))))


def test_the_slowest_page_says_why(figures: Figures) -> None:
    slowest = figures.slowest[0]
    assert slowest.page == "p0004.tif"
    assert slowest.why.startswith("segmentation took 9,000 ms, 29.8 times the volume's median of 302 ms")


def test_a_scope_leaves_the_rest_out(engine: Engine, figures: Figures) -> None:
    one = read_figures(engine, Selection(("broken",)))
    assert [v.volume for v in one.volumes] == ["broken"]
    assert one.totals["text_lines"] == 0
    assert one.stages == ()
    assert "No page has ended yet" in render_html(one, [])


def test_html_is_one_file_and_escapes_what_it_shows(figures: Figures) -> None:
    html = render_html(figures, [(suspect, None) for suspect in figures.suspects])
    assert "&lt;b&gt;It is torn." in html
    assert "<script" not in html
    tree = etree.fromstring(html.encode(), etree.HTMLParser())
    links = [value for e in tree.iter() for name, value in e.attrib.items() if name in ("src", "href")]
    assert all(link.startswith("data:") for link in links)
    assert len(tree.findall(".//figure")) == len(figures.suspects) == 2
    assert len(tree.findall(".//div[@class='charts']/div")) == 3


def test_a_suspect_without_its_scan_has_no_picture(engine: Engine, figures: Figures, tmp_path: Path) -> None:
    assert draw_pictures(engine, figures.suspects[:1], (), tmp_path / "pages", 10**9).pages == {}


def test_the_report_tells_which_suspects_it_cannot_draw(engine: Engine, figures: Figures, tmp_path: Path) -> None:
    told: list[str] = []
    draw_pictures(engine, figures.suspects[:1], (), tmp_path / "pages", 10**9, told.append)
    assert len(told) == 1 and told[0].startswith(figures.suspects[0].page)


@pytest.mark.parametrize(("message", "shown"), [("a/p.jpg is torn.", "a/p.jpg is torn."), ("Torn.", "a/p.jpg: Torn.")])
def test_a_failure_names_its_page_once(message: str, shown: str) -> None:
    assert about("a/p.jpg", message) == shown


def test_text_tells_the_same(figures: Figures) -> None:
    told = render_text(figures)
    for words in ("13 pages: 11 done, 2 quarantined", "unreadable_image  2", "segmentation", "p0004.tif", "no lines"):
        assert words in told


def test_an_empty_database_gives_a_report(engine: Engine) -> None:
    nothing = read_figures(engine, Selection())
    assert "0 pages" in render_text(nothing)
    assert "No page failed" in render_html(nothing, [])


def test_throughput_is_gathered_into_few_spans() -> None:
    minutes = [(DAY + timedelta(minutes=n), 2) for n in range(0, 600)]
    found = in_spans(minutes)
    assert (found.start, found.span, len(found.pages)) == (DAY, timedelta(minutes=10), 60)
    assert set(found.pages) == {20}


def test_histograms_have_round_bars() -> None:
    assert of_counts({0: 1, 7: 2, 230: 3}).bounds[:3] == (0.0, 10.0, 20.0)
    assert sum(of_counts({0: 1, 7: 2, 230: 3}).counts) == 6
    assert of_counts({}).counts == (0,)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1.0), (0.3, 0.3), (7, 8.0), (15, 20.0), (100, 100.0), (21, 30.0), (4321, 5000.0)]
)
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert nice_top(value) == pytest.approx(top)


@pytest.mark.parametrize(("ms", "words"), [(0.4, "0.4 ms"), (50, "50 ms"), (1234, "1.2 s"), (125_000, "2 min 5 s")])
def test_durations_are_readable(ms: float, words: str) -> None:
    assert ms_in_words(ms) == words


def test_bars_show_the_smallest_count_too() -> None:
    assert bars([0, 1, 1000]) == " ▁█"


def test_a_page_that_is_slow_in_nothing_is_as_usual() -> None:
    assert why_slow([("decode", 100.0), ("faces", 900.0)], {"decode": 90.0, "faces": 850.0}).startswith("as usual")
    assert why_slow([], {}) == "no stage was timed"
