"""`broadsheet worker`: join a fleet."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator.commands.options import log_level_option, with_settings
from orchestrator.terminal.verbosity import verbosity
from workers.config import MAY_BEGIN, TEMPORARY_PREFIX, Settings

WAIT_SECONDS = 0.01
# What takes a worker a second to load, and touches neither database nor broker.
LIBRARIES = (
    "workers.tasks",
    "workers.process.service",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "kombu.transport.redis",
)


@click.command(short_help="Work on pages until stopped.")
@click.option("--processes", type=click.IntRange(1), help="Pages worked on at once [one for each core].")
@click.option("--without-heartbeat", is_flag=True, help="Send no signs of life to monitors such as Flower.")
@click.option("--started-from", type=click.Path(path_type=Path), hidden=True)
@log_level_option
@with_settings(broker=True)
def worker(
    settings: Settings, processes: int | None, without_heartbeat: bool, log_level: str | None, started_from: Path | None
) -> None:
    """Work on pages until stopped. Ctrl-C finishes the pages in work; SIGTERM gives them back after a few seconds."""
    from orchestrator.local.services import cores
    from workers.errors import UnreadableInput

    if not settings.broker_url:
        raise UnreadableInput("A worker needs the address of a broker: --broker redis://HOST or BROADSHEET_BROKER_URL.")
    if started_from is None:  # the command that starts a worker of its own has looked
        _check_database(settings)
    # Each child works on one page with one thread; the libraries read this when they are loaded.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # Celery's own SIGTERM waits for pages as long as they take; its SIGQUIT gives them back in time for any deployment.
    os.environ.update(settings.to_env() | threads | {"REMAP_SIGTERM": "SIGQUIT"})
    with _private_folder(started_from) as folder:
        if settings.metrics_address:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        if started_from is not None:
            _wait_for_the_command(started_from)
        level = log_level or verbosity().log_level
        code = _work(settings, processes or cores(), not without_heartbeat, level, folder)
    sys.exit(code)


def _check_database(settings: Settings) -> None:
    from sqlalchemy.exc import OperationalError

    import migrations
    from models.session import open_engine_read_only
    from orchestrator.database import check_url, refuse_newer

    check_url(settings.database_url)
    engine = open_engine_read_only(settings.database_url)
    with contextlib.suppress(OperationalError):  # it is waited for
        refuse_newer(migrations.current_revision(engine))
    engine.dispose()


@contextlib.contextmanager
def _private_folder(started_from: Path | None) -> Iterator[Path]:
    if started_from is not None:
        yield started_from  # of the command, which clears it away
        return
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX) as folder:
        yield Path(folder)


def _wait_for_the_command(folder: Path) -> None:
    """Load what a worker needs, then wait until the command has made the database and the broker ready."""
    for module in LIBRARIES:
        importlib.import_module(module)
    while not (folder / MAY_BEGIN).exists():
        time.sleep(WAIT_SECONDS)


def _work(settings: Settings, processes: int, heartbeat: bool, log_level: str, folder: Path) -> int:
    """Do what `celery worker` does, without its command line, whose loading takes a tenth of a second."""
    from workers.celery import app_for
    from workers.messages import Queue
    from workers.process import service

    app = app_for(settings)
    service.prepare(app, settings, log_level, folder)
    worker = app.Worker(
        pool_cls="prefork",
        concurrency=processes,
        queues=",".join(Queue),
        loglevel=logging.getLevelNamesMapping()[log_level.upper()],
        quiet=not sys.stderr.isatty(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=not heartbeat,
    )
    worker.start()
    return int(worker.exitcode or 0)
