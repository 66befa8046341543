"""What deploy/ asks Prometheus: correct, about figures that exist, and answered under load by the real program."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client import Metric

from models import PageRunState
from orchestrator.feeder.metrics import FleetFigures, gauges
from tests.faults.plan import Fault
from tests.integration.fleets import a_fleet, a_redis
from tests.servers import PostgresServer, free_port, wait_until
from workers.telemetry import metrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "alerts.yml"
TESTED_ALERTS = Path(__file__).with_name("prometheus_alerts.yml")
SELECTOR = re.compile(r"\b(?:broadsheet|process|up)\w*(?:\{[^}]*\})?")


def promtool(*arguments: str | Path) -> None:
    """Run promtool, and fail with what it says."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool, which comes with Prometheus, is not on the PATH")
    checked = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def panels() -> list[tuple[str, str]]:
    """Return title and query of each line of the dashboard."""
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]


def alerts() -> dict[str, str]:
    """Return the condition of each alert."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def figures_told() -> set[str]:
    """Return the names of all series that feeder and worker have."""
    fleet = FleetFigures(dict.fromkeys(PageRunState, 0), {}, {}, 0, 0, 0.0, 0, 0.0)
    families: list[Metric] = [*gauges(fleet, 1), *metrics.ProcessMemory().collect()]
    families += [family for metric in METRICS_OF_WORKERS for family in metric.collect()]
    names = {family.name for family in families}
    names |= {f"{family.name}_{end}" for family in families for end in ("total", "bucket", "sum", "count")}
    return names | {"broadsheet_database_up", "process_resident_memory_bytes", "up"}


METRICS_OF_WORKERS = (metrics.ATTEMPTS, metrics.PAGE_SECONDS, metrics.STAGE_SECONDS)


def test_dashboard_and_alerts_ask_only_for_figures_that_exist() -> None:
    queries = [*alerts().values(), *(query for _, query in panels())]
    asked = {selector.partition("{")[0] for query in queries for selector in SELECTOR.findall(query)}
    assert len(asked) > 15
    assert asked <= figures_told()


def test_prometheus_accepts_the_configuration_and_the_alerts() -> None:
    promtool("check", "config", DEPLOY / "prometheus.yml")
    promtool("check", "rules", RULES)


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, (_, query) in enumerate(panels())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yml")


def test_each_alert_is_raised_when_it_should_be_and_not_before() -> None:
    tested = yaml.safe_load(TESTED_ALERTS.read_text())["tests"]
    raised = {case["alertname"] for test in tested for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert raised == set(alerts())
    promtool("test", "rules", TESTED_ALERTS)


@contextmanager
def prometheus(folder: Path, feeder: int, worker: int) -> Iterator[str]:
    """Yield the address of a Prometheus that asks a feeder and a worker every second."""
    port = free_port()
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{asked}"]}]}
        for name, asked in (("feeder", feeder), ("worker", worker))
    ]
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "rule_files": [str(RULES)]}
    (folder / "prometheus.yml").write_text(json.dumps(config | {"scrape_configs": jobs}))
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def ask(address: str, query: str) -> list[Any]:
    """Return the series that answer a query."""
    try:
        with urlopen(f"{address}/api/v1/query?query={quote(query)}", timeout=5) as answer:
            found: list[Any] = json.load(answer)["data"]["result"]
    except OSError:
        return []
    return found


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not on the PATH")
def test_every_query_is_answered_by_a_fleet_under_load(postgres: PostgresServer, tmp_path: Path) -> None:
    faults = [
        Fault("analyse", "linger_a_little"),
        Fault("load", "bad_scan", "p0003.png"),
        Fault("analyse", "kill", "p0002.png", (1,)),
    ]
    ports = free_port(), free_port()
    (tmp_path / "prometheus").mkdir()
    with a_redis() as redis, a_fleet(tmp_path, postgres, redis, 60, faults) as fleet:
        for start, port in zip((fleet.feeder, fleet.worker), ports, strict=True):
            fleet.settings = replace(fleet.settings, metrics_address=f"127.0.0.1:{port}")
            start()
        with prometheus(tmp_path / "prometheus", *ports) as address:
            fleet.until_ended()
            done = 'sum(broadsheet_attempts_total{outcome="done"})'
            wait_until(lambda: [s["value"][1] for s in ask(address, done)] == ["59"], "the last page's figures")
            time.sleep(7)  # the feeder counts every five seconds
            unanswered = [title for title, query in panels() if not ask(address, query)]
            unanswered += [
                f"{alert}: {selector}"
                for alert, query in alerts().items()
                for selector in SELECTOR.findall(query)
                if not ask(address, selector)
            ]
            states = {s["metric"]["state"]: s["value"][1] for s in ask(address, "broadsheet_page_runs")}
            raised = ask(address, 'ALERTS{alertstate="firing"}')
    assert unanswered == []
    assert (states["done"], states["quarantined"], states["ready"]) == ("59", "1", "0")
    assert raised == []
