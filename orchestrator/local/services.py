"""What the command starts when nobody gave it an address: a broker and local workers, ended with the command."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.local.broker import EmbeddedBroker, check_broker, embedded_broker
from orchestrator.local.supervisor import ChildService
from workers.config import MAY_BEGIN, TEMPORARY_PREFIX, Settings
from workers.errors import ServiceDown

log = logging.getLogger(__name__)

# A worker that cannot be kept alive this often is broken, not unlucky.
MAX_RESTARTS = 5


@dataclass(slots=True)
class LocalWorker:
    """The worker of a machine without a fleet: one process a core, restarted when its main process dies."""

    settings: Settings
    processes: int
    _may_begin: bool = False
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
        log.info("a worker with %d processes is started", self.processes)
        self._service = start_worker(self.settings, self.processes)
        if self._may_begin:
            self.let_begin()

    def let_begin(self) -> None:
        """Let the worker, which has loaded its libraries meanwhile, turn to the broker and the database."""
        self._may_begin = True
        if self._service is not None:
            with contextlib.suppress(OSError):  # it has died, and its folder is gone: it is started again
                (self._service.directory / MAY_BEGIN).touch()

    def stop(self) -> None:
        """Let the worker finish the pages it is at, and wait for it; a second Ctrl-C ends it at once."""
        if self._service is not None:
            self._service.stop()

    def end(self) -> None:
        """End a worker that has nothing to do: Celery would take seconds to say good-bye to itself."""
        if self._service is not None:
            self._service.kill()


def start_worker(settings: Settings, processes: int) -> ChildService:
    """Start `broadsheet worker` for these settings."""
    directory = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    # Nobody watches it; and where the broker has gone with the command, a last sign of life would wait for it for ever.
    options = ["--processes", str(processes), "--without-heartbeat", "--started-from", str(directory)]
    command = [sys.executable, "-P", "-m", "orchestrator", "worker", *options]
    environ = dict(os.environ) | replace(settings, log_format="text").to_env()  # its last words are shown to people
    return ChildService(command, directory, settings.hard_limit_seconds, environ)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class Services:
    """The services a command works with; `broker` and `worker` are None where a fleet does the work."""

    settings: Settings
    broker: EmbeddedBroker | None = None
    worker: LocalWorker | None = None

    def processes(self) -> int | None:
        """Return how many worker processes we started; None where a fleet does the work."""
        return None if self.worker is None else self.worker.processes

    def begin(self) -> None:
        """Let what we started begin: the database is ready for it.

        Raises:
            ServiceDown: the broker does not come up.
        """
        if self.broker is not None and self.worker is not None:
            self.broker.wait_until_up()
            self.worker.let_begin()

    def keep_alive(self) -> None:
        """See to it that what we started still runs."""
        if self.worker is not None:
            self.worker.keep_alive()

    def stop(self) -> None:
        """Let the worker that we started finish the pages it is at, and wait for it."""
        if self.worker is not None:
            self.worker.stop()

    def end(self) -> None:
        """End the worker that we started: no page is in work."""
        if self.worker is not None:
            self.worker.end()


@contextmanager
def services(settings: Settings, processes: int | None) -> Iterator[Services]:
    """Yield the services that `settings` name, starting a broker and a worker where no broker is named.

    They load their libraries while the command loads its own; they touch nothing before `begin` is called.
    """
    if settings.broker_url:
        check_broker(settings.broker_url)
        yield Services(settings)
        return
    with embedded_broker() as broker:
        local = replace(settings, broker_url=broker.url)
        worker = LocalWorker(local, processes or cores())
        try:
            worker.keep_alive()
            yield Services(local, broker, worker)
        finally:
            worker.end()
