"""Questions in SQL: answered in full, and never able to write."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from benchmarks.synthetic import fill
from models.session import open_engine_read_only
from orchestrator.query.formats import FORMATS
from orchestrator.query.named_queries import find_query, named_queries
from orchestrator.query.parquet import write_parquet
from orchestrator.query.query import Answer, QueryError, run_query
from tests.archive import add_done_pages, page, store
from tests.rows import add_page_runs
from workers.errors import UnreadableInput
from workers.layout import BoundingBox


def ask(engine: Engine, sql: str, form: str = "csv", timeout_seconds: float | None = None, **parameters: object) -> str:
    out = io.StringIO()
    reader = open_engine_read_only(engine.url)
    with run_query(reader, sql, parameters, timeout_seconds) as answer:
        FORMATS[form](answer, out)
    reader.dispose()
    return out.getvalue()


def test_an_answer_comes_as_csv_json_and_table(engine: Engine) -> None:
    add_page_runs(engine, 2)
    sql = "SELECT page, text_lines FROM page_status ORDER BY page"
    assert ask(engine, sql) == "page,text_lines\np0001.tif,\np0002.tif,\n"
    assert json.loads(ask(engine, sql, "json")) == [
        {"page": "p0001.tif", "text_lines": None},
        {"page": "p0002.tif", "text_lines": None},
    ]
    assert [json.loads(row)["page"] for row in ask(engine, sql, "jsonl").splitlines()] == ["p0001.tif", "p0002.tif"]
    assert "p0002.tif" in ask(engine, sql, "table")


def test_csv_quotes_what_needs_it_and_leaves_nulls_empty(engine: Engine) -> None:
    sql = """SELECT 'a,b' AS "x,y", 'say "so"' AS said, 'two\nlines' AS two, NULL AS none, 7 % 4 AS three; """
    asked = ask(engine, sql)
    assert asked == '"x,y",said,two,none,three\n"a,b","say ""so""","two\nlines",,3\n'
    assert ask(engine, f"{sql}-- said at the end") == asked
    assert ask(engine, "SELECT :name || ' 5%' AS said -- at the end", name="o'clock;") == "said\no'clock; 5%\n"


def test_no_rows_are_said(engine: Engine) -> None:
    assert ask(engine, "SELECT page FROM page_status", "table") == "No rows.\n"


def test_no_rows_are_valid_json(engine: Engine) -> None:
    assert json.loads(ask(engine, "SELECT page FROM page_status", "json")) == []


def test_parameters_are_bound(engine: Engine) -> None:
    add_page_runs(engine, 3)
    assert ask(engine, "SELECT page FROM page_status WHERE page_number = :n", n=2) == "page\np0002.tif\n"


def test_a_percent_sign_is_only_a_character(engine: Engine) -> None:
    add_page_runs(engine, 1)
    assert ask(engine, "SELECT page FROM page_status WHERE page LIKE 'p%1.tif'") == "page\np0001.tif\n"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM page",
        "UPDATE page_run SET state = 'done'",
        "DROP TABLE page CASCADE",
        "CREATE TABLE mine (a int)",
        "SELECT 1; DELETE FROM page",
        "COMMIT; DELETE FROM page",
        "UPDATE sqlite_master SET sql = ''",
        "DELETE FROM text_line_rtree_node",
        "INSERT INTO text_line_rtree VALUES (1, 1, 1, 1, 1, 1, 1)",
        "EXPLAIN SELECT 1; DELETE FROM page",
        "SELECT 1) TO PROGRAM 'cat' --",
        "(SELECT 1) TO PROGRAM 'cat'",
        "WITH gone AS (DELETE FROM page RETURNING 1) SELECT * FROM gone",
    ],
)
def test_a_write_is_refused_by_the_database(engine: Engine, sql: str) -> None:
    add_page_runs(engine, 2)
    with pytest.raises(QueryError):
        ask(engine, sql)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM page")) == 2


@pytest.mark.parametrize("sql", ["ATTACH '{}' AS other", "VACUUM INTO '{}'", "PRAGMA query_only = OFF"])
def test_sqlite_makes_no_file_and_keeps_its_guard(tmp_path: Path, sql: str) -> None:
    import migrations
    from models.session import open_engine

    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    migrations.upgrade(engine)
    with pytest.raises(QueryError):
        ask(engine, sql.format(tmp_path / "other.db"))
    assert not (tmp_path / "other.db").exists()
    engine.dispose()


