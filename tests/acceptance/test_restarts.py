"""Commands that people wait for, while the database and the broker restart under them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models import Page
from tests.faults.plan import Fault
from tests.fleet import Fleet, make_scans
from tests.integration.fleets import a_fleet, a_redis
from tests.servers import PostgresServer, RedisServer, a_postgres, wait_until

SLOWLY = Fault("analyse", "linger_a_little")


@pytest.fixture(scope="module")
def restarting_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that these tests may stop."""
    with a_postgres() as server:
        yield server


def restart(postgres: PostgresServer, seconds_away: float = 0.0) -> None:
    postgres.stop()
    time.sleep(seconds_away)
    postgres.start()


def told(fleet: Fleet, command: str) -> str:
    return "".join(file.read_text() for file in fleet.folder.glob(f"*-{command}.log"))


def test_an_ingest_outlives_a_database_that_restarts_in_a_block(
    restarting_postgres: PostgresServer, tmp_path: Path
) -> None:
    point = "store_block.commit"
    fault = Fault(point, "meet", once=str(tmp_path / "once"))
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 0, [fault]) as fleet:
        make_scans(tmp_path / "many", 30)
        ingest = fleet.start("ingest", str(tmp_path / "many"), "--no-wait")
        wait_until((tmp_path / f"reached-{point}").exists, "the block", 60)
        restart(restarting_postgres, 2)
        (tmp_path / f"go-{point}").touch()
        assert ingest.wait(60) == 0
        assert fleet.states() == {"ready": 30}
        with fleet.engine.connect() as connection:
            assert connection.scalar(select(func.count()).select_from(Page)) == 30
        assert told(fleet, "ingest").count("Waiting for it; nothing is lost.") == 1
        assert told(fleet, "ingest").count("The database is back.") == 1


def test_an_ingest_that_waits_outlives_restarts_of_database_and_broker(
    restarting_postgres: PostgresServer, tmp_path: Path
) -> None:
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 0, [SLOWLY], max_window=8) as fleet:
        fleet.worker(2, restart=True)
        make_scans(tmp_path / "many", 60)
        ingest = fleet.start("ingest", str(tmp_path / "many"), "--json")
        for strike in (lambda: restart(restarting_postgres, 1), lambda: restart_broker(redis)):
            done = fleet.count("done")
            fleet.until(lambda done=done: fleet.count("done") > done, "the next page")  # type: ignore[misc]
            strike()
        assert ingest.wait(120) == 0
        fleet.check()
        assert fleet.states() == {"done": 60}


def restart_broker(redis: RedisServer) -> None:
    redis.kill()
    time.sleep(1)
    redis.start()


def watching(fleet: Fleet) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orchestrator", "status", "--watch", "--json"]
    command += ["--database", fleet.settings.database_url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_watched_status_outlives_a_restart_and_ends_with_the_last_page(
    restarting_postgres: PostgresServer, tmp_path: Path
) -> None:
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 3) as fleet:
        watch = watching(fleet)
        assert watch.stdout is not None
        assert json.loads(watch.stdout.readline())["volumes"] == {str(tmp_path / "scans"): {"ready": 3}}
        restarting_postgres.stop()
        assert watch.stderr is not None
        assert "The database does not answer" in watch.stderr.readline()
        restarting_postgres.start()
        fleet.feeder()
        fleet.worker(1)
        out, _ = watch.communicate(timeout=120)
        assert watch.returncode == 0
        assert json.loads(out.splitlines()[-1])["volumes"] == {str(tmp_path / "scans"): {"done": 3}}


def test_ctrl_c_is_the_way_out_of_a_watched_status(restarting_postgres: PostgresServer, tmp_path: Path) -> None:
    with a_redis() as redis, a_fleet(tmp_path, restarting_postgres, redis, 1) as fleet:
        watch = watching(fleet)
        assert watch.stdout is not None
        assert watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        _, told = watch.communicate(timeout=30)
        assert (watch.returncode, told) == (0, "")
