"""The workers that are alive, in SQL: the feeder's window follows their processes, and `status` counts them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from celery import bootsteps
from sqlalchemy import ColumnElement, Engine, delete, insert, select, update
from sqlalchemy.exc import OperationalError

from models import Worker, database_now
from workers.config import Settings
from workers.lease.claims import this_process
from workers.lease.database import does_not_answer, short_lived_engine
from workers.telemetry.machine_memory import read_machine_memory

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
# Two beats may be missed: the main process stands still while it waits for a broker.
ALIVE_SECONDS = 30.0
FORGET_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with workers; its memory in KiB, None where it cannot be told."""

    host: str
    processes: int
    memory_total_kib: int | None
    memory_available_kib: int | None


def is_alive() -> ColumnElement[bool]:
    """Return the condition on `worker` that it was heard of lately."""
    return Worker.seen_at > database_now(-ALIVE_SECONDS)


def report(engine: Engine, name: str, processes: int) -> None:
    """Say that a worker is alive, and how much memory its machine has."""
    memory = read_machine_memory()
    known = {
        "processes": processes,
        "memory_total_kib": memory and memory.total_kib,
        "memory_available_kib": memory and memory.available_kib,
    }
    with engine.begin() as connection:
        seen = connection.execute(update(Worker).where(Worker.name == name).values(seen_at=database_now(), **known))
        if not seen.rowcount:
            connection.execute(insert(Worker).values(name=name, **known))


def leave(engine: Engine, name: str) -> None:
    """Take a worker that stops off the list."""
    with engine.begin() as connection:
        connection.execute(delete(Worker).where(Worker.name == name))


def prune_stalled(engine: Engine) -> None:
    """Take workers off the list that were not heard of for a long time."""
    with engine.begin() as connection:
        connection.execute(delete(Worker).where(Worker.seen_at < database_now(-FORGET_SECONDS)))


def alive(engine: Engine) -> list[tuple[str, int]]:
    """Return the name and the number of processes of each worker that is alive."""
    with engine.connect() as connection:
        return [
            (row.name, row.processes)
            for row in connection.execute(select(Worker.name, Worker.processes).where(is_alive()))
        ]


def machines(engine: Engine) -> list[Machine]:
    """Return the machines with workers that are alive, by name: those of a host are one, with its newest figures."""
    latest = select(Worker).where(is_alive()).order_by(Worker.seen_at)
    found: dict[str, Machine] = {}
    with engine.connect() as connection:
        for row in connection.execute(latest):
            host = row.name.split(":")[0]  # then the namespace and number of the process
            before = found[host].processes if host in found else 0
            found[host] = Machine(host, before + row.processes, row.memory_total_kib, row.memory_available_kib)
    return [found[host] for host in sorted(found)]


def count_alive(engine: Engine) -> tuple[int, int]:
    """Return how many workers are alive, and how many processes they have together."""
    processes = [count for _, count in alive(engine)]
    return len(processes), sum(processes)


class Registry(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is untyped
    """Reports from the main process's event loop; a database that is away is no reason to stop."""

    requires = frozenset({"celery.worker.components:Timer", "celery.worker.components:Pool"})

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None
        self._processes = int(worker.concurrency)
        self._settings = Settings.from_env()

    def start(self, worker: Any) -> None:
        """Join the list, and report from now on."""
        self._report()
        self._timer = worker.timer.call_repeatedly(HEARTBEAT_SECONDS, self._report)

    def stop(self, worker: Any) -> None:
        """Leave the list."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            with short_lived_engine(self._settings) as engine:
                leave(engine, this_process())
        except OperationalError:
            log.warning("the database does not answer; this worker stays on the list for a while")

    def terminate(self, worker: Any) -> None:
        """Leave the list, when the worker gives its pages back, too."""
        self.stop(worker)

    def _report(self) -> None:
        try:
            with short_lived_engine(self._settings) as engine:
                report(engine, this_process(), self._processes)
        except OperationalError as error:
            log.warning(does_not_answer(error))
