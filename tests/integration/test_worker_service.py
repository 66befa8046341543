"""A real worker behind TLS and passwords: what it logs, what it counts, and what it refuses to take."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import make_url

import migrations
from models.session import open_engine
from tests.rows import add_page_runs
from tests.servers import RedisServer, free_port, wait_until
from tests.tls import tls_front
from workers.celery import app_for, make_app
from workers.config import Settings
from workers.messages import MAX_MESSAGE_BYTES, PROCESS_PAGE, Queue

PASSWORD, ENCODED = "p@ss/hunter2", "p%40ss%2Fhunter2"


@dataclass(frozen=True)
class Addresses:
    """Where the services are, with passwords, behind TLS."""

    database: str
    broker: str
    broker_without_parameters: str


@pytest.fixture
def addresses(postgres_url: str, server_folder: Path, tmp_path: Path) -> Iterator[Addresses]:
    """Redis with a password and PostgreSQL, both only reached through TLS."""
    redis = RedisServer(server_folder, options=("--requirepass", PASSWORD))
    redis.start()
    plain = make_url(postgres_url)
    assert plain.port is not None
    (tmp_path / "pg").mkdir()
    with (
        tls_front(redis.port, tmp_path) as (redis_port, redis_ca),
        tls_front(plain.port, tmp_path / "pg", postgres=True) as (postgres_port, postgres_ca),
    ):
        database = plain.set(host="localhost", port=postgres_port, password=PASSWORD)
        secured = database.update_query_dict({"sslmode": "verify-full", "sslrootcert": str(postgres_ca)})
        broker = f"rediss://:{ENCODED}@localhost:{redis_port}/0"
        yield Addresses(secured.render_as_string(hide_password=False), f"{broker}?ssl_ca_certs={redis_ca}", broker)
    redis.kill()


def send(addresses: Addresses, *messages: tuple[object, ...], **options: object) -> None:
    """Send what our own code never would."""
    app = app_for(Settings(database_url=addresses.database, broker_url=addresses.broker))
    for arguments in messages:
        app.send_task(PROCESS_PAGE, args=arguments, queue=Queue.BULK, **options)
    app.close()


def waiting(addresses: Addresses) -> int:
    app = app_for(Settings(database_url=addresses.database, broker_url=addresses.broker))
    with app.connection_for_read() as connection:
        client = connection.default_channel.client
        count = client.llen(Queue.BULK) + client.hlen("unacked")
    app.close()
    return int(count)


def samples(port: int) -> dict[tuple[str, str], float]:
    request = Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": "application/openmetrics-text"})
    with urlopen(request, timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, sample.labels.get("outcome") or sample.labels.get("role", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_worker_behind_tls_takes_numbers_only_and_tells_nobody_its_passwords(
    addresses: Addresses, tmp_path: Path
) -> None:
    engine = open_engine(addresses.database)
    migrations.upgrade(engine)
    (page_run_id,) = add_page_runs(engine, 1)
    engine.dispose()
    port, log, alive = free_port(), tmp_path / "log", tmp_path / "alive"
    environ = os.environ | {
        "BROADSHEET_DATABASE_URL": addresses.database,
        "BROADSHEET_BROKER_URL": addresses.broker,
        "BROADSHEET_METRICS_ADDRESS": f"127.0.0.1:{port}",
        "BROADSHEET_HEARTBEAT_FILE": str(alive),
    }
    send(addresses, ("1",), (True,), (1.5,), (1, 2), (), ({"page": 1},), ("x" * MAX_MESSAGE_BYTES,))
    send(addresses, (page_run_id,), kwargs={"page_run_id": 1})
    send(addresses, (page_run_id,), serializer="yaml")
    send(addresses, (page_run_id,))
    command = [sys.executable, "-m", "orchestrator", "worker", "--processes", "1", "--log-level", "debug"]
    with log.open("wb") as out:
        worker = subprocess.Popen(command, stdout=out, stderr=out, env=environ)
    try:
        # the one message that is right is about a page whose file does not exist
        wait_until(lambda: '"page_run": 1' in log.read_text(), "word of the page", 60)
        wait_until(lambda: waiting(addresses) == 0, "an empty queue")
        assert worker.poll() is None
        figures = samples(port)
        assert time.time() - alive.stat().st_mtime < 15
    finally:
        worker.terminate()
        worker.wait(30)
    assert sum(value for (name, _), value in figures.items() if name == "broadsheet_attempts_total") == 1
    assert figures["broadsheet_resident_bytes", "child"] > 1e7
    text = log.read_text()
    assert "hunter2" not in text
    assert "--uid" not in text, "it is no option of our command"
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    refused = [line["message"] for line in lines if line["level"] in ("error", "critical")]
    assert sum("takes the number of a page run and nothing else" in message for message in refused) == 7
    assert any(f"is over the limit of {MAX_MESSAGE_BYTES}" in message for message in refused)
    assert any("yaml" in message for message in refused)
    about = [line for line in lines if line["page_run"] == page_run_id]
    assert about and all(line["attempt"] == 1 and line["volume"] == "/archive/scans" for line in about)


def test_a_tls_broker_without_parameters_must_have_a_certificate_that_is_trusted(addresses: Addresses) -> None:
    app = make_app(Settings(broker_url=addresses.broker_without_parameters), "a database")
    with app.connection_for_write() as connection, pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        connection.ensure_connection(max_retries=1, interval_start=0)
        connection.default_channel.client.ping()
    assert app.conf.broker_use_ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    app.close()
