"""A worker as a service: logs, metrics, a sign of life, and children that are the first to go when memory is short."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from celery import Celery, signals

from workers import logs, metrics
from workers.config import Settings
from workers.heartbeat import Heartbeat

# Of 1000: the kernel kills a child, which costs one attempt at one page, long before the main process or the database.
OOM_SCORE_OF_CHILDREN = 800


def prepare(app: Celery, settings: Settings, level: str) -> None:
    """Make a worker of this app, started next in this process, behave as a service."""

    def set_up_logging(**_: Any) -> None:
        logs.configure(settings.log_format, level)

    def serve_metrics(**_: Any) -> None:
        metrics.serve(settings.metrics_address)

    signals.setup_logging.connect(set_up_logging, weak=False)
    signals.worker_process_init.connect(offer_to_the_oom_killer, weak=False)
    if settings.metrics_address:
        signals.worker_ready.connect(serve_metrics, weak=False)
    if settings.heartbeat_file:
        app.conf.broadsheet_heartbeat_file = settings.heartbeat_file
        app.steps["worker"].add(Heartbeat)


def offer_to_the_oom_killer(**_: Any) -> None:
    """Raise this process's score with Linux's out-of-memory killer; anybody may raise their own."""
    with contextlib.suppress(OSError):  # no /proc here, or one that cannot be written
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_OF_CHILDREN))
