"""SQL over the results, read-only because the database refuses to write, streamed so that memory stays flat.

Rows come from the driver's own cursor: SQLAlchemy's row objects would cost more than the query.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import chain, islice, repeat
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, text

from models.views import VIEWS
from workers.errors import BroadsheetError, ServiceDown

BATCH_ROWS = 10_000
COPIED_ROWS = 1_000  # lines of CSV that are put together, as many as make it quick
FIRST_BATCHES_ROWS = (1, 10, 100, 1_000)  # what a slow query finds first is shown at once
CANCEL_SECONDS = 1.0
PROGRESS_INSTRUCTIONS = 50_000  # SQLite looks at the clock this often: some tenths of a millisecond

VALUE_BYTES = 64 << 20  # a query can make a value of a gigabyte out of nothing; no value of ours is near this

# What a reader may do on SQLite. ATTACH and most of PRAGMA are not among it: VACUUM INTO and ATTACH make files.
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_HARMLESS_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
# An R*Tree prepares its writing statements, and declares itself, when it is opened to be read; nobody can run them on
# a file that is opened read-only.
_TREE_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_TREE_INSIDES = re.compile(r"\w+_rtree_(node|rowid|parent)|sqlite_master")
# What PostgreSQL cannot declare a cursor for; its answers are small.
_NO_CURSOR = re.compile(r"\s*(explain|show)\b", re.IGNORECASE)
# How the databases say that a parameter has no value, and that there is no such table.
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_NO_VALUE = re.compile(r'binding|near ":"')
_UNKNOWN_VIEW = re.compile(r'(?:no such table: |relation ")(\w+)')


class QueryError(BroadsheetError):
    """The database would not run the query: a mistake in it, a write, or more time than it was given."""

    code = "query_failed"


class QueryStopped(QueryError):
    """The query took more time than it was given."""


class ValueMissing(QueryError):
    """A parameter of the query has no value; `name` is it, without the colon."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The query needs a value for :{name}; give it with --param {name}=VALUE.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of a query's answer and its rows, in batches.

    `csv` gives the whole answer as CSV instead, where the database writes that itself.
    """

    columns: tuple[str, ...]
    batches: Iterator[Sequence[tuple[Any, ...]]]
    csv: Callable[[], Iterator[str]] | None = None


@contextmanager
def run_query(
    engine: Engine, sql: str, parameters: Mapping[str, Any] | None = None, timeout_seconds: float | None = None
) -> Iterator[Answer]:
    """Run one statement on a read-only engine (`models.session.open_engine_read_only`) and yield its answer.

    The answer must be read inside the block; `timeout_seconds` is for all of it.

    Raises:
        QueryError: a syntax error, a write that was refused, a value that is missing, or the time is over.
        ServiceDown: the connection broke.
    """
    clock = _Deadline(timeout_seconds)
    with engine.connect() as connection, _errors_translated(clock, sql, parameters or {}):
        run = _run_on_sqlite if connection.dialect.name == "sqlite" else _run_on_postgresql
        with run(connection, sql, parameters or {}, clock) as answer:
            yield answer


@dataclass(slots=True)
class _Deadline:
    seconds: float | None
    end: float = 0.0

    def __post_init__(self) -> None:
        self.end = time.monotonic() + self.seconds if self.seconds else float("inf")

    def passed(self) -> bool:
        return time.monotonic() > self.end


def _answer(cursor: Any, clock: _Deadline, csv: Callable[[], Iterator[str]] | None = None) -> Answer:
    if cursor.description is None:
        return Answer((), iter(()))
    return Answer(tuple(str(column[0]) for column in cursor.description), _batches(cursor, clock), csv)


def _batches(cursor: Any, clock: _Deadline) -> Iterator[Sequence[tuple[Any, ...]]]:
    for size in chain(FIRST_BATCHES_ROWS, repeat(BATCH_ROWS)):
        batch = cursor.fetchmany(size)
        if not batch:
            return
        yield batch
        if clock.passed():
            raise TimeoutError


@contextmanager
def _run_on_sqlite(
    connection: Connection, sql: str, parameters: Mapping[str, Any], clock: _Deadline
) -> Iterator[Answer]:
    driver: Any = connection.connection.driver_connection
    driver.set_authorizer(_authorise)
    driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES)
    if clock.seconds:
        driver.set_progress_handler(clock.passed, PROGRESS_INSTRUCTIONS)
    cursor: sqlite3.Cursor = driver.cursor()
    cursor.execute(sql, dict(parameters))
    yield _answer(cursor, clock)


def _authorise(action: int, name: str | None, *_: str | None) -> int:
    of_tree = action in _TREE_WRITES and name is not None and _TREE_INSIDES.fullmatch(name)
    tells = action == sqlite3.SQLITE_PRAGMA and name in _PRAGMAS
    return sqlite3.SQLITE_OK if action in _ALLOWED or of_tree or tells else sqlite3.SQLITE_DENY


@contextmanager
def _run_on_postgresql(
    connection: Connection, sql: str, parameters: Mapping[str, Any], clock: _Deadline
) -> Iterator[Answer]:
    # Statements before the user's: from the first on PostgreSQL refuses to make this transaction writable.
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    driver: Any = connection.connection.driver_connection
    if clock.seconds:
        connection.execute(text(f"SET LOCAL statement_timeout = {int(clock.seconds * 1000) or 1}"))
    statement, values = _for_psycopg(connection, sql.rstrip("; \n\t"), parameters)
    with _cancelled_in_time(driver, clock):
        if _NO_CURSOR.match(sql):
            # a prepared statement is one statement: nothing can follow a semicolon
            with driver.cursor() as cursor:
                cursor.execute(statement, values, prepare=True)
                yield _answer(cursor, clock)
        else:
            with driver.cursor(name="answer") as cursor:
                cursor.execute(statement, values)
                # Only what a cursor could be declared for is one SELECT, and can close no parenthesis but its own.
                csv = None if ";" in statement else partial(_copied, driver, statement, values)
                yield _answer(cursor, clock, csv)


@contextmanager
def _cancelled_in_time(driver: psycopg.Connection[Any], clock: _Deadline) -> Iterator[None]:
    """Cancel what still runs a moment after its time: a query can take statement_timeout off what is fetched later."""
    if not clock.seconds:
        yield
        return
    timer = threading.Timer(clock.seconds + CANCEL_SECONDS, driver.cancel_safe)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _copied(driver: psycopg.Connection[Any], statement: str, values: Mapping[str, Any] | None) -> Iterator[str]:
    """Let PostgreSQL write the CSV: twice as fast, since both processes work at the same time."""
    copied: Any = f"COPY ({statement}\n) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')"
    with driver.cursor() as cursor, cursor.copy(copied, values) as rows:
        while batch := list(islice(rows, COPIED_ROWS)):
            yield b"".join(batch).decode()


def _for_psycopg(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    if not parameters:
        return sql, None
    compiled = text(sql).compile(dialect=connection.dialect)
    missing = sorted(set(compiled.params) - set(parameters))
    if missing:
        raise ValueMissing(missing[0])
    return str(compiled), {name: parameters[name] for name in compiled.params}


@contextmanager
def _errors_translated(clock: _Deadline, sql: str, parameters: Mapping[str, Any]) -> Iterator[None]:
    """Turn what a driver raises into the sentence for the user."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, psycopg.Error, TimeoutError) as error:
        if clock.passed() and (isinstance(error, TimeoutError) or _was_stopped(error)):
            raise QueryStopped(
                f"The query was stopped after {clock.seconds:g} s; narrow it, or give more time with --timeout."
            ) from error
        if isinstance(error, psycopg.OperationalError) and not error.sqlstate:
            raise ServiceDown(f"The connection to the database broke: {_first_line(error)}") from error
        raise _mistake(error, sql, parameters) from error


