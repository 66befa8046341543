"""The pages over PostgreSQL: the same questions in its spelling, and what is told while it is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import migrations
from models.session import open_engine
from tests.acceptance.command import Broadsheet
from tests.archive import add_done_pages, page
from tests.integration.test_web import get
from tests.servers import PostgresServer, a_postgres, wait_until
from tests.web import Archive, serving
from workers.layout import BoundingBox


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server with an archive of five pages, which a test may stop."""
    with a_postgres() as found:
        engine = open_engine(found.url)
        migrations.upgrade(engine)
        add_done_pages(engine, [page(), page(40), page(0), page(faces=[BoundingBox(600, 200, 700, 320)]), page()])
        engine.dispose()
        yield found


@pytest.fixture(scope="module")
def address(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where that archive is shown."""
    folder: Path = tmp_path_factory.mktemp("web")
    command = Broadsheet(folder, (("BROADSHEET_DATABASE_URL", server.url),))
    with serving(Archive(folder, command)) as found:
        yield found


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/volumes/1",
        "/volumes/1?year=1890",
        "/pages",
        "/pages?volume=1&state=done&from=1890&to=1891-02&title=a&name=p&error=x&lines_from=1&lines_to=9&columns=1&faces=0",
        "/pages?suspect=any&per=2",
        "/pages?suspect=no_lines&after=1.1.1",
        "/pages?before=1.4.4",
        "/pages/2",
        "/pages/2/boxes.json",
        "/pages/2/explanation",
        "/iiif/collection.json",
        "/iiif/1/manifest.json",
        "/iiif/annotations/2.json",
        "/iiif/image/2/info.json",
    ],
)
def test_every_page_is_shown(address: str, path: str) -> None:
    status, text, _ = get(address + path)
    assert status == 200, text


def test_the_next_suspect_is_found(address: str) -> None:
    assert "p0003.tif" in get(f"{address}/pages/1/next-suspect")[1]


def test_what_was_found_is_told_in_numbers(address: str) -> None:
    found = json.loads(get(f"{address}/pages/4/boxes.json")[1])
    assert found["face"]["rows"][0][1:5] == [600, 200, 100, 120]
    assert len(found["line"]["rows"]) == 20


def test_a_database_that_is_away_is_told_and_its_pages_come_back(address: str, server: PostgresServer) -> None:
    server.stop()
    status, text, headers = get(f"{address}/pages/2")
    assert (status, headers["retry-after"]) == (503, "5")
    assert "comes back when the database does" in text
    server.start()
    wait_until(lambda: get(f"{address}/pages/2")[0] == 200, "the page again")
