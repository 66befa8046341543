"""SQL over the results, read-only because the database refuses to write, streamed so that memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event, text

BATCH_ROWS = 10_000

# What a reader may do on SQLite. ATTACH and PRAGMA are not among it: VACUUM INTO and ATTACH make files.
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of a query's answer and its rows, in batches."""

    columns: tuple[str, ...]
    batches: Iterator[Sequence[tuple[Any, ...]]]


@contextmanager
def run_query(engine: Engine, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Answer]:
    """Run one statement on a read-only engine (`models.session.open_engine_read_only`) and yield its answer.

    The answer must be read inside the block. Raises SQLAlchemy's errors: a syntax error, a write that was refused.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _watch_sqlite)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # a statement before the user's: from now on PostgreSQL refuses to make this transaction writable
            connection.execute(text("SELECT 1"))
        result = _stream(connection, sql, parameters or {})
        if not result.returns_rows:
            yield Answer((), iter(()))
            return
        batches = ([tuple(row) for row in batch] for batch in iter(lambda: result.fetchmany(BATCH_ROWS), []))
        yield Answer(tuple(result.keys()), batches)


def _stream(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> Any:
    streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
    if parameters:
        return streaming.execute(text(sql), dict(parameters))
    return streaming.exec_driver_sql(sql.replace("%", "%%") if connection.dialect.name == "postgresql" else sql)


def _watch_sqlite(connection: Any, _record: Any) -> None:
    connection.set_authorizer(_authorise)


def _authorise(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
