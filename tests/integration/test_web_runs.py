"""The run page: live from SQL, the same on every server, with decisions for those who may, through every outage."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, func, select, update

import migrations
from models import PageRun, database_now
from models.session import open_engine
from tests.acceptance.command import Broadsheet
from tests.browser import NARROW, a_page
from tests.rows import add_page_runs
from tests.servers import RedisServer, a_postgres, free_port
from tests.web import Archive, address_of, serving
from workers.process import registry

HOSTILE = "/archive/<img src=x onerror=alert(1)> & Söhne"


@pytest.fixture
def fleet(tmp_path: Path) -> Archive:
    """A database of two volumes that are at work; nothing reads their scans."""
    archive = Archive(tmp_path, Broadsheet(tmp_path))
    engine = open_engine(archive.database_url)
    migrations.upgrade(engine)
    add_page_runs(engine, 8, "ready", HOSTILE)
    add_page_runs(engine, 4, "quarantined", "scans")
    with engine.begin() as connection:
        broken = {"error_code": "unreadable_image", "is_current": True, "finished_at": database_now()}
        connection.execute(update(PageRun).where(PageRun.state == "quarantined").values(**broken))
    registry.report(engine, "reader-1:4:11", 2)
    engine.dispose()
    return archive


@pytest.fixture
def fleet_engine(fleet: Archive) -> Iterator[Engine]:
    engine = open_engine(fleet.database_url)
    yield engine
    engine.dispose()


def finish(engine: Engine, count: int) -> None:
    """Let so many of the pages that wait be done."""
    with engine.begin() as connection:
        waiting = select(PageRun.page_run_id).where(PageRun.state == "ready").limit(count)
        done = {"state": "done", "is_current": True, "started_at": database_now(-1), "finished_at": database_now()}
        connection.execute(update(PageRun).where(PageRun.page_run_id.in_(waiting)).values(**done))


def count(engine: Engine, state: str) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).where(PageRun.state == state)) or 0


def test_progress_is_followed_without_loading_the_page_again(
    chromium: Any, fleet: Archive, fleet_engine: Engine
) -> None:
    with serving(fleet) as one, serving(fleet) as other, a_page(chromium, one, NARROW) as page:
        page.goto("/runs")
        page.get_by_text("33 % of 12 pages ended").wait_for()
        assert HOSTILE in page.locator(".volumes").inner_text(), "a name is text, whatever is in it"
        page.evaluate("window.sameDocument = true")
        finish(fleet_engine, 6)
        page.get_by_text("83 % of 12 pages ended").wait_for()
        assert page.evaluate("window.sameDocument && document.documentElement.scrollWidth <= innerWidth")
        with a_page(chromium, other) as elsewhere:
            elsewhere.goto("/runs")
            elsewhere.get_by_text("83 % of 12 pages ended").wait_for()


def test_an_operator_decides_by_mouse_and_by_keyboard(chromium: Any, fleet: Archive, fleet_engine: Engine) -> None:
    with serving(fleet) as address, a_page(chromium, address) as page:
        page.goto("/runs")
        said = page.get_by_role("status")
        page.get_by_role("button", name="First").click()
        said.get_by_text("8 page runs will go first.").wait_for()
        page.get_by_text("goes first").wait_for()
        page.get_by_role("button", name="In turn").press("Enter")
        said.get_by_text("8 page runs will wait for their turn.").wait_for()
        page.get_by_role("button", name="Cancel /archive").press("Enter")
        page.get_by_role("button", name="Keep them").press("Enter")
        assert count(fleet_engine, "ready") == 8
        page.get_by_role("button", name="Cancel /archive").click()
        page.get_by_role("button", name="Cancel them").click()
        said.get_by_text("8 page runs cancelled.").wait_for()
        assert count(fleet_engine, "cancelled") == 8
        page.get_by_role("button", name="Take up what was cancelled").click()
        said.get_by_text("8 page runs taken up again.").wait_for()
        page.get_by_role("button", name="Read again those with unreadable_image").click()
        said.get_by_text("4 page runs ready again.").wait_for()
        assert count(fleet_engine, "ready") == 12


def test_decisions_work_without_a_script(chromium: Any, fleet: Archive, fleet_engine: Engine) -> None:
    with serving(fleet) as address, a_page(chromium, address, java_script_enabled=False) as page:
        page.goto("/runs")
        page.get_by_role("button", name="Cancel /archive").click()
        page.get_by_text("8 page runs cancelled.").wait_for()
        page.goto("/runs")
        assert page.get_by_text("page runs cancelled.").count() == 0, "it is told once"


def test_where_no_events_come_through_the_page_asks_again(chromium: Any, fleet: Archive, fleet_engine: Engine) -> None:
    with serving(fleet) as address, a_page(chromium, address, expected=["502"]) as page:
        page.route("**/runs/events", lambda route: route.fulfill(status=502))
        page.goto("/runs")
        page.get_by_text("33 % of 12 pages ended").wait_for()
        finish(fleet_engine, 8)
        page.get_by_text("100 % of 12 pages ended").wait_for()


def test_events_hold_the_whole_state_as_the_standard_has_it(fleet: Archive) -> None:
    with serving(fleet) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        connection.request("GET", "/runs/events")
        answer = connection.getresponse()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "no-store")
        lines = [answer.readline().decode() for _ in range(5)]
        assert lines[0] == "retry: 2000\n" and lines[2] == "event: state\n" and lines[4] == "\n"
        state = json.loads(lines[3].removeprefix("data: "))["state"]
        assert state["total"] == {"ready": 8, "quarantined": 4} and state["fleet"]["processes"] == 2
        assert len(lines[3]) < 20_000
        connection.close()


def test_a_server_that_was_killed_is_missed_and_found_again(
    chromium: Any, fleet: Archive, fleet_engine: Engine
) -> None:
    port = free_port()
    options = ("web", "--port", str(port), "--cache", str(fleet.folder / "cache"))
    server = started(fleet, *options)
    with a_page(chromium, f"http://127.0.0.1:{port}", expected=["ERR_", "failed"]) as page:
        page.goto("/runs")
        page.get_by_text("33 % of 12 pages ended").wait_for()
        server.send_signal(signal.SIGKILL)
        server.communicate()
        page.get_by_text("The server does not answer.").wait_for()
        finish(fleet_engine, 8)
        server = started(fleet, *options)
        page.get_by_text("100 % of 12 pages ended").wait_for()
        page.get_by_text("The server does not answer.").wait_for(state="hidden")
    server.terminate()
    server.communicate(timeout=30)


def started(archive: Archive, *options: str) -> subprocess.Popen[str]:
    server = archive.broadsheet.start(*options)
    address_of(server)
    return server


def test_a_database_that_is_away_is_told_and_found_again(chromium: Any, tmp_path: Path) -> None:
    with a_postgres() as postgres:
        url = postgres.url
        engine = open_engine(url)
        migrations.upgrade(engine)
        add_page_runs(engine, 2, "ready")
        engine.dispose()
        archive = Archive(tmp_path, Broadsheet(tmp_path, (("BROADSHEET_DATABASE_URL", url),)))
        with serving(archive) as address, a_page(chromium, address, expected=["503"]) as page:
            page.goto("/runs")
            page.get_by_text("0 % of 2 pages ended").wait_for()
            postgres.stop()
            page.get_by_text("The database does not answer").wait_for()
            page.goto("/ask?sql=SELECT+1")
            page.get_by_text("does not answer").wait_for()
            postgres.start()
            page.goto("/runs")
            page.get_by_text("0 % of 2 pages ended").wait_for()
            page.get_by_text("The database does not answer").wait_for(state="hidden")


def test_a_broker_that_is_away_is_told_and_found_again(chromium: Any, fleet: Archive, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    redis.start()
    with serving(fleet, "--broker", redis.url) as address, a_page(chromium, address) as page:
        page.goto("/runs")
        page.get_by_text("33 % of 12 pages ended").wait_for()
        assert page.locator(".trouble").count() == 0
        redis.kill()
        page.get_by_text("The broker does not answer").wait_for()
        redis.start()
        page.get_by_text("The broker does not answer").wait_for(state="detached")
    redis.kill()
