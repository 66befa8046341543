"""Pages that somebody at the browser waits for: read at once, by a fleet, or by a worker of our own beside the server.

A thread feeds these page runs and no others. Where no broker is named it starts one and a worker, as `ingest` does,
and ends them when nobody has asked for a while. Where another feeder is at work the pages are its next ones, since
they are interactive.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from models import PageRun
from orchestrator.database import open_existing
from orchestrator.feeder.window import INTERACTIVE, Scope
from orchestrator.page_runs.decisions import UNFINISHED
from workers.config import Settings
from workers.errors import BroadsheetError

if TYPE_CHECKING:
    from orchestrator.feeder.feeder_lock import FeederLock

log = logging.getLogger(__name__)

KEPT_SECONDS = 300.0  # so long a worker of our own waits for the next page
POLL_SECONDS = 0.1
PROCESSES = 1  # somebody waits for one page; the machine may be busy with an ingest
MOST_TAKEN_UP = 1_000
PATIENCE_SECONDS = 5.0  # so long nobody is told that a page waits
OTHER_INGEST = "Another ingest feeds the workers of this machine; the page is read when it has ended."
NO_WORKER = "No worker is there to read it; start one with: broadsheet worker"


@dataclass(slots=True)
class Reading:
    """Feeds the page runs that are asked for; `trouble` is the sentence why it cannot, empty where it can."""

    settings: Settings
    trouble: str = ""
    _asked: set[int] = field(default_factory=set)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _went_on_at: float = 0.0

    def ask(self, page_run_ids: Sequence[int]) -> None:
        """Have page runs read that are ready in the database; returns at once."""
        with self._wake:
            if not self._asked:
                self._went_on_at = time.monotonic()
            self._asked.update(page_run_ids)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _run(self) -> None:
        """Feed until nobody has asked for a while; what could not be read stays ready in the database."""
        try:
            self.trouble = ""
            self._feed_all()
        except (BroadsheetError, SQLAlchemyError, OSError) as error:
            self.trouble = f"Pages are not read at the moment: {str(error).splitlines()[0]}"
            log.error("%s", self.trouble)
            with self._wake:
                self._asked.clear()

    def _feed_all(self) -> None:
        from orchestrator.feeder.broker import RedisBroker
        from orchestrator.feeder.feeder import Feeder, FeederLoop
        from orchestrator.feeder.feeder_lock import FeederLock
        from orchestrator.local.services import services
        from workers.celery import app_for

        engine = open_existing(self.settings.database_url, read_only=False)
        with services(self.settings, PROCESSES) as started, contextlib.closing(FeederLock(engine)) as lock:
            started.begin()
            feeder = Feeder(
                engine, RedisBroker(app_for(started.settings)), self.settings, processes=started.processes()
            )
            loop = FeederLoop(feeder, lock, log.warning, own_broker=started.worker is not None)
            self._take_up(engine)
            while self._wait_for_some(lock):
                unfinished = self._unfinished(engine)
                if unfinished:
                    started.keep_alive()
                    feeder.scope = Scope(page_runs=unfinished)
                    fed = loop.run_once()
                    self._tell(engine, fed, is_ours=started.worker is not None)
                    time.sleep(POLL_SECONDS)
        engine.dispose()

    def _take_up(self, engine: Engine) -> None:
        """Ask for what somebody asked for before, and the server ended before it was read."""
        left = select(PageRun.page_run_id).where(PageRun.state.in_(UNFINISHED), PageRun.priority == INTERACTIVE)
        with engine.connect() as connection, self._wake:
            self._asked.update(connection.scalars(left.limit(MOST_TAKEN_UP)))

    def _tell(self, engine: Engine, fed: bool, *, is_ours: bool) -> None:
        """Say why pages wait: nothing feeds our own worker, or a fleet has none."""
        from workers.process.registry import count_alive

        going_on = fed if is_ours else count_alive(engine)[0] > 0
        now = time.monotonic()
        self._went_on_at = now if going_on else self._went_on_at
        reason = OTHER_INGEST if is_ours else NO_WORKER
        self.trouble = reason if now - self._went_on_at > PATIENCE_SECONDS else ""

    def _wait_for_some(self, lock: FeederLock) -> bool:
        """Wait until a page is asked for; False when nobody has for a while. Meanwhile others may feed."""
        with self._wake:
            if not self._asked:
                self.trouble = ""
                lock.close()
                self._wake.wait(KEPT_SECONDS)
            if not self._asked:
                self._thread = None
            return bool(self._asked)

    def _unfinished(self, engine: Engine) -> tuple[int, ...]:
        """Return which of the asked ones are still to end, and forget the others."""
        with self._wake:
            asked = tuple(sorted(self._asked))
        waiting = select(PageRun.page_run_id).where(PageRun.page_run_id.in_(asked), PageRun.state.in_(UNFINISHED))
        with engine.connect() as connection:
            unfinished = tuple(sorted(connection.scalars(waiting)))
        with self._wake:
            self._asked -= set(asked) - set(unfinished)
        return unfinished
