"""What readers ask the views, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, delete, text, update

from models import Page, PageRun, TextLine
from tests.archive import HEIGHT, WIDTH, add_done_pages, page, rule, text_lines
from tests.rows import add_page_runs
from workers.layout import BoundingBox
from workers.sources.address import PageAddress


def rows(engine: Engine, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql), parameters)]


def test_boxes_are_fractions_of_the_page(engine: Engine) -> None:
    add_done_pages(engine, [page(1, [BoundingBox(500, 700, 750, 1050)])])
    fractions = "x_fraction, y_fraction, width_fraction, height_fraction"
    found = rows(engine, f"SELECT kind, number, label, {fractions} FROM page_boxes ORDER BY kind")
    assert found[0] == ("face", 1, "face", 0.5, 0.5, 0.25, 0.25)
    assert found[1][:3] == ("line", 1, None)
    assert found[1][3:] == pytest.approx((100 / WIDTH, 100 / HEIGHT, 350 / WIDTH, 20 / HEIGHT))
    assert found[2][:3] == ("separator", 1, "printed")


def test_percentiles_are_nearest_ranks_by_volume_and_by_day(engine: Engine) -> None:
    times = [float(n * n) for n in range(1, 41)]
    add_done_pages(engine, [page(2, ms=ms) for ms in times[:30]], "a", datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    add_done_pages(engine, [page(2, ms=ms) for ms in times[30:]], "b", datetime(2026, 3, 2, tzinfo=UTC))
    sql = "SELECT p50_ms, p95_ms, p99_ms, max_ms, pages FROM stage_percentiles_by_volume WHERE stage = 'segmentation'"
    nearest = [times[:30][-(-30 * share // 100) - 1] for share in (50, 95, 99)]
    assert rows(engine, sql + " AND volume = 'a'") == [(*nearest, 900.0, 30)]
    by_day = "SELECT day, pages, mean_ms FROM stage_percentiles_by_day WHERE stage = 'segmentation' ORDER BY day"
    assert rows(engine, by_day) == [
        ("2026-03-01", 30, pytest.approx(statistics.mean(times[:30]))),
        ("2026-03-02", 10, pytest.approx(statistics.mean(times[30:]))),
    ]


def suspects(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(engine, "SELECT page_number, reason FROM suspect_pages ORDER BY page_number, reason")


def test_ordinary_pages_are_not_suspect(engine: Engine) -> None:
    add_done_pages(engine, [page(20 + n % 5, ms=300.0 + n) for n in range(12)])
    assert suspects(engine) == []


def test_a_page_unlike_its_neighbours_is_suspect_and_they_are_not(engine: Engine) -> None:
    layouts = [page(20) for _ in range(15)]
    layouts[4], layouts[9], layouts[13] = page(3), page(60), page(0)
    add_done_pages(engine, layouts)
    assert suspects(engine) == [(5, "fewer_lines"), (10, "more_lines"), (14, "no_lines")]
    assert rows(engine, "SELECT detail FROM suspect_pages WHERE reason = 'no_lines'") == [("blank",)]


def test_a_page_whose_lines_leave_its_letters_unexplained_is_suspect_whatever_its_neighbours_are(
    engine: Engine,
) -> None:
    add_done_pages(engine, [replace(page(), doubt=0.5) for _ in range(8)] + [replace(page(), doubt=0.05), page()])
    assert suspects(engine) == [(number, "doubtful") for number in range(1, 9)]
    assert rows(engine, "SELECT DISTINCT measure FROM suspect_pages") == [(0.5,)]


def test_lines_across_a_separator_and_faces_over_text_are_suspect(engine: Engine) -> None:
    across = replace(page(), lines=(*text_lines(5), *text_lines(3, width=800, top=500)))
    headline = replace(page(), lines=(*text_lines(5, top=300), *text_lines(1, width=800, top=20)))
    over = page(faces=[BoundingBox(150, 200, 250, 300), BoundingBox(600, 200, 700, 300)])
    beside = page(faces=[BoundingBox(600, 200, 700, 300)])
    add_done_pages(engine, [across, headline, over, beside])
    assert suspects(engine) == [(1, "lines_across_separator"), (3, "face_over_text")]
    measures = dict(rows(engine, "SELECT reason, measure FROM suspect_pages"))
    assert measures == {"lines_across_separator": 3, "face_over_text": pytest.approx(100 * 70 / 100**2, abs=0.1)}


def test_the_slowest_hundredth_of_a_volume_is_suspect(engine: Engine) -> None:
    add_done_pages(engine, [page(ms=300.0 + n) for n in range(30)])
    assert suspects(engine) == [(30, "slow")]


def test_duplicates_point_to_the_first_of_their_kind(engine: Engine) -> None:
    looks = [0x7123_4567_89AB_CDEF, 0x7123_4567_89AB_CDEF ^ 0b101, -0x7123_4567_89AB_CDEF, 12345, 0, 0]
    runs = add_done_pages(engine, [page(picture_hash=look) for look in looks])
    with engine.begin() as connection:
        same = connection.execute(text("SELECT sha256 FROM page WHERE page_number = 1")).scalar_one()
        connection.execute(update(Page).where(Page.page_number == 4).values(sha256=same))
    found = rows(
        engine, "SELECT page_number, kind, other_page_number, distance FROM duplicate_pages ORDER BY page_number"
    )
    assert len(runs) == 6
    assert found == [(2, "same_picture", 1, 2), (4, "same_bytes", 1, 0)]


def test_frames_of_one_file_are_no_duplicates_of_each_other(engine: Engine) -> None:
    add_done_pages(engine, [page(), page(), page()])
    with engine.begin() as connection:
        connection.execute(update(Page).values(sha256="0" * 64))
        for number, frame in ((1, 1), (2, 2), (3, 2)):
            address = PageAddress(("book.pdf",), frame).to_json()
            connection.execute(update(Page).where(Page.page_number == number).values(address=address))
    found = rows(engine, "SELECT page_number, kind, other_page_number FROM duplicate_pages")
    assert found == [(3, "same_bytes", 2)]


def test_hashes_more_than_three_bits_apart_are_other_pictures(engine: Engine) -> None:
    look = 0x0F0F_0F0F_0F0F_0F0F
    add_done_pages(engine, [page(picture_hash=look), page(picture_hash=look ^ 0b1111), page(picture_hash=look ^ 0b111)])
    found = rows(engine, "SELECT page_number, other_page_number, distance FROM duplicate_pages ORDER BY page_number")
    assert (2, 1) not in [row[:2] for row in found]
    assert (3, 1, 3) in found


def test_the_views_answer_on_an_empty_database(engine: Engine) -> None:
    views = (
        "page_boxes",
        "stage_percentiles_by_volume",
        "stage_percentiles_by_day",
        "suspect_pages",
        "duplicate_pages",
    )
    assert [rows(engine, f"SELECT * FROM {view}") for view in views] == [[]] * 5


def indexed_boxes(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(engine, "SELECT box_id >> 20, box_id & 1048575, x_min, y_max FROM text_line_rtree ORDER BY box_id")


def test_the_tree_follows_inserts_updates_deletes_and_cascades(sqlite_engine: Engine) -> None:
    one, two = add_done_pages(sqlite_engine, [page(2), page(1)])
    with sqlite_engine.begin() as connection:
        connection.execute(update(TextLine).where(TextLine.page_run_id == one).values(x_min=7))
        connection.execute(delete(TextLine).where(TextLine.page_run_id == one, TextLine.line_number == 2))
    assert indexed_boxes(sqlite_engine) == [(one, 1, 7, 120), (two, 1, 100, 120)]
    with sqlite_engine.begin() as connection:
        connection.execute(delete(PageRun).where(PageRun.page_run_id == one))
    assert indexed_boxes(sqlite_engine) == [(two, 1, 100, 120)]
    assert rows(sqlite_engine, "SELECT count(*) FROM separator_rtree") == [(1,)]


def test_a_page_whose_rule_moved_keeps_its_separator(engine: Engine) -> None:
    add_done_pages(engine, [replace(page(), separators=(rule(300), rule(700, "inserted")))])
    sql = "SELECT label, x_min FROM page_boxes WHERE kind = 'separator' ORDER BY number"
    assert rows(engine, sql) == [("printed", 299), ("inserted", 699)]


def test_queued_pages_are_in_no_statistics(engine: Engine) -> None:
    add_page_runs(engine, 3)
    assert suspects(engine) == []