def _mistake(error: Exception, sql: str, parameters: Mapping[str, Any]) -> QueryError:
    refused = f"The database refused the query: {_first_line(error)}"
    missing = [name for name in parameters_in(sql) if name not in parameters]
    if missing and _NO_VALUE.search(refused):
        return ValueMissing(missing[0])
    unknown = _UNKNOWN_VIEW.search(refused)
    near = get_close_matches(unknown[1], [view.name for view in VIEWS], n=1) if unknown else []
    if refused.endswith("not authorized"):  # all that SQLite says
        refused += "; it only answers questions (SELECT)"
    return QueryError(f"{refused}; did you mean {near[0]}?" if near else refused)


def parameters_in(sql: str) -> tuple[str, ...]:
    """Return what looks like a parameter of a statement, `:name`, each once; inside of a text it may be none."""
    return tuple(dict.fromkeys(_PARAMETER.findall(sql)))


def typed_values(values: Mapping[str, str], dialect: str) -> dict[str, str | int | float]:
    """Return the values of parameters as the database compares them.

    PostgreSQL finds out what a text stands for; SQLite compares numbers with numbers only.
    """
    return {name: _number_or_text(value) if dialect == "sqlite" else value for name, value in values.items()}


def _number_or_text(value: str) -> str | int | float:
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if str(number) == value:  # 007 and 1e3 stay what was typed
            return number
    return value


def _was_stopped(error: Exception) -> bool:
    return isinstance(error, psycopg.errors.QueryCanceled) or str(error) == "interrupted"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no further word"])[0]
