"""A worker as a service: logs, metrics, a sign of life, and children that are the first to go when memory is short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import Celery, signals

from workers import logs, metrics
from workers.black_box import shelf
from workers.config import Settings
from workers.heartbeat import Heartbeat
from workers.mortality import die_with_parent, offer_to_the_oom_killer
from workers.presence import Presence
from workers.reaper import Reaper


def prepare(app: Celery, settings: Settings, level: str, directory: Path) -> None:
    """Make a worker of this app, started next in this process, behave as a service; `directory` is its own."""

    def set_up_logging(**_: Any) -> None:
        logs.configure(settings.log_format, level)

    def serve_metrics(**_: Any) -> None:
        metrics.serve(settings.metrics_address)

    signals.setup_logging.connect(set_up_logging, weak=False)
    signals.worker_process_init.connect(offer_to_the_oom_killer, weak=False)
    signals.worker_process_init.connect(die_with_parent, weak=False)
    shelf.place(directory)
    signals.worker_process_init.connect(shelf.open_box, weak=False)
    signals.worker_process_shutdown.connect(shelf.discard_box, weak=False)
    app.steps["worker"].update((Presence, Reaper))
    if settings.metrics_address:
        signals.worker_ready.connect(serve_metrics, weak=False)
    if settings.heartbeat_file:
        app.conf.broadsheet_heartbeat_file = settings.heartbeat_file
        app.steps["worker"].add(Heartbeat)
