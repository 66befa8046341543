"""Fleets for the tests of faults."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.faults.plan import Fault
from tests.fleet import Fleet, make_scans, quick_settings
from tests.servers import PostgresServer, RedisServer


@contextmanager
def a_database(postgres: PostgresServer) -> Iterator[str]:
    """Yield the address of an empty database."""
    name = f"fleet_{uuid4().hex[:12]}"
    admin = create_engine(postgres.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(postgres.url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@contextmanager
def a_redis(*options: str) -> Iterator[RedisServer]:
    """Yield a Redis server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-test-"))
    server = RedisServer(folder, options=options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def a_fleet(
    folder: Path, postgres: PostgresServer, redis: RedisServer, pages: int, faults: Sequence[Fault] = (), **changes: Any
) -> Iterator[Fleet]:
    """Yield a fleet without processes on a database that holds `pages` page runs; `changes` are settings."""
    with a_database(postgres) as database_url:
        fleet = Fleet(folder, replace(quick_settings(database_url, redis.url), **changes), faults)
        try:
            make_scans(folder / "scans", pages)
            fleet.ingest(folder / "scans")
            yield fleet
        finally:
            fleet.close()
