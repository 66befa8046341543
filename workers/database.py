"""One engine a process, opened after the fork."""

from __future__ import annotations

import os
from functools import cache

from sqlalchemy import Engine

from models.session import open_engine
from workers.config import Settings


def process_engine(settings: Settings) -> Engine:
    """Return this process's engine: a connection that a fork copied must never be used by both."""
    return _engine_of(settings.database_url, os.getpid())


@cache
def _engine_of(url: str, _pid: int) -> Engine:
    return open_engine(url)
