"""Workers and feeders that are killed, frozen, stopped for a deployment, or that meet their double."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from models import PageRun, Worker, database_now
from orchestrator.feeder.broker import RedisBroker
from orchestrator.feeder.window import put_back
from orchestrator.page_runs.decisions import cancel
from orchestrator.results.selection import Selection
from tests.faults.plan import Fault
from tests.fleet import Fleet, make_scans
from tests.integration.fleets import a_fleet, a_redis
from tests.servers import PostgresServer, RedisServer
from workers.celery import app_for
from workers.messages import Queue

LINGER = Fault("analyse", "linger_long", "p0001.png", (1,))


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with a_redis() as server:
        yield server


def in_work(fleet: Fleet, name: str) -> bool:
    return fleet.page_run(name).state == "running"


def let_the_lease_run_out(fleet: Fleet, name: str) -> None:
    with fleet.engine.begin() as connection:
        late = update(PageRun).where(PageRun.page_run_id == fleet.page_run(name).page_run_id)
        connection.execute(late.values(lease_until=database_now(-1)))


def test_a_whole_worker_killed_is_made_good_within_the_lease(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    limits = {"soft_limit_seconds": 17, "hard_limit_seconds": 18, "lease_seconds": 20, "visibility_seconds": 22}
    with a_fleet(tmp_path, postgres, redis, 6, [LINGER], **limits) as fleet:
        fleet.feeder()
        worker = fleet.worker(2)
        fleet.until(lambda: in_work(fleet, "p0001.png"), "the page in work")
        worker.kill()
        worker.wait()
        fleet.worker(2)
        fleet.until_ended()
        fleet.check()
        first, second = fleet.attempts("p0001.png")
        assert (first.outcome, first.error_code, second.outcome) == ("retry", "lease_expired", "done")
        assert (second.started_at - first.started_at).total_seconds() < 20 + 10
        # the dead worker's message comes back after the visibility timeout, and finds nothing to do
        time.sleep(max(0.0, 23 - (second.finished_at - first.started_at).total_seconds()))
        fleet.check()


def test_a_message_that_comes_many_times_is_worked_on_once(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    with a_fleet(tmp_path, postgres, redis, 8) as fleet:
        fleet.feeder()
        fleet.until(lambda: fleet.count("queued") > 0, "queued page runs")
        broker = RedisBroker(app_for(fleet.settings))
        for _ in range(3):
            broker.publish([(number, Queue.BULK) for number in range(1, 9)])
        fleet.worker(2)
        fleet.until_ended()
        broker.publish([(number, Queue.BULK) for number in range(1, 9)])
        fleet.until(lambda: broker.queue_length() == 0, "the end of the messages")
        fleet.check()
        assert {row.attempts for n in range(1, 9) for row in [fleet.page_run(f"p{n:04}.png")]} == {1}


def test_a_worker_frozen_past_its_lease_stores_nothing_when_it_wakes(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    frozen = Fault("analyse", "freeze", "p0001.png", (1,))
    with a_fleet(tmp_path, postgres, redis, 4, [frozen]) as fleet:
        fleet.feeder()
        worker = fleet.worker(1)
        fleet.until((tmp_path / "frozen").exists, "the frozen child")
        worker.send_signal(signal.SIGSTOP)
        let_the_lease_run_out(fleet, "p0001.png")
        fleet.worker(1)
        fleet.until_ended()
        before = fleet.page_run("p0001.png")
        worker.send_signal(signal.SIGCONT)
        os.kill(int((tmp_path / "frozen").read_text()), signal.SIGCONT)
        fleet.until(lambda: "in other hands, nothing stored" in fleet.logs(), "the sleeper's answer")
        assert fleet.page_run("p0001.png") == before
        fleet.check()


def test_a_deployment_gives_running_pages_back_uncounted_within_seconds(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    lingering = [Fault("analyse", "linger_long")]
    with a_fleet(tmp_path, postgres, redis, 4, lingering) as fleet:
        fleet.feeder()
        worker = fleet.worker(2)
        fleet.until(lambda: fleet.count("running") == 2, "two pages in work")
        with fleet.engine.connect() as connection:
            assert connection.scalar(select(func.sum(Worker.processes))) == 2
        asked = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        fleet.until(lambda: fleet.count("running") == 0, "the return of the pages")
        took = time.monotonic() - asked
        worker.wait(60)
        with fleet.engine.connect() as connection:
            assert connection.scalar(select(func.sum(PageRun.attempts))) == 0
            assert connection.scalar(select(func.count()).select_from(Worker)) == 0, "it has left the list"
        assert took < 6 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        fleet.start("worker", "--processes", "2", faults=[])
        fleet.until_ended()
        fleet.check()
        assert {attempt.attempt_number for n in range(1, 5) for attempt in fleet.attempts(f"p{n:04}.png")} == {1}


def test_a_feeder_killed_before_it_could_send_loses_nothing_and_is_replaced(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    struck = Fault("publish", "kill", once=str(tmp_path / "struck"))
    with a_fleet(tmp_path, postgres, redis, 10, [struck], max_window=6) as fleet:
        first, second = fleet.feeder(), fleet.feeder()
        fleet.until(lambda: None not in (first.poll(), second.poll()) or (tmp_path / "struck").exists(), "the strike")
        fleet.worker(2)
        fleet.until_ended()
        fleet.check()
        assert sorted([first.poll() is None, second.poll() is None]) == [False, True], "one waited, and took over"


def test_two_feeders_that_both_believe_it_is_their_turn_keep_to_the_window(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    with a_fleet(tmp_path, postgres, redis, 30, max_window=5) as fleet:
        with fleet.engine.connect() as connection:
            database = connection.scalar(text("SELECT current_database()"))
        fleet.feeder()
        fleet.feeder()
        fleet.worker(2)
        for _ in range(10):  # end the session that holds the lock: the other feeder takes over at once
            with fleet.engine.begin() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                        "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = :name"
                    ),
                    {"name": database},
                )
            fleet.until(lambda: True, "nothing")
            time.sleep(0.3)
        fleet.until_ended()
        fleet.check()


def test_clocks_that_disagree_by_days_change_nothing(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    with a_fleet(tmp_path, postgres, redis, 20, [Fault("analyse", "linger_a_little")]) as fleet:
        fleet.start("feed", faults=[Fault("start", "clock_behind")])
        for clock in ("clock_ahead", "clock_behind"):
            fleet.start("worker", "--processes", "1", faults=[Fault("start", clock), *fleet.faults])
        fleet.until_ended()
        fleet.check()
        assert max(fleet.page_run(f"p{n:04}.png").attempts for n in range(1, 21)) == 1


def test_interactive_pages_overtake_what_is_queued(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    with a_fleet(tmp_path, postgres, redis, 30, [Fault("analyse", "linger_a_little")]) as fleet:
        fleet.feeder()
        fleet.worker(1)
        fleet.until(lambda: fleet.count("done") > 2, "the first pages")
        make_scans(tmp_path / "urgent", 2, first=900)
        fleet.ingest(tmp_path / "urgent", interactive=True)
        fleet.until_ended()
        fleet.check()
        urgent = max(fleet.page_run(name).finished_at for name in ("p0900.png", "p0901.png"))
        last_ones = [fleet.page_run(f"p{n:04}.png").finished_at for n in range(20, 31)]
        assert urgent < min(last_ones)


def test_cancelled_pages_are_dropped_from_the_queue(
    postgres: PostgresServer, redis: RedisServer, tmp_path: Path
) -> None:
    with a_fleet(tmp_path, postgres, redis, 12, [Fault("analyse", "linger", "p0001.png")]) as fleet:
        fleet.feeder()
        fleet.until(lambda: fleet.count("queued") > 0, "queued page runs")
        fleet.worker(1)
        fleet.until(lambda: in_work(fleet, "p0001.png"), "the page in work")
        assert cancel(fleet.engine, Selection()) == 12
        broker = RedisBroker(app_for(fleet.settings))
        fleet.until(lambda: broker.queue_length() == 0, "the end of the messages")
        fleet.until(lambda: "in other hands, nothing stored" in fleet.logs(), "the end of the page in work")
        assert fleet.states() == {"cancelled": 12}
        assert put_back(fleet.engine, range(1, 13)) == 0
