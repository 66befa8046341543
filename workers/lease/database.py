"""How a worker's processes reach the database: one engine a process, and patience while a server restarts."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from sqlalchemy import Engine
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
