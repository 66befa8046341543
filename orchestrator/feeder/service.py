"""The feeder as a service: every volume, until it is asked to stop."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from orchestrator.database import open_for_ingest
from orchestrator.feeder.broker import RedisBroker
from orchestrator.feeder.circuit_breaker import CircuitBreaker, failing_volumes
from orchestrator.feeder.feeder import Feeder, FeederLoop
from orchestrator.feeder.feeder_lock import FeederLock
from orchestrator.throttle import Throttle
from workers.celery import app_for
from workers.config import Settings
from workers.process.heartbeat import SECONDS as HEARTBEAT_SECONDS
from workers.process.heartbeat import beat

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
# Which volumes fail is counted over all of their pages: never more than this share of the time.
COUNTING_SHARE = 0.05
COUNT_SECONDS = 5.0


def feed_until_stopped(settings: Settings) -> None:
    """Feed until SIGTERM or SIGINT.

    Raises:
        UnreadableInput: the database has no schema yet.
        OperationalError: the database does not answer at the start.
    """
    engine = open_for_ingest(settings.database_url)
    with contextlib.closing(FeederLock(engine)) as lock, _asked_to_stop() as stopped:
        feeder = Feeder(engine, RedisBroker(app_for(settings)), settings)
        loop = FeederLoop(feeder, lock, log.warning)
        watch = FailureWatch(engine, CircuitBreaker(settings.max_failure_rate))
        beaten_at = float("-inf")
        log.info("feeding when it is our turn")
        while not stopped.wait(POLL_SECONDS):
            if loop.run_once():
                feeder.scope = replace(feeder.scope, held=watch.held())
            if time.monotonic() - beaten_at > HEARTBEAT_SECONDS:
                beat(settings.heartbeat_file)
                beaten_at = time.monotonic()
    log.info("stopped; what is queued goes on")


@dataclass(slots=True)
class FailureWatch:
    """Holds volumes back whose pages fail too often, and says so once for each."""

    engine: Engine
    breaker: CircuitBreaker
    _held: tuple[int, ...] = field(default=(), init=False)
    _throttle: Throttle = field(default_factory=lambda: Throttle(COUNTING_SHARE, COUNT_SECONDS), init=False)

    def held(self) -> tuple[int, ...]:
        """Return the volumes that are not to be fed."""
        if not self._throttle.is_due():
            return self._held
        try:
            with self._throttle.timed():
                failing = failing_volumes(self.engine, self.breaker)
        except OperationalError:
            return self._held  # the loop says that the database is away
        for volume in failing:
            if volume.volume_id not in self._held:
                log.error("%s: %s", volume.source, self.breaker.message(volume.ended, volume.quarantined))
        self._held = tuple(volume.volume_id for volume in failing)
        return self._held


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Yield an event that is set by SIGTERM and SIGINT."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
