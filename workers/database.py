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
    return open_engine(url)


@contextmanager
def brief_engine(settings: Settings) -> Iterator[Engine]:
    """Yield an engine whose connections are closed at the end: the main process forks, and must have none open."""
    engine = open_engine(settings.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def patiently(action: Callable[[], Result], seconds: float) -> Result:
    """Do something with the database, again while it does not answer: it may be restarting or failing over.

    The action must be safe to repeat: its commit may have gone through although the answer was lost.

    Raises:
        OperationalError: the database did not answer for `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("the database does not answer, trying again: %s", str(error.orig).partition("\n")[0])
            time.sleep(RETRY_SECONDS)
