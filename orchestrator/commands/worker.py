"""`broadsheet worker`: join a fleet."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import click

from orchestrator.commands.options import log_level_option, with_settings
from orchestrator.terminal.verbosity import verbosity
from workers.config import TEMPORARY_PREFIX, Settings


@click.command(short_help="Work on pages until stopped.")
@click.option("--processes", type=click.IntRange(1), help="Pages worked on at once [one for each core].")
@click.option("--without-heartbeat", is_flag=True, help="Send no signs of life to monitors such as Flower.")
@log_level_option
@with_settings(broker=True)
def worker(settings: Settings, processes: int | None, without_heartbeat: bool, log_level: str | None) -> None:
    """Work on pages until stopped. Ctrl-C finishes the pages in work; SIGTERM gives them back after a few seconds."""
    from sqlalchemy.exc import OperationalError

    import migrations
    from models.session import open_engine_read_only
    from orchestrator.database import check_url, refuse_newer
    from orchestrator.local.services import cores
    from workers.errors import UnreadableInput

    if not settings.broker_url:
        raise UnreadableInput("A worker needs the address of a broker: --broker redis://HOST or BROADSHEET_BROKER_URL.")
    check_url(settings.database_url)
    with contextlib.suppress(OperationalError):  # it is waited for
        refuse_newer(migrations.current_revision(open_engine_read_only(settings.database_url)))
    # Each child works on one page with one thread; the libraries read this when they are loaded.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # Celery's own SIGTERM waits for pages as long as they take; its SIGQUIT gives them back in time for any deployment.
    os.environ.update(settings.to_env() | threads | {"REMAP_SIGTERM": "SIGQUIT"})
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX) as directory:
        if settings.metrics_address:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        _run(settings, processes or cores(), not without_heartbeat, log_level or verbosity().log_level, Path(directory))


def _run(settings: Settings, processes: int, heartbeat: bool, log_level: str, directory: Path) -> None:
    from workers.celery import app_for
    from workers.messages import Queue
    from workers.process import service

    app = app_for(settings)
    service.prepare(app, settings, log_level, directory)
    queues = ",".join(Queue)
    banner = [] if settings.log_format == "text" or sys.stderr.isatty() else ["--quiet"]
    arguments = [*banner, "worker", "--pool", "prefork", "--concurrency", str(processes), "--queues", queues]
    silence = ["--without-gossip", "--without-mingle", *([] if heartbeat else ["--without-heartbeat"])]
    app.worker_main([*arguments, "--loglevel", log_level, *silence])