def test_a_postgresql_session_cannot_be_made_writable(postgres_url: str) -> None:
    import migrations
    from models.session import open_engine

    engine = open_engine(postgres_url)
    migrations.upgrade(engine)
    for sql in ("SET TRANSACTION READ WRITE", "SET default_transaction_read_only = off; CREATE TABLE mine (a int)"):
        with pytest.raises(QueryError):
            ask(engine, sql)
    engine.dispose()


def test_a_mistake_is_a_sentence(engine: Engine) -> None:
    with pytest.raises(QueryError, match=r"The database refused the query: .*nowhere"):
        ask(engine, "SELECT * FROM nowhere")


def test_a_mistyped_view_is_told_with_the_nearest(engine: Engine) -> None:
    with pytest.raises(QueryError, match=r"page_staus.*; did you mean page_status\?"):
        ask(engine, "SELECT * FROM page_staus")


def test_a_missing_value_is_named(engine: Engine) -> None:
    with pytest.raises(QueryError, match=r"needs a value for :n; give it with --param n=VALUE\."):
        ask(engine, "SELECT page FROM page_status WHERE page_number = :n AND page <> '12:30'")
    with pytest.raises(QueryError, match="other"):
        ask(engine, "SELECT page FROM page_status WHERE page_number = :n OR page_number = :other", n=1)


def test_a_query_that_takes_too_long_is_stopped(engine: Engine) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    for sql in (endless, endless.replace("count(*)", "i")):
        with pytest.raises(QueryError, match=r"stopped after 0\.3 s"):
            ask(engine, sql, timeout_seconds=0.3)


def test_rows_stream_while_the_query_runs(engine: Engine) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    if engine.dialect.name == "postgresql":
        endless = "SELECT i FROM generate_series(1, 10000000) AS numbers(i)"
    reader = open_engine_read_only(engine.url)
    with run_query(reader, endless) as answer:
        assert next(answer.batches)[0] == (1,)
    reader.dispose()


class Nowhere(io.StringIO):
    """Takes text and keeps none."""

    def write(self, text: str) -> int:
        return len(text)


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_memory_holds_a_batch_of_the_answer_whatever_its_length(engine: Engine, form: str) -> None:
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i AS a, i AS b FROM n"
    )
    reader = open_engine_read_only(engine.url)
    with run_query(reader, numbers) as answer:
        tracemalloc.start()
        FORMATS[form](answer, Nowhere())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    reader.dispose()
    assert peak < 5_000_000  # all rows as objects would take ten times that


def test_a_reader_in_the_middle_of_its_answer_blocks_no_worker(engine: Engine) -> None:
    runs = add_page_runs(engine, 20)
    reader = open_engine_read_only(engine.url)
    with run_query(reader, "SELECT p.page_id FROM page p, page q, page r, page s") as answer:
        seen = len(next(answer.batches))
        store(engine, runs[0], page())
        seen += sum(map(len, answer.batches))
    reader.dispose()
    assert seen == 20**4
    assert ask(engine, "SELECT count(*) AS n FROM page_lines") == "n\n20\n"


def test_explain_answers_too(engine: Engine) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT 1" if engine.dialect.name == "sqlite" else "EXPLAIN SELECT 1"
    assert len(ask(engine, sql).splitlines()) > 1


def test_parquet_keeps_types_and_every_row(engine: Engine, tmp_path: Path) -> None:
    add_done_pages(engine, [page(3), page(0), page(2)])
    table = parquet(engine, tmp_path, "SELECT page, text_lines, empty_reason, wall_ms FROM page_status ORDER BY page")
    assert table.to_pylist() == [
        {"page": "p0001.tif", "text_lines": 3, "empty_reason": None, "wall_ms": 430.0},
        {"page": "p0002.tif", "text_lines": 0, "empty_reason": "blank", "wall_ms": 430.0},
        {"page": "p0003.tif", "text_lines": 2, "empty_reason": None, "wall_ms": 430.0},
    ]
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "string", "double"]


def test_parquet_widens_a_column_when_later_rows_need_it(tmp_path: Path) -> None:
    first = [(n, None, n) for n in range(250_000)]
    answer = Answer(("a", "b", "b"), iter([first, [(0.5, "late", "text")]]))
    write_parquet(answer, tmp_path / "wide.parquet")
    table = pq.read_table(tmp_path / "wide.parquet")
    assert table.column_names == ["a", "b", "b_2"]
    assert table.num_rows == 250_001
    assert table.slice(250_000).to_pylist() == [{"a": 0.5, "b": "late", "b_2": "text"}]
    assert table.slice(7, 1).to_pylist() == [{"a": 7.0, "b": None, "b_2": "7"}]
    assert [path.name for path in tmp_path.iterdir()] == ["wide.parquet"]


