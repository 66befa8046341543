"""`broadsheet worker`: join a fleet."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from orchestrator.commands.options import log_level_option, with_settings
from orchestrator.terminal.verbosity import verbosity
from workers.config import MAY_BEGIN, TEMPORARY_PREFIX, Settings

WAIT_SECONDS = 0.01


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
        app = _load(settings, log_level or verbosity().log_level, folder)
        while started_from is not None and not (started_from / MAY_BEGIN).exists():
            time.sleep(WAIT_SECONDS)
        code = _work(app, processes or cores(), not without_heartbeat, log_level or verbosity().log_level)
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


def _load(settings: Settings, log_level: str, folder: Path) -> Any:
    """Load all that a worker needs; neither broker nor database is touched."""
    from workers.celery import app_for
    from workers.process import service

    app = app_for(settings)
    service.prepare(app, settings, log_level, folder)
    app.loader.import_default_modules()
    return app


def _work(app: Any, processes: int, heartbeat: bool, log_level: str) -> int:
    """Do what `celery worker` does, without its command line, whose loading takes a tenth of a second."""
    from workers.messages import Queue

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
