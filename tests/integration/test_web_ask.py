"""Ask: SQL through a browser, read-only, bounded in rows and time, with the pages that the rows are about."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, make_url, text

from models.session import open_engine_read_only
from orchestrator.query.query import QueryError, QueryStopped
from orchestrator.web.ask import answers
from orchestrator.web.ask.answers import Question, as_csv, first_rows, may_ask
from tests.browser import a_page
from tests.integration.test_web import get
from tests.rows import add_page_runs

ENDLESS = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"


def reader_of(engine: Engine) -> Engine:
    return open_engine_read_only(engine.url.render_as_string(hide_password=False))


def asked(address: str, sql: str, path: str = "/ask", **values: str) -> tuple[int, str, dict[str, str]]:
    return get(f"{address}{path}?{urlencode({'sql': sql} | {f'v.{name}': value for name, value in values.items()})}")


def test_a_question_is_chosen_changed_asked_and_taken_home(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address, expected=["400 (Bad Request)"]) as page:
        page.goto("/")
        page.get_by_role("link", name="Ask").click()
        page.get_by_role("link", name="Which pages have the most text lines?").click()
        rows = page.locator(".answer tbody tr")
        assert rows.count() == 4 and "0002.tif" in rows.first.inner_text()
        box = page.get_by_label("Question in SQL")
        box.fill("SELECT page_id, page, ")
        page.get_by_text("page_status", exact=True).click()
        page.get_by_role("button", name="text_lines", exact=True).click()
        box.press_sequentially(" FROM page_status WHERE page LIKE :part")
        box.press("Control+Enter")
        page.get_by_label("part").fill("%one%")
        page.get_by_label("part").press("Enter")
        assert [text.split("\t")[-2:] for text in rows.all_inner_texts()] == [["one.jpg", "64"]]
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        assert download.value.path().read_text().splitlines()[0] == "page_id,page,text_lines"
        page.get_by_role("link", name="Address of this question").click()
        assert rows.count() == 1, "the address alone asks the same"
        page.get_by_role("link", name="The page of row 1").click()
        assert page.url.rpartition("/")[2].isdecimal()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM page", "refused"),
        ("ATTACH '/tmp/x.db' AS x", "refused"),
        ("SELECT load_extension('x')", "refused"),
        ("SELECT * FROM page_statis", "did you mean page_status?"),
        ("SELECT :volume", "needs a value for :volume; fill it in below."),
        ("SELECT zeroblob(1000000000)", "too big"),
        ("x" * 20_001, "at most 20,000 characters"),
    ],
)
def test_what_may_not_or_cannot_be_asked_is_told_in_a_sentence(web_address: str, sql: str, told: str) -> None:
    status, page, _ = asked(web_address, sql)
    assert (status, told in page) == (400, True), page
    assert asked(web_address, sql, "/ask/answer.csv")[0] == 400


def test_values_are_values_and_never_sql(web_address: str) -> None:
    evil = "x' OR '1'='1"
    page = asked(web_address, "SELECT page FROM page_status WHERE volume = :volume", volume=evil)[1]
    assert "No rows" in page and "x&#39; OR" in page


def test_a_query_that_is_not_there_is_told_with_the_nearest(web_address: str) -> None:
    status, page, _ = get(f"{web_address}/ask?query=most_line")
    assert (status, "did you mean most_lines?" in page) == (400, True)


def test_a_table_ends_where_the_csv_goes_on(engine: Engine) -> None:
    add_page_runs(engine, 3)
    reader, many = reader_of(engine), Question("SELECT a.page FROM page_status a, page_status b, page_status c", {})
    table = first_rows(reader, many)
    assert (len(table.rows), table.goes_on) == (27, False)
    more = Question("WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM t WHERE x < 700) SELECT x FROM t", {})
    table = first_rows(reader, more)
    assert (len(table.rows), table.goes_on) == (500, True)
    assert "".join(as_csv(reader, more)).splitlines()[-1] == "700"


@pytest.mark.parametrize("columns", ["page_id", "page_run_id", "volume, page"])
def test_rows_know_their_pages_by_number_or_by_name(engine: Engine, columns: str) -> None:
    add_page_runs(engine, 2)
    table = first_rows(reader_of(engine), Question(f"SELECT {columns} FROM page_status ORDER BY page_number", {}))
    with engine.connect() as connection:
        wanted = list(connection.execute(text("SELECT page_id FROM page ORDER BY page_number")).scalars())
    assert list(table.pages) == wanted


def test_a_question_without_an_end_is_stopped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SHOWN_SECONDS", 0.2)
    with pytest.raises(QueryStopped, match=r"after 0\.2 s; narrow it"):
        first_rows(reader_of(engine), Question(ENDLESS, {}))


def test_a_question_cannot_give_itself_more_time(postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SHOWN_SECONDS", 0.3)
    monkeypatch.setattr("orchestrator.query.query.CANCEL_SECONDS", 0.1)
    sql = """SELECT set_config('statement_timeout', '0', false),
                    CASE WHEN n > 1 THEN pg_sleep(600) END FROM generate_series(1, 20) n"""
    with pytest.raises(QueryStopped):
        first_rows(reader_of(postgres_engine), Question(sql, {}))


def test_postgresql_refuses_to_write_whatever_is_tried(postgres_engine: Engine) -> None:
    reader = reader_of(postgres_engine)
    for sql in (
        "SELECT 1; DROP TABLE page",
        "SELECT set_config('transaction_read_only', 'off', false), nextval('page_page_id_seq')",
        "WITH gone AS (DELETE FROM page RETURNING 1) SELECT * FROM gone",
        "COPY page TO PROGRAM 'true'",
    ):
        with pytest.raises(QueryError):
            first_rows(reader, Question(sql, {}))


def test_readers_ask_as_a_user_who_may_only_read(postgres_engine: Engine) -> None:
    mighty = reader_of(postgres_engine)
    assert not may_ask(mighty), "a superuser's SELECT reads the server's files"
    with postgres_engine.begin() as connection:
        name = f"reader_{make_url(postgres_engine.url).database}"
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"))
    url = postgres_engine.url.set(username=name)
    reader = open_engine_read_only(url)
    assert may_ask(reader)
    assert first_rows(reader, Question("SELECT count(*) FROM page_status", {})).rows[0][0] == 0
    with pytest.raises(QueryError, match="permission denied"):
        first_rows(reader, Question("SELECT pg_read_file('/etc/passwd')", {}))
    with postgres_engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


def test_too_many_questions_at_once_wait_and_are_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    one = threading.BoundedSemaphore(1)
    monkeypatch.setattr(answers, "_ASKING", one)
    monkeypatch.setattr(answers, "WAIT_SECONDS", 0.05)
    question = Question("SELECT 1", {})
    with one, pytest.raises(answers.Busy, match="Others ask at the moment"):
        first_rows(reader_of(engine), question)
    assert first_rows(reader_of(engine), question).rows
