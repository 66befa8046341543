"""One Redis for several databases and programs: each finds its own messages, and nobody else's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, make_url

import migrations
from models.session import open_engine
from orchestrator.feeder.broker import RedisBroker
from tests.servers import RedisServer
from workers.celery import app_for
from workers.config import Settings
from workers.errors import UnreadableInput
from workers.lease.database import identity
from workers.messages import Queue

# What Celery reads by itself, over what an app is told.
OTHERS = {
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_READ_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_WRITE_URL": "redis://127.0.0.1:1/0",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:1/0",
    "CELERY_LOADER": "of.another.program:Loader",
    "CELERY_CONFIG_MODULE": "celeryconfig_of_another_program",
    "CELERY_CUSTOM_WORKER_POOL": "of.another.program:Pool",
    "CELERY_WORKER_REVOKES_MAX": "no number",
    "DJANGO_SETTINGS_MODULE": "another_program.settings",
}
TELL = """
import json, sys
from workers.celery import app
print(json.dumps([app.connection_for_write().port, app.connection_for_read().port, app.conf.result_backend,
                  app.conf.worker_pool, app.conf.task_acks_late]))
import celery.worker.state
"""


def a_database(folder: Path, name: str) -> str:
    engine = open_engine(f"sqlite:///{folder / name}")
    migrations.upgrade(engine)
    engine.dispose()
    return f"sqlite:///{folder / name}"


def test_two_databases_on_one_redis_do_not_meet(redis_server: RedisServer, tmp_path: Path) -> None:
    one, other = (
        RedisBroker(app_for(Settings(database_url=a_database(tmp_path, name), broker_url=redis_server.url)))
        for name in ("one.db", "other.db")
    )
    one.publish([(1, Queue.BULK), (2, Queue.INTERACTIVE)])
    assert (one.queue_length(), one.queued_ids()) == (2, {1, 2})
    assert (other.queue_length(), other.queued_ids()) == (0, set())
    redis.Redis(port=redis_server.port).flushdb()


def test_a_database_is_the_same_by_whatever_address(engine: Engine, tmp_path: Path) -> None:
    known = identity(engine)
    assert identity(engine) == known
    url = make_url(engine.url)
    if engine.dialect.name == "sqlite":
        (tmp_path / "linked.db").symlink_to(str(url.database))
        again = open_engine(f"sqlite:///{tmp_path / 'linked.db'}")
    else:
        again = open_engine(url.set(host="localhost"))
    assert identity(again) == known
    again.dispose()


def test_an_app_without_a_database_is_refused() -> None:
    with pytest.raises(UnreadableInput, match="BROADSHEET_DATABASE_URL"):
        app_for(Settings(broker_url="redis://nowhere"))


def test_the_settings_of_another_celery_program_are_not_ours(tmp_path: Path) -> None:
    ours = {"BROADSHEET_DATABASE_URL": a_database(tmp_path, "x.db"), "BROADSHEET_BROKER_URL": "redis://127.0.0.1:2/0"}
    told = subprocess.run(
        [sys.executable, "-P", "-c", TELL], env=os.environ | OTHERS | ours, capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == [2, 2, None, "prefork", True]


def test_celery_itself_finds_the_app(tmp_path: Path) -> None:
    ours = {"BROADSHEET_DATABASE_URL": a_database(tmp_path, "x.db"), "BROADSHEET_BROKER_URL": "redis://127.0.0.1:2/0"}
    told = subprocess.run(
        [sys.executable, "-m", "celery", "--app", "workers", "report"],
        env=os.environ | ours, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "pages-3-bulk" in told.stdout


def test_importing_the_app_reads_no_environment() -> None:
    code = "import workers.celery, workers.tasks, orchestrator.feeder.feeder"
    broken = os.environ | {"BROADSHEET_MAX_PIXELS": "many", "BROADSHEET_BROKER_URL": "no address"}
    subprocess.run([sys.executable, "-P", "-c", code], env=broken, check=True)
