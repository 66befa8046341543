"""One ingest from beginning to end: find pages, store them, feed them, wait until all have ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from orchestrator.discovery import FoundPage, Volume
from orchestrator.feeder import Feeder, Scope, forget_queue, give_back, settle_the_dead
from orchestrator.feeder_lock import FeederLock
from orchestrator.ingest import Stored, store_pages, store_volume
from orchestrator.progress import Display
from orchestrator.services import Services
from orchestrator.summary import count_page_runs
from workers.errors import ServiceDown

POLL_SECONDS = 0.2
# Counting is work for the database too: never spend more than this share of the time on it.
COUNTING_SHARE = 0.05


@dataclass(slots=True)
class Run:
    """What one `broadsheet ingest` works on; `add` its volumes, then `wait`."""

    engine: Engine
    reader: Engine
    services: Services
    feeder: Feeder
    lock: FeederLock
    display: Display
    pipeline_id: int
    priority: int
    volume_ids: list[int] = field(default_factory=list)
    found: int = 0
    _feeding: bool = False
    _broker_down: bool = False
    _count_at: float = 0.0
    _unfinished: int = 1

    def add(self, volume: Volume, pages: Iterable[FoundPage]) -> Stored:
        """Store a volume and its pages; the workers begin while later pages are still being found."""
        volume_id = store_volume(self.engine, volume.source, str(volume.location), volume.kind)
        self.volume_ids.append(volume_id)
        self.feeder.scope = Scope(tuple(self.volume_ids))
        stored, before = Stored(), self.found
        for stored in store_pages(self.engine, volume_id, self.pipeline_id, self.priority, pages):
            self.found = before + stored.found
            self.display.found(self.found, discovering=True)
            self.tend()
        return stored

    def wait(self) -> None:
        """Feed and watch until every page run of the volumes has ended."""
        self.display.found(self.found, discovering=False)
        self._count_at = 0.0
        while self.tend():
            time.sleep(POLL_SECONDS)

    def tend(self) -> int:
        """Do one round of what needs doing; returns how many page runs are unfinished."""
        self.services.keep_alive()
        self._feed()
        return self._count()

    def _feed(self) -> None:
        if not self.lock.acquire():
            return  # another feeder is at work; should it end, we go on from there
        if not self._feeding:
            self._feeding = True
            settle_the_dead(self.engine, self.feeder.settings)
            if self.services.worker is not None:
                forget_queue(self.engine)  # our broker is new and empty
        try:
            self.feeder.step()
            self._broker_down = False
        except ServiceDown as error:
            if self.services.worker is not None:
                raise  # our own broker died: nothing here will bring it back
            if not self._broker_down:
                self.display.note(f"{error} Waiting for it; nothing is lost.")
            self._broker_down = True
            time.sleep(1)

    def _count(self) -> int:
        now = time.monotonic()
        if now < self._count_at:
            return self._unfinished
        counts = count_page_runs(self.reader, self.volume_ids, self.pipeline_id)
        self.display.counted(counts)
        self._count_at = now + (time.monotonic() - now) / COUNTING_SHARE
        self._unfinished = counts.unfinished
        return self._unfinished

    def give_back(self) -> None:
        """After an interruption, with our workers gone: put what they held and what was queued back."""
        if self._feeding and self.services.worker is not None:
            give_back(self.engine)
            forget_queue(self.engine)