def test_parquet_without_rows_still_has_its_columns(engine: Engine, tmp_path: Path) -> None:
    assert parquet(engine, tmp_path, "SELECT page, page_number FROM page_status").column_names == [
        "page",
        "page_number",
    ]


def parquet(engine: Engine, folder: Path, sql: str) -> pa.Table:
    reader = open_engine_read_only(engine.url)
    with run_query(reader, sql) as answer:
        write_parquet(answer, folder / "answer.parquet")
    reader.dispose()
    return pq.read_table(folder / "answer.parquet")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_named_queries_say_what_they_answer(dialect: str) -> None:
    found = named_queries(dialect)
    assert found
    assert all("?" in query.answers for query in found.values())
    assert set(found) == set(named_queries("sqlite"))


def test_every_named_query_runs(engine: Engine) -> None:
    add_done_pages(engine, [page(20), page(20, [BoundingBox(600, 300, 700, 400)])])
    values = {"volume": "scans", "page": "p0001.tif", "x_min": 0, "y_min": 0, "x_max": 600, "y_max": 131}
    values |= {"least": 1, "since": "2026-03-09", "column": 1, "year": "1899", "share": 0.05}
    for query in named_queries(engine.dialect.name).values():
        assert ask(engine, query.sql, **{name: values[name] for name in query.parameters})


def test_boxes_touching_a_rectangle_are_those_that_overlap_it(engine: Engine) -> None:
    add_done_pages(engine, [page(20), page(20, [BoundingBox(600, 300, 700, 400)])])
    add_done_pages(engine, [page(20)], "other")
    query = find_query("boxes_touching", engine.dialect.name)
    assert query is not None
    sql = query.sql + " ORDER BY page_number, kind, number"
    found = ask(engine, sql, volume="scans", x_min=449, y_min=119, x_max=500, y_max=131)
    assert [row.split(",")[1:4] for row in found.splitlines()[1:]] == [
        ["1", "line", "1"],
        ["1", "line", "2"],
        ["1", "separator", "1"],
        ["2", "line", "1"],
        ["2", "line", "2"],
        ["2", "separator", "1"],
    ]
    # edges are exclusive: a box that ends where the rectangle begins does not touch it
    outside = ask(engine, sql, volume="scans", x_min=450, y_min=120, x_max=499, y_max=130)
    assert outside.splitlines()[1:] == []


def test_the_tree_answers_rectangles_on_sqlite(sqlite_engine: Engine) -> None:
    query = find_query("boxes_touching", "sqlite")
    assert query is not None
    plan = ask(sqlite_engine, "EXPLAIN QUERY PLAN " + query.sql, volume="v", x_min=0, y_min=0, x_max=1, y_max=1)
    assert plan.count("VIRTUAL TABLE INDEX 2:") == 3


def test_the_gist_index_answers_rectangles_on_postgresql(postgres_engine: Engine) -> None:
    fill(postgres_engine, volumes=4, pages=50, lines=200)
    query = find_query("boxes_touching", "postgresql")
    assert query is not None
    plan = ask(postgres_engine, "EXPLAIN " + query.sql, volume="volume-0002", x_min=0, y_min=0, x_max=99, y_max=99)
    assert "ix_text_line_box" in plan


def test_slower_stages_looks_back_seven_days_of_work(engine: Engine) -> None:
    for day, ms in [(2, 900.0), *((day, 100.0) for day in range(10, 17)), (20, 200.0)]:
        add_done_pages(engine, [page(3, ms=ms)], source=f"day {day}", day=datetime(2026, 3, day, tzinfo=UTC))
    found = ask(engine, named_queries(engine.dialect.name)["slower_stages"].sql, since="2026-03-20").splitlines()
    # the stage `record` is measured while this test stores its pages, so it may have got slower too
    (segmentation,) = (row.split(",")[1:] for row in found if row.startswith("segmentation,"))
    assert [float(cell) for cell in segmentation] == [100, 200, 2]


def test_a_name_that_is_no_query_is_told_with_the_nearest() -> None:
    with pytest.raises(UnreadableInput, match="did you mean boxes_touching"):
        find_query("box_touching", "sqlite")
