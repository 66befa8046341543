"""A worker as a service: logs, metrics, a sign of life, and children that are the first to go when memory is short."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.exceptions import SecurityWarning

from workers.config import Settings
from workers.process.heartbeat import Heartbeat
from workers.process.lifecycle import die_with_parent, prefer_as_oom_victim
from workers.process.reaper import Reaper
from workers.process.registry import Registry
from workers.telemetry import logs, metrics
from workers.telemetry.crash_recorder import recorders


def prepare(app: Celery, settings: Settings, level: str, directory: Path) -> None:
    """Make a worker of this app, started next in this process, behave as a service; `directory` is its own."""

    def set_up_logging(**_: Any) -> None:
        logs.configure(settings.log_format, level)

    def serve_metrics(**_: Any) -> None:
        metrics.serve(settings.metrics_address)

    # Celery warns root of pickled messages, which we do not take, and of an option that our command does not have.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    signals.setup_logging.connect(set_up_logging, weak=False)
    signals.worker_process_init.connect(prefer_as_oom_victim, weak=False)
    signals.worker_process_init.connect(die_with_parent, weak=False)
    recorders.place(directory)
    signals.worker_process_init.connect(recorders.open_box, weak=False)
    signals.worker_process_shutdown.connect(recorders.discard_box, weak=False)
    app.steps["worker"].update((Registry, Reaper))
    if settings.metrics_address:
        signals.worker_ready.connect(serve_metrics, weak=False)
    if settings.heartbeat_file:
        app.conf.broadsheet_heartbeat_file = settings.heartbeat_file
        app.steps["worker"].add(Heartbeat)
