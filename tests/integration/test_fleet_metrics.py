"""The feeder's figures of the whole fleet, from SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import Engine, update

from models import PageRun, database_now
from models.session import open_engine_read_only
from orchestrator.feeder import metrics
from orchestrator.feeder.metrics import FleetCollector, gauges, read_fleet_figures
from tests.rows import add_page_runs
from tests.servers import free_port
from workers.config import Settings
from workers.lease import claims
from workers.lease.claims import Failure
from workers.process import registry


def figures(engine: Engine, window: int = 8) -> Mapping[tuple[str, str], float]:
    return {
        (sample.name.removeprefix("broadsheet_"), next(iter(sample.labels.values()), "")): sample.value
        for family in gauges(read_fleet_figures(engine), window)
        for sample in family.samples
    }


def test_an_empty_database_has_every_figure_at_zero(engine: Engine) -> None:
    found = figures(engine)
    assert found["page_runs", "done"] == found["window_used", ""] == found["oldest_lease_seconds", ""] == 0
    assert found["window_size", ""] == 8


def test_the_figures_tell_states_attempts_ages_and_workers(engine: Engine) -> None:
    queued, running, late, broken, ready = add_page_runs(engine, 5)
    for page_run_id in (running, late, broken):
        claims.claim(engine, page_run_id, f"m{page_run_id}", "host:1", 180)
    claims.fail(
        engine, broken, claims.BegunBy(f"m{broken}"), Failure("unreadable_image", "It is no image.", retry=False), 3
    )
    with engine.begin() as connection:
        for page_run_id, changes in (
            (queued, {"queued_at": database_now(-30)}),
            (running, {"started_at": database_now(-60)}),
            (late, {"lease_until": database_now(-1)}),
            (ready, {"state": "ready"}),
        ):
            connection.execute(update(PageRun).where(PageRun.page_run_id == page_run_id).values(changes))
    registry.report(engine, "host:1", 4)
    found = figures(engine)
    assert [found["page_runs", state] for state in ("ready", "queued", "running", "quarantined", "done")] == [
        1,
        1,
        2,
        1,
        0,
    ]
    assert (found["page_runs_by_attempts", "0"], found["page_runs_by_attempts", "1"]) == (2, 3)
    assert found["quarantined_page_runs", "unreadable_image"] == 1
    assert found["window_used", ""] == 3
    assert 60 <= found["oldest_lease_seconds", ""] < 90
    assert 30 <= found["oldest_message_seconds", ""] < 60
    assert found["expired_leases", ""] == 1
    assert (found["workers", ""], found["worker_processes", ""]) == (1, 4)


def test_the_feeder_answers_in_openmetrics(engine: Engine, database_url: str) -> None:
    add_page_runs(engine, 3)
    address = f"127.0.0.1:{free_port()}"
    metrics.serve(open_engine_read_only(database_url), Settings(metrics_address=address))
    request = Request(f"http://{address}/metrics", headers={"Accept": "application/openmetrics-text"})
    with urlopen(request, timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    values = {sample.labels["state"]: sample.value for sample in families["broadsheet_page_runs"].samples}
    assert values["queued"] == 3
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6


def test_counting_is_not_repeated_for_every_scrape(engine: Engine) -> None:
    collector = FleetCollector(engine, Settings())
    first = list(collector.collect())
    add_page_runs(engine, 1)
    assert list(collector.collect()) == first


@pytest.mark.parametrize("url", ["postgresql+psycopg://u:p@127.0.0.1:1/x", "sqlite:////nowhere/x.db"])
def test_a_database_that_is_away_is_a_figure_too(url: str) -> None:
    (gauge,) = FleetCollector(open_engine_read_only(url), replace(Settings(), database_url=url)).collect()
    assert (gauge.name, gauge.samples[0].value) == ("broadsheet_database_up", 0)
