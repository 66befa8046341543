"""How a worker's processes reach the database: one engine a process, and patience while a server restarts."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from models.session import open_engine
from workers.config import Settings

log = logging.getLogger(__name__)

Result = TypeVar("Result")

RETRY_SECONDS = 0.5


def process_engine(settings: Settings) -> Engine:
    """Return this process's engine: a connection that a fork copied must never be used by both."""
    return _engine_of(settings.database_url, os.getpid())


@cache
def _engine_of(url: str, _pid: int) -> Engine:
    return open_engine(url, check_connections=False)  # what is done here is done `retry_while_down`


@contextmanager
def short_lived_engine(settings: Settings) -> Iterator[Engine]:
    """Yield an engine whose connections are closed at the end: the main process forks, and must have none open."""
    engine = open_engine(settings.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def identity(engine: Engine) -> str:
    """Return what tells this database from every other one, by whatever address it is reached.

    PostgreSQL has a number for each cluster and each database in it. A SQLite file gets a random one, which stays
    with the file, when it is asked for the first time.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            return str(connection.execute(_POSTGRES_IDENTITY).scalar_one())
        number = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if not number:
            number = secrets.randbits(30) + 1
            connection.exec_driver_sql(f"PRAGMA application_id = {number}")
        return f"{number:08x}"


_POSTGRES_IDENTITY = text(
    "SELECT concat_ws('-', system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()), "
    "current_schema()) FROM pg_control_system()"
)


def retry_while_down(action: Callable[[], Result], seconds: float, note: Callable[[str], None] = log.warning) -> Result:
    """Do something with the database, again while it does not answer: it may be restarting or failing over.

    The action must be safe to repeat: its commit may have gone through although the answer was lost. `note` is told
    when a wait begins and when it has ended.

    Raises:
        OperationalError: the database did not answer for `seconds`.
    """
    try:
        return action()
    except OperationalError as error:
        note(f"{does_not_answer(error)}. Waiting for it; nothing is lost.")
    deadline = time.monotonic() + seconds
    while True:
        # at once the first time: the server may be back, and only the connection that it has cut was found dead
        try:
            result = action()
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            note("The database is back.")
            return result


def does_not_answer(error: OperationalError) -> str:
    """Return the first line of what the driver says, as a sentence without its full stop."""
    return f"The database does not answer: {str(error.orig).partition(chr(10))[0].rstrip('.')}"
