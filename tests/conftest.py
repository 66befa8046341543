"""Fixtures that every tier of tests shares."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine, make_url, text

import migrations
from models.session import open_engine
from tests.servers import PostgresServer, RedisServer, a_postgres
from tests.stores import S3Server, an_s3_server
from tests.web import Archive, make_archive, serving

# The same examples each time: what a change breaks is told from what it does not. A busy machine fails no test.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# A shell ignores Ctrl-C for what it runs in the background, and whatever a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests keep of stores is theirs, in this process and in those that it starts.
_CACHE = tempfile.TemporaryDirectory(prefix="broadsheet-test-")
os.environ["BROADSHEET_CACHE_FOLDER"] = _CACHE.name

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of reference scans that lies beside the repository; never part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the reference scans (../shared/data) are not beside this clone")
    return SHARED_DATA


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder outside pytest's own, which only its owner may enter: PostgreSQL must not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; tests that stop one start their own."""
    with a_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server for the whole session."""
    with an_s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server for the whole session; tests that kill one start their own."""
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-test-"))
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database of its own."""
    name = f"test_{uuid4().hex[:12]}"
    admin = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres.url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'broadsheet.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with our schema, once on SQLite and once on PostgreSQL."""
    made = open_engine(database_url)
    migrations.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a SQLite database with our schema, for what only SQLite has."""
    made = open_engine(f"sqlite:///{tmp_path / 'only.db'}")
    migrations.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    """An engine on a PostgreSQL database with our schema, for what only PostgreSQL has."""
    made = open_engine(postgres_url)
    migrations.upgrade(made)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def web_archive() -> Iterator[Archive]:
    """Five pages in two volumes, really ingested, for the tests of the web pages; they must not change it."""
    folder = Path(tempfile.mkdtemp(prefix="broadsheet-test-"))
    yield make_archive(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def web_address(web_archive: Archive) -> Iterator[str]:
    """Where `broadsheet web` shows that archive, as long as a module's tests run."""
    with serving(web_archive) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One Chromium for the tests of a module; each test opens its pages with `tests.browser.a_page`."""
    from tests.browser import a_browser

    with a_browser() as browser:
        yield browser
