"""Children that have died are noticed within a second."""

from __future__ import annotations

from typing import Any

from celery import bootsteps

SECONDS = 1.0


class Reaper(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is untyped
    """Looks after the pool from the main process's event loop.

    Celery hears at once that the pipe of a child has closed. The kernel closes it before the child can be waited for,
    and when Celery comes in between, it looks again only five seconds later.
    """

    requires = frozenset({"celery.worker.components:Timer", "celery.worker.components:Pool"})

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        """Look every second from now on."""
        self._timer = worker.timer.call_repeatedly(SECONDS, worker.pool.maintain_pool)

    def stop(self, worker: Any) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def terminate(self, worker: Any) -> None:
        """Look no more, when the worker gives its pages back, too."""
        self.stop(worker)
