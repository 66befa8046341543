"""Questions in SQL: answered in full, and never able to write."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from models.session import open_engine_read_only
from orchestrator.query import run_query
from orchestrator.query_formats import FORMATS
from tests.rows import add_page_runs


def ask(engine: Engine, sql: str, form: str = "csv", **parameters: object) -> str:
    out = io.StringIO()
    reader = open_engine_read_only(engine.url)
    with run_query(reader, sql, parameters) as answer:
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
        "WITH gone AS (DELETE FROM page RETURNING 1) SELECT * FROM gone",
    ],
)
def test_a_write_is_refused_by_the_database(engine: Engine, sql: str) -> None:
    add_page_runs(engine, 2)
    with pytest.raises(SQLAlchemyError):
        ask(engine, sql)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM page")) == 2


@pytest.mark.parametrize("sql", ["ATTACH '{}' AS other", "VACUUM INTO '{}'", "PRAGMA query_only = OFF"])
def test_sqlite_makes_no_file_and_keeps_its_guard(tmp_path: Path, sql: str) -> None:
    import migrations
    from models.session import open_engine

    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    migrations.upgrade(engine)
    with pytest.raises(SQLAlchemyError):
        ask(engine, sql.format(tmp_path / "other.db"))
    assert not (tmp_path / "other.db").exists()
    engine.dispose()


def test_a_postgresql_session_cannot_be_made_writable(postgres_url: str) -> None:
    import migrations
    from models.session import open_engine

    engine = open_engine(postgres_url)
    migrations.upgrade(engine)
    for sql in ("SET TRANSACTION READ WRITE", "SET default_transaction_read_only = off; CREATE TABLE mine (a int)"):
        with pytest.raises(SQLAlchemyError):
            ask(engine, sql)
    engine.dispose()
