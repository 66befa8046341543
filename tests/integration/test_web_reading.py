"""Pages that somebody at the browser waits for: fed at once, and told when nobody can read them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine, update

from models import PageRun
from orchestrator.feeder.broker import RedisBroker
from orchestrator.feeder.feeder_lock import FeederLock
from orchestrator.web import reading as module
from orchestrator.web.reading import NO_WORKER, OTHER_INGEST, Reading
from tests.archive import page
from tests.rows import add_page_runs
from tests.servers import RedisServer
from workers.celery import app_for
from workers.config import Settings
from workers.lease.claims import claim
from workers.lease.recording import record


@pytest.fixture
def settings(database_url: str, redis_server: RedisServer) -> Settings:
    return Settings(database_url=database_url, broker_url=redis_server.url)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.2)
    yield
    for thread in threading.enumerate():
        if thread.name == "reading":
            thread.join(20)


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it did not come to be")


def test_only_the_pages_that_were_asked_for_are_fed(engine: Engine, settings: Settings) -> None:
    asked, other = add_page_runs(engine, 2, state="ready")
    broker = RedisBroker(app_for(settings))
    Reading(settings).ask([asked])
    wait_for(lambda: asked in broker.queued_ids())
    assert other not in broker.queued_ids()
    claimed = claim(engine, asked, "task", "test:1", 180)
    assert claimed is not None
    assert record(engine, claimed, page())


def test_what_was_asked_for_before_the_server_ended_is_taken_up(engine: Engine, settings: Settings) -> None:
    left, bulk = add_page_runs(engine, 2, state="ready")
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id == left).values(priority=0))
    broker = RedisBroker(app_for(settings))
    Reading(settings).ask(())
    wait_for(lambda: left in broker.queued_ids())
    assert bulk not in broker.queued_ids()
    claimed = claim(engine, left, "task", "test:1", 180)
    assert claimed is not None
    assert record(engine, claimed, page())


def test_a_fleet_without_a_worker_is_told(engine: Engine, settings: Settings) -> None:
    (asked,) = add_page_runs(engine, 1, state="ready")
    reading = Reading(settings)
    reading.ask([asked])
    wait_for(lambda: reading.trouble == NO_WORKER)
    claimed = claim(engine, asked, "task", "test:1", 180)
    assert claimed is not None
    assert record(engine, claimed, page())
    wait_for(lambda: reading.trouble == "")


def test_our_own_worker_waits_for_another_ingest_that_feeds_and_this_is_told(sqlite_engine: Engine) -> None:
    reading = Reading(Settings(database_url=str(sqlite_engine.url)))
    (asked,) = add_page_runs(sqlite_engine, 1, state="ready")
    with closing(FeederLock(sqlite_engine)) as lock:
        assert lock.acquire()
        reading.ask([asked])
        wait_for(lambda: reading.trouble == OTHER_INGEST)
    wait_for(lambda: reading.trouble == "")  # it is fed; its scan is not there, and that ends it


def test_a_broker_that_is_away_is_told_in_a_sentence(sqlite_engine: Engine) -> None:
    (asked,) = add_page_runs(sqlite_engine, 1, state="ready")
    reading = Reading(Settings(database_url=str(sqlite_engine.url), broker_url="redis://127.0.0.1:1"))
    reading.ask([asked])
    wait_for(lambda: reading.trouble.startswith("Pages are not read at the moment"))
