"""The same command on Redis and PostgreSQL gives the same rows as on a laptop without either."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command import Broadsheet, draw_page
from tests.servers import RedisServer

ROWS = [
    "SELECT page, page_number, state, error_code, width, height, text_lines, separators, faces, pipeline"
    " FROM page_status ORDER BY page",
    "SELECT page, reading_order, x, y, width, height FROM page_lines ORDER BY page, reading_order",
    "SELECT page, x, y, width, height, origin FROM page_separators ORDER BY page, x, y",
    "SELECT page, label, x, y, width, height FROM page_faces ORDER BY page, x, y",
    "SELECT page, stage, items FROM page_timings WHERE stage <> 'record' ORDER BY page, stage_number",
]


@pytest.fixture
def fleet(tmp_path: Path, redis_server: RedisServer, postgres_url: str) -> Iterator[Broadsheet]:
    """The command with a real Redis and PostgreSQL, and one worker that has joined."""
    (tmp_path / "fleet").mkdir()
    environ = (("BROADSHEET_DATABASE_URL", postgres_url), ("BROADSHEET_BROKER_URL", redis_server.url))
    command = Broadsheet(tmp_path / "fleet", environ)
    command.run("db", "upgrade")
    worker = command.start("worker", "--processes", "1")
    yield command
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=60)


def test_a_fleet_gives_the_same_rows_as_a_laptop(tmp_path: Path, fleet: Broadsheet) -> None:
    laptop = Broadsheet(tmp_path)
    scans = tmp_path / "scans"
    scans.mkdir()
    for number in range(3):
        draw_page(scans / f"p{number}.png", f"page {number}")
    (scans / "broken.tif").write_bytes(b"II*\0 this was a scan once")
    assert laptop.ingest(scans, code=1)["done"] == fleet.ingest(scans, code=1)["done"] == 3
    for sql in ROWS:
        assert laptop.query(sql) == fleet.query(sql)


def test_a_database_without_schema_is_refused_with_the_remedy(tmp_path: Path, postgres_url: str) -> None:
    draw_page(tmp_path / "p1.png", "page 1")
    command = Broadsheet(tmp_path, (("BROADSHEET_DATABASE_URL", postgres_url),))
    assert "broadsheet db upgrade" in command.run("ingest", ".", code=2).stderr
