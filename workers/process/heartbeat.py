"""A sign of life for the container engine: a file that is touched as long as the process does its work."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from celery import bootsteps

log = logging.getLogger(__name__)

SECONDS = 5.0


def beat(file: str) -> None:
    """Touch the file; its modification time says when this process was last seen at work."""
    if not file:
        return
    try:
        Path(file).touch()
    except OSError as error:
        log.warning("the heartbeat file %s cannot be touched: %s", file, error.strerror)


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is untyped
    """Beats from the worker's event loop, which stands still while there is no connection to the broker."""

    requires = frozenset({"celery.worker.components:Timer"})

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.file: str = worker.app.conf.broadsheet_heartbeat_file
        self.timer: Any = None

    def start(self, worker: Any) -> None:
        """Begin to beat."""
        beat(self.file)
        self.timer = worker.timer.call_repeatedly(SECONDS, beat, (self.file,))

    def stop(self, worker: Any) -> None:
        """Beat no more."""
        if self.timer is not None:
            self.timer.cancel()
