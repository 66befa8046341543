"""`broadsheet worker`: join a fleet."""

from __future__ import annotations

import os
import tempfile

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.command()
@click.option("--processes", type=click.IntRange(1), help="Pages worked on at once [one for each core].")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
@with_settings(broker=True)
def worker(settings: Settings, processes: int | None, log_level: str) -> None:
    """Work on pages until stopped; Ctrl-C or SIGTERM finishes the pages in work first."""
    from orchestrator.database import check_url
    from orchestrator.services import cores
    from workers.errors import UnreadableInput

    if not settings.broker_url:
        raise UnreadableInput("A worker needs the address of a broker: --broker redis://HOST or BROADSHEET_BROKER_URL.")
    check_url(settings.database_url)
    # Each child works on one page with one thread; the libraries read this when they are loaded.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ.update(settings.to_env() | threads)
    if settings.metrics_address:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="broadsheet-metrics-")
    from workers import service
    from workers.celery import QUEUE, app

    service.prepare(app, settings, log_level)
    arguments = ["worker", "--pool", "prefork", "--concurrency", str(processes or cores()), "--queues", QUEUE]
    app.worker_main([*arguments, "--loglevel", log_level, "--without-gossip", "--without-mingle"])
