"""Whose pages they are: from paths, from tables, given and corrected without reading a page again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text, update

from models import Page, PageDescription
from orchestrator.command import broadsheet
from orchestrator.metadata.describe import describe_volume, remember_pattern
from orchestrator.metadata.patterns import path_pattern
from orchestrator.metadata.tables import read_table
from orchestrator.metadata.text import render_described
from orchestrator.metadata.values import FIELDS, date_precision
from tests.archive import add_done_pages, page
from workers.errors import UnreadableInput
from workers.layout import BoundingBox

FACE = BoundingBox(600, 300, 700, 420)
PATTERN = "{title}/{date_issued:%Y-%m-%d}/ed-{edition}/seq-{sequence}"
NAMES = (
    "Gazette/1898-11-10/ed-1/seq-1.jp2",
    "Gazette/1898-11-10/ed-1/seq-2.jp2",
    "Courier/1899-01-02/ed-2/seq-1.jp2",
    "notes.png",
)


@pytest.fixture
def archive(engine: Engine) -> Engine:
    """Four pages, three of them in folders that say whose they are."""
    add_done_pages(engine, [page(9, [FACE] * 3), page(9), page(9, [FACE] * 4), page(1)])
    with engine.begin() as connection:
        for number, name in enumerate(NAMES, 1):
            connection.execute(update(Page).where(Page.page_number == number).values(name=name))
    return engine


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_there_is_a_column_for_each_field() -> None:
    columns = {column.name for column in PageDescription.__table__.columns}
    assert columns == {*FIELDS, "page_id", "date_precision"}


def test_a_path_says_whose_page_it_is() -> None:
    read = path_pattern(PATTERN).read
    assert read("/archive/Gazette/1898-11-10/ed-1/seq-3.jp2") == {
        "title": "Gazette", "date_issued": "1898-11-10", "date_precision": "day", "edition": "1", "sequence": 3,
    }  # fmt: skip
    assert read("/archive/Gazette/1898/ed-1/seq-3.jp2") is None
    assert path_pattern("{title}_{date_issued:%Y%m}#{}").read("x/Post_189811#4") == {
        "title": "Post", "date_issued": "1898-11", "date_precision": "month",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("{titel}/{sequence}", "no field titel"),
        ("{title}/{title}", "names title twice"),
        ("plain", "names no field"),
        ("{date_issued:%H}", "%Y, %m and %d"),
        ("{title:%Y}", "Only date_issued"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused(pattern: str, fault: str) -> None:
    with pytest.raises(UnreadableInput, match=fault):
        path_pattern(pattern)


@pytest.mark.parametrize(
    ("date", "precision"), [("1898", "year"), ("1898-11", "month"), ("1898-11-10", "day"), ("November", None)]
)
def test_dates_are_as_precise_as_they_are_known(date: str, precision: str | None) -> None:
    assert date_precision(date) == precision


def test_front_pages_of_a_year_with_three_or_more_faces_are_one_query(archive: Engine) -> None:
    remember_pattern(archive, 1, path_pattern(PATTERN))
    described = describe_volume(archive, 1)
    assert described is not None
    assert (described.pages, described.left_out) == (3, 1)
    faces = "SELECT title, page FROM page_status WHERE sequence = 1 AND date_issued LIKE '1898%' AND faces >= 3"
    assert ask(archive, faces) == [("Gazette", NAMES[0])]
    columns = (
        "SELECT substr(date_issued, 1, 4), avg(columns) FROM page_status WHERE state = 'done' GROUP BY 1 ORDER BY 1"
    )
    assert [row[0] for row in ask(archive, columns) if row[0]] == ["1898", "1899"]


def test_a_table_corrects_what_the_path_says(archive: Engine, tmp_path: Path) -> None:
    remember_pattern(archive, 1, path_pattern(PATTERN))
    table = tmp_path / "gazette.csv"
    table.write_text(
        f"page,title,date_issued,rights\n{NAMES[0]},The Gazette,1898-11-11,CC0\nnotes.png,,1897,\nnone.png,Lost,,\n"
    )
    described = describe_volume(archive, 1, table)
    assert described is not None
    assert described.named_and_missing == ("none.png",)
    assert render_described("scans", described).endswith("1 page named and not there: none.png.")
    found = ask(archive, "SELECT title, date_issued, edition, rights FROM page_metadata WHERE page_number IN (1, 4)")
    assert set(found) == {(None, "1897", None, None), ("The Gazette", "1898-11-11", "1", "CC0")}


def test_pages_csv_beside_the_scans_is_read(archive: Engine, tmp_path: Path) -> None:
    (tmp_path / "pages.csv").write_text("page,title\nseq-1.jp2,Gazette\n")
    with archive.begin() as connection:
        connection.execute(text("UPDATE volume SET location = :folder"), {"folder": str(tmp_path)})
    described = describe_volume(archive, 1)
    assert described is not None
    assert described.pages == 2


def test_a_table_without_pages_or_fields_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("name,title\na,b\n")
    with pytest.raises(UnreadableInput, match="needs a column page"):
        read_table(table)
    with pytest.raises(UnreadableInput, match="cannot be read as CSV"):
        read_table(tmp_path / "none.csv")


def test_the_command_describes_without_reading(archive: Engine) -> None:
    url = archive.url.render_as_string(hide_password=False)
    arguments = ["describe", "--database", url, "--fields", PATTERN]
    result = CliRunner().invoke(broadsheet, arguments, catch_exceptions=False, standalone_mode=False)
    assert result.output == "scans: 3 pages described, 1 not.\n"
    assert ask(archive, "SELECT count(*) FROM page_run") == [(4,)]


def test_deleting_with_plain_sqlite_leaves_no_orphans(sqlite_engine: Engine) -> None:
    import sqlite3

    add_done_pages(sqlite_engine, [page(5)])
    remember_pattern(sqlite_engine, 1, path_pattern("{page_label}"))
    describe_volume(sqlite_engine, 1)
    sqlite_engine.dispose()
    with sqlite3.connect(str(sqlite_engine.url.database)) as connection:
        connection.execute("DELETE FROM volume")
    connection.close()
    for table in ("page", "page_run", "page_description", "attempt", "text_line", "text_line_rtree", "stage_timing"):
        assert ask(sqlite_engine, f"SELECT count(*) FROM {table}") == [(0,)], table
