"""Feeding stops, and says so, when too many pages fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from models import PageRun
from orchestrator.feeder.circuit_breaker import CircuitBreaker, failing_volumes
from orchestrator.feeder.service import FailureWatch
from tests.faults.plan import Fault
from tests.fleet import make_scans
from tests.integration.fleets import a_fleet, a_redis
from tests.rows import add_page_runs
from tests.servers import PostgresServer


def finish(engine: Engine, page_run_ids: list[int], state: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id.in_(page_run_ids)).values(state=state))


@pytest.mark.parametrize(
    ("ended", "quarantined", "stops"),
    [(99, 99, False), (100, 14, False), (100, 15, True), (1000, 115, False), (1000, 116, True)],
)
def test_the_brake_waits_for_enough_pages_and_allows_its_share(ended: int, quarantined: int, stops: bool) -> None:
    assert CircuitBreaker(10).trips(ended, quarantined) is stops


def test_only_the_failing_volume_is_held_and_a_retry_frees_it(engine: Engine) -> None:
    bad, good = (add_page_runs(engine, 120, state="ready", source=name) for name in ("bad", "good"))
    finish(engine, bad[:80], "done")
    finish(engine, bad[80:110], "quarantined")
    finish(engine, good[:110], "done")
    assert [volume.source for volume in failing_volumes(engine, CircuitBreaker(10))] == ["bad"]
    assert failing_volumes(engine, CircuitBreaker(30)) == []
    assert len(FailureWatch(engine, CircuitBreaker(10)).held()) == 1
    finish(engine, bad[80:110], "ready")
    assert FailureWatch(engine, CircuitBreaker(10)).held() == ()


def test_an_ingest_stops_says_why_and_exits_with_1(postgres: PostgresServer, tmp_path: Path) -> None:
    bad = [Fault("load", "linger_a_little"), Fault("load", "bad_scan")]
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 0, bad, max_window=8) as fleet:
        make_scans(tmp_path / "many", 160)
        ingest = fleet.start("ingest", str(tmp_path / "many"), "--json", "--max-failure-rate", "20")
        fleet.worker(2)
        fleet.until(lambda: ingest.poll() is not None, "the end of the ingest", 120)
        assert ingest.returncode == 1
        answer = json.loads((tmp_path / "0-ingest.log").read_text().splitlines()[-1])
        assert "more than 20 %" in answer["stopped"]
        assert fleet.count("queued", "running") == 0
        assert fleet.count("ready") > 0
        assert 100 <= fleet.count("quarantined") < 160
