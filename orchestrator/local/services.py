"""What the command starts when nobody gave it an address: a broker and local workers, ended with the command."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.local.broker import check_broker, embedded_broker
from orchestrator.local.supervisor import ChildService
from workers.config import TEMPORARY_PREFIX, Settings
from workers.errors import ServiceDown

# A worker that cannot be kept alive this often is broken, not unlucky.
MAX_RESTARTS = 5


@dataclass(slots=True)
class LocalWorker:
    """The worker of a machine without a fleet: one process a core, restarted when its main process dies."""

    settings: Settings
    processes: int
    _service: ChildService | None = None
    _restarts: int = 0

    def keep_alive(self) -> None:
        """Start the worker, or start it again if it died.

        Raises:
            ServiceDown: it died again and again.
        """
        if self._service is not None and self._service.ended() is None:
            return
        if self._restarts > MAX_RESTARTS:
            words = self._service.last_words() if self._service else ""
            raise ServiceDown(f"The local worker keeps dying; the last it said: {words or 'nothing'}")
        self._restarts += 1
        self._service = start_worker(self.settings, self.processes)

    def stop(self) -> None:
        """Let the worker finish the pages it is at, and wait for it; a second Ctrl-C ends it at once."""
        if self._service is not None:
            self._service.stop()


def start_worker(settings: Settings, processes: int) -> ChildService:
    """Start `broadsheet worker` for these settings."""
    directory = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    # Nobody watches it; and where the broker has gone with the command, a last sign of life would wait for it for ever.
    options = ["--processes", str(processes), "--without-heartbeat"]
    command = [sys.executable, "-P", "-m", "orchestrator", "worker", *options]
    environ = dict(os.environ) | replace(settings, log_format="text").to_env()  # its last words are shown to people
    return ChildService(command, directory, settings.hard_limit_seconds, environ)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class Services:
    """The services a command works with; `worker` is None where a fleet does the work."""

    settings: Settings
    worker: LocalWorker | None

    def processes(self) -> int | None:
        """Return how many worker processes we started; None where a fleet does the work."""
        return None if self.worker is None else self.worker.processes

    def keep_alive(self) -> None:
        """See to it that what we started still runs."""
        if self.worker is not None:
            self.worker.keep_alive()


@contextmanager
def services(settings: Settings, processes: int | None) -> Iterator[Services]:
    """Yield the services that `settings` name, starting a broker and a worker where no broker is named."""
    if settings.broker_url:
        check_broker(settings.broker_url)
        yield Services(settings, None)
        return
    with ExitStack() as stack:
        local = replace(settings, broker_url=stack.enter_context(embedded_broker()))
        worker = LocalWorker(local, processes or cores())
        stack.callback(worker.stop)
        yield Services(local, worker)
