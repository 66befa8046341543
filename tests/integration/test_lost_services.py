"""A broker that is killed, frozen, full or emptied, and a database that restarts in the middle of each transaction."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import kombu
import pytest
import redis as redis_client
from kombu import Consumer, Message
from sqlalchemy import create_engine, text

from orchestrator.feeder.broker import RedisBroker
from tests.faults.plan import Fault
from tests.fleet import Fleet
from tests.integration.fleets import a_fleet, a_redis
from tests.servers import PostgresServer, a_postgres
from workers.celery import make_app
from workers.config import Settings
from workers.messages import Queue
from workers.process.requests import PageRequest
from workers.tasks import process_page

SLOWLY = Fault("analyse", "linger_a_little")


@pytest.fixture(scope="module")
def restarting_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that these tests may stop."""
    with a_postgres() as server:
        yield server


def started(fleet: Fleet) -> Fleet:
    fleet.feeder()
    fleet.worker(2, restart=True)
    fleet.until(lambda: fleet.count("done") > 0, "the first page")
    return fleet


@pytest.mark.parametrize("persistence", [(), ("--appendonly", "yes")], ids=["nothing kept", "append-only file"])
def test_a_broker_killed_six_times_in_a_row(
    postgres: PostgresServer, tmp_path: Path, persistence: tuple[str, ...]
) -> None:
    with a_redis(*persistence) as redis, a_fleet(tmp_path, postgres, redis, 80, [SLOWLY], max_window=8) as fleet:
        started(fleet)
        for _ in range(6):
            redis.kill()
            time.sleep(0.3)
            redis.start()
            done = fleet.count("done")
            fleet.until(lambda done=done: fleet.count("done") > done, "the next page")  # type: ignore[misc]
        fleet.until_ended()
        fleet.check()


def test_a_broker_frozen_for_longer_than_any_timeout(postgres: PostgresServer, tmp_path: Path) -> None:
    in_work = [Fault("analyse", "meet", name) for name in ("p0001.png", "p0002.png")]
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 40, [*in_work, SLOWLY], max_window=8) as fleet:
        fleet.feeder()
        # signs of life for monitors would wait for the broker before the acknowledgements do
        fleet.start("worker", "--processes", "2", "--without-heartbeat")
        fleet.until(lambda: fleet.count("running") == 2, "two pages in work")
        assert redis.process is not None
        redis.process.send_signal(signal.SIGSTOP)
        (tmp_path / "go-analyse").touch()
        time.sleep(50)
        redis.process.send_signal(signal.SIGCONT)
        fleet.until_ended(60)
        fleet.check()


def test_a_message_whose_acknowledgement_is_not_heard_does_not_keep_its_place() -> None:
    with a_redis() as redis:
        app = make_app(Settings(broker_url=redis.url), "a database")
        app.conf.broker_transport_options = dict(app.conf.broker_transport_options, socket_timeout=0.2)
        RedisBroker(app).publish([(1, Queue.BULK), (2, Queue.BULK)])
        received: list[Message] = []
        with app.connection_for_read() as connection, connection.channel() as channel:
            channel.basic_qos(0, 1, False)
            with Consumer(channel, [kombu.Queue(Queue.BULK)], on_message=received.append):
                connection.drain_events(timeout=5)
                (message,) = received
                assert redis.process is not None
                redis.process.send_signal(signal.SIGSTOP)
                request = PageRequest(
                    message,
                    app=app,
                    task=process_page,
                    on_ack=message.ack_log_error,
                    connection_errors=connection.connection_errors,
                )
                request.acknowledge()
                redis.process.send_signal(signal.SIGCONT)
                assert not message.acknowledged
                connection.drain_events(timeout=5)
        assert [json.loads(message.body)[0] for message in received] == [[1], [2]]


def test_a_full_broker_refuses_and_the_fleet_goes_on_when_there_is_room(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 40, [SLOWLY], max_window=8) as fleet:
        started(fleet)
        client = redis_client.Redis(port=redis.port)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        time.sleep(3)
        client.config_set("maxmemory", 0)
        client.close()
        fleet.until_ended()
        fleet.check()


def test_a_broker_that_is_emptied_in_mid_run(postgres: PostgresServer, tmp_path: Path) -> None:
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 40, [SLOWLY], max_window=12) as fleet:
        started(fleet)
        client = redis_client.Redis(port=redis.port)
        for _ in range(3):
            client.flushall()
            time.sleep(1)
        client.close()
        fleet.until_ended()
        fleet.check()
        assert "they are sent again" in fleet.logs()


def reached(folder: Path) -> set[str]:
    return {file.name.removeprefix("reached-") for file in folder.glob("reached-*")}


def test_a_database_that_restarts_inside_every_transaction(restarting_postgres: PostgresServer, tmp_path: Path) -> None:
    points = ["take.commit", "claim.commit", "record.commit", "fail.commit", "sweep.commit"]
    faults = [Fault(point, "meet", once=str(tmp_path / f"once-{point}")) for point in points]
    faults.append(Fault("load", "bad_scan", "p0003.png"))
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 12, faults) as fleet:
        fleet.feeder()
        fleet.worker(2)
        gone: set[str] = set()
        while gone != set(points):  # they come in any order, some of them together
            fleet.until(lambda gone=gone: reached(tmp_path) > gone, f"one of {set(points) - gone}", 120)  # type: ignore[misc]
            now = reached(tmp_path)
            restarting_postgres.stop()
            restarting_postgres.start()
            for point in now:
                (tmp_path / f"go-{point}").touch()
            gone = now
        fleet.until_ended()
        fleet.check()
        assert fleet.states() == {"done": 11, "quarantined": 1}
        assert [process.poll() for process in fleet.processes] == [None, None], "feeder and worker live"


def test_a_database_away_for_a_while(restarting_postgres: PostgresServer, tmp_path: Path) -> None:
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 30, [SLOWLY]) as fleet:
        started(fleet)
        restarting_postgres.stop()
        time.sleep(5)
        restarting_postgres.start()
        fleet.until_ended()
        fleet.check()
        assert [process.poll() for process in fleet.processes] == [None, None]


def test_a_failover_to_a_standby_that_is_not_yet_promoted(restarting_postgres: PostgresServer, tmp_path: Path) -> None:
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 30, [SLOWLY]) as fleet:
        started(fleet)
        take_no_writes(restarting_postgres, "SET default_transaction_read_only = on")
        time.sleep(5)
        take_no_writes(restarting_postgres, "RESET default_transaction_read_only")
        fleet.until_ended()
        fleet.check()
        assert fleet.states() == {"done": 30}
        assert [process.poll() for process in fleet.processes] == [None, None]


def take_no_writes(server: PostgresServer, setting: str) -> None:
    """Let new sessions begin as on a standby, or as usual again, and cut all that there are."""
    admin = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"ALTER SYSTEM {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
        time.sleep(0.5)  # the server reads its settings when it gets round to it
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
    admin.dispose()
