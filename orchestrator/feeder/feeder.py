"""Keeps a bounded window of page runs in the queue and returns what was lost on the way.

The database is the queue of record. The feeder commits `ready -> queued` first and sends the messages after; a
message that never arrives is found by the sweep, one that arrives twice is stopped by the claim.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from orchestrator.feeder.broker import Broker
from orchestrator.feeder.feeder_lock import FeederLock
from orchestrator.feeder.recovery import fail_lost_attempts, forget_dead_workers, requeue_all
from orchestrator.feeder.window import Scope, put_back, queued_before, take, window_for
from workers.config import Settings
from workers.errors import ServiceDown
from workers.lease import claims
from workers.lease.database import does_not_answer
from workers.process import registry

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
WAIT_SECONDS = 1.0
# A worker asks for a message when a child is free, and claims at once. What is in no queue after so long, and not
# claimed, was lost.
UNHEARD_SECONDS = 5.0


@dataclass(slots=True)
class Feeder:
    """Feeds one scope; call `step` again and again. `processes` None: as many as the workers in SQL have."""

    engine: Engine
    broker: Broker
    settings: Settings
    scope: Scope = field(default_factory=Scope)
    processes: int | None = None
    window: int = field(default=0, init=False)
    _workers: int = field(default=1, init=False)
    _swept_at: float = field(default=float("-inf"), init=False)

    def step(self) -> int:
        """Sweep when it is time, fill the window, send; returns how many messages were sent.

        Raises:
            ServiceDown: the broker does not take messages; what was chosen is ready again.
            OperationalError: the database does not answer; what was chosen is found by a later sweep.
        """
        if time.monotonic() - self._swept_at >= SWEEP_SECONDS:
            self._sweep()
            self._swept_at = time.monotonic()
        chosen = take(self.engine, self.window, self.scope, self._workers)
        if chosen:
            try:
                self.broker.publish(chosen)
            except ServiceDown:
                put_back(self.engine, [number for number, _ in chosen])
                raise
        return len(chosen)

    def _sweep(self) -> None:
        self._measure()
        claims.sweep(self.engine, self.settings.max_attempts)
        registry.prune_stalled(self.engine)
        lost = self._unheard()
        if lost and (count := put_back(self.engine, lost)):
            log.warning("the broker has lost %s messages; they are sent again", count)

    def _measure(self) -> None:
        workers, processes = registry.count_alive(self.engine)
        self._workers = max(workers, 1)
        self.window = window_for(self.settings, processes if self.processes is None else self.processes)

    def _unheard(self) -> set[int]:
        """Return the page runs that are queued in SQL and nowhere in the broker."""
        queued = queued_before(self.engine, UNHEARD_SECONDS)
        # Counting is cheap for the broker, and nearly always enough.
        if not queued or self.broker.queue_length() >= len(queued):
            return set()
        return queued - self.broker.queued_ids()


@dataclass(slots=True)
class FeederLoop:
    """The work of a feeder while it is the one that feeds, through restarts of the broker and of the database.

    With an `own_broker`, which nobody else uses and nobody restarts, a broker that is down is the end.
    """

    feeder: Feeder
    lock: FeederLock
    note: Callable[[str], None]
    own_broker: bool = False
    _on_duty: bool = field(default=False, init=False)
    _waiting_for: str = field(default="", init=False)

    def run_once(self) -> bool:
        """Feed once, when it is our turn; True if it was, and nothing was in the way.

        Raises:
            ServiceDown: our own broker has died.
            OperationalError: the file of a SQLite database cannot be used.
        """
        try:
            fed = self._feed()
        except ServiceDown as error:
            if self.own_broker:
                raise
            self._wait("broker", str(error))
        except OperationalError as error:
            if self.feeder.engine.dialect.name == "sqlite":
                raise
            self.lock.close()
            self._on_duty = False
            self._wait("database", does_not_answer(error))
        else:
            if self._waiting_for:
                self.note(f"The {self._waiting_for} is back.")
            self._waiting_for = ""
            return fed
        return False

    def _feed(self) -> bool:
        if not self.lock.acquire():
            self._on_duty = False
            return False  # another feeder is at work; should it end, we go on from there
        if not self._on_duty:
            fail_lost_attempts(self.feeder.engine, self.feeder.settings)
            forget_dead_workers(self.feeder.engine)
            if self.own_broker:
                requeue_all(self.feeder.engine)  # it is new and empty
            self._on_duty = True
        self.feeder.step()
        return True

    def _wait(self, service: str, sentence: str) -> None:
        if self._waiting_for != service:
            self.note(f"{sentence.rstrip('.')}. Waiting for it; nothing is lost.")
        self._waiting_for = service
        time.sleep(WAIT_SECONDS)
