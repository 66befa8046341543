"""Engines, made when asked: how each database is opened for writing and for reading only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, QueuePool

BUSY_TIMEOUT_MS = 30_000
# libpq's settings, unless the URL has its own. A server whose machine vanishes says no goodbye: without these, a
# question to it would wait for a quarter of an hour, and an answer from it for two hours.
POSTGRES_DEFAULTS = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# A standby that is not yet promoted takes no writes: it counts as a server that does not answer.
POSTGRES_WRITER = {"target_session_attrs": "read-write"}
READER_CACHE_KIB = 32 * 1024


def open_engine(url: str | URL, check_connections: bool = True) -> Engine:
    """Return an engine for reading and writing on SQLite or PostgreSQL.

    SQLite runs in WAL mode, and every transaction begins IMMEDIATE: the default, deferred BEGIN fails with
    "database is locked" as soon as several processes write.

    A connection that a restart of the server has cut is found before work depends on it, at the price of a round
    trip for each transaction; without `check_connections` the transaction fails, and may be tried again at once.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    # One connection a process is enough: a worker holds none while pixels are worked on.
    engine = create_engine(
        parsed,
        pool_size=1,
        max_overflow=2,
        pool_pre_ping=check_connections,
        connect_args=_postgres_settings(parsed) | POSTGRES_WRITER,
    )
    event.listen(engine, "connect", _send_arrays_in_binary)
    event.listen(engine, "handle_error", _take_a_standby_for_away)
    return engine


def open_engine_read_only(url: str | URL, kept_seconds: int = 0) -> Engine:
    """Return an engine on which the database itself refuses every write.

    A server of many readers keeps connections for `kept_seconds`, since to open one costs more than most questions do;
    after that they are opened anew, so that another file of the same name is seen.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database:
            raise ValueError("a SQLite URL needs a file: sqlite:///broadsheet.db")
        how = {"immutable": "1"} if _cannot_change(Path(parsed.database)) else {"mode": "ro"}
        read_only = URL.create("sqlite", database=f"file:{_quoted(parsed.database)}", query=how | {"uri": "true"})
        arguments = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        engine = create_engine(read_only, connect_args=arguments, **_pool(kept_seconds))
        event.listen(engine, "connect", _forbid_writes_on_sqlite)
        event.listen(engine, "checkin", _forget_the_question)
        return engine
    # Compiling a query takes a second, and the planner's guess for boxes that touch is high enough to make it try.
    options = {"options": "-c default_transaction_read_only=on -c jit=off"}
    engine = create_engine(parsed, connect_args=_postgres_settings(parsed) | options, **_pool(kept_seconds))
    return engine.execution_options(postgresql_readonly=True)


def _pool(kept_seconds: int) -> dict[str, Any]:
    if not kept_seconds:
        return {"poolclass": NullPool}
    numbers = {"pool_size": 8, "max_overflow": 32, "pool_timeout": 10}
    return {"poolclass": QueuePool, "pool_recycle": kept_seconds, "pool_pre_ping": True} | numbers


def _postgres_settings(url: URL) -> dict[str, Any]:
    return {name: value for name, value in POSTGRES_DEFAULTS.items() if name not in url.query}


def _with_driver(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def _cannot_change(database: Path) -> bool:
    """Return whether a SQLite file lies where nothing can be written, and is complete without its log.

    Even to read in WAL mode SQLite writes a file beside the database, unless it is told that nobody changes it. (While
    somebody does, who may, there is a log.)
    """
    log = Path(f"{database}-wal")
    return not os.access(database.absolute().parent, os.W_OK) and not (log.exists() and log.stat().st_size)


def _quoted(path: str) -> str:
    # the characters that mean something in a file: URI
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_immediate
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _send_arrays_in_binary(connection: Any, _record: Any) -> None:
    from psycopg.types.array import ListBinaryDumper

    # psycopg's default is text, and to quote each element of it takes Python five times as long
    connection.adapters.register_dumper(list, ListBinaryDumper)


def _take_a_standby_for_away(context: ExceptionContext) -> None:
    """Report a server that has become a standby under our connection as one that does not answer."""
    from psycopg.errors import ReadOnlySqlTransaction

    error = context.original_exception
    if isinstance(error, ReadOnlySqlTransaction):
        context.is_disconnect = True  # the next connection asks for a server that takes writes
        raise OperationalError(context.statement, context.parameters, error) from error


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _forget_the_question(connection: Any, _record: Any) -> None:
    """Take back what was set for one question, its time and what it may do, from a connection that is kept."""
    if connection is not None:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)


def _forbid_writes_on_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")
    # SQLite's own 2 MB hold too little of a large archive's indices; in KiB where negative
    connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
