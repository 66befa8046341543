"""One ingest from beginning to end: find pages, store them, feed them, wait until all have ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from models.session import open_engine_read_only
from orchestrator.database import open_for_ingest
from orchestrator.discovery import SkippedFile, Volume, find_pages
from orchestrator.feeder import Feeder, Scope, forget_queue, give_back, settle_the_dead
from orchestrator.feeder_lock import FeederLock
from orchestrator.ingest import known_hashes, store_pages, store_pipeline, store_volume
from orchestrator.progress import Display
from orchestrator.services import Services, services
from orchestrator.summary import Summary, count_finished, count_page_runs, moment, summarise
from workers.celery import make_app
from workers.config import Settings
from workers.errors import ServiceDown
from workers.parameters import PipelineParameters, software_versions
from workers.sources.limits import Limits

BULK = 1
POLL_SECONDS = 0.2
# Counting is work for the database too: never spend more than this share of the time on it.
COUNTING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an ingest ended: the summary of its volumes, what it finished itself, and what it passed over."""

    summary: Summary
    finished_now: int
    skipped: int

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        return self.summary.to_dict() | {"finished_now": self.finished_now, "skipped": self.skipped}


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
    limits: Limits
    skipped: list[SkippedFile] = field(default_factory=list)
    volume_ids: list[int] = field(default_factory=list)
    found: int = 0
    _feeding: bool = False
    _broker_down: bool = False
    _count_at: float = 0.0
    _unfinished: int = 1

    def through(self, volumes: Sequence[Volume]) -> Outcome:
        """Take volumes from their first file to the last page run's end."""
        began = moment(self.engine)
        try:
            for volume in volumes:
                self.add(volume)
            self.wait()
        except KeyboardInterrupt:
            self.display.note("Stopping when the pages in work are finished; Ctrl-C again stops at once.")
            raise
        finished = count_finished(self.reader, self.volume_ids, self.pipeline_id, since=began)
        return Outcome(summarise(self.reader, self.volume_ids, self.pipeline_id), finished, len(self.skipped))

    def add(self, volume: Volume) -> None:
        """Find and store the pages of a volume; the workers begin while later pages are still being found."""
        volume_id = store_volume(self.engine, volume.source, str(volume.location), volume.kind)
        self.volume_ids.append(volume_id)
        self.feeder.scope = Scope(tuple(self.volume_ids))
        known = known_hashes(self.reader, volume_id)
        pages = find_pages(volume, self.limits, known, self.skipped.append)
        before = self.found
        for stored in store_pages(self.engine, volume_id, self.pipeline_id, self.priority, pages):
            self.found = before + stored.found
            self.display.found(self.found, discovering=True)
            self.tend()

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


def run_ingest(
    settings: Settings,
    volumes: Sequence[Volume],
    parameters: PipelineParameters,
    processes: int | None,
    display: Display,
) -> Outcome:
    """Ingest volumes to the end: every page done or quarantined.

    Raises:
        ServiceDown: a service that we need, or started ourselves, does not answer.
        KeyboardInterrupt: passed on after the workers have finished the pages they were at.
    """
    engine = open_for_ingest(settings.database_url)
    with contextlib.closing(FeederLock(engine)) as lock:
        try:
            with services(settings, processes) as started:
                run = _prepared(engine, settings, parameters, started, lock, display)
                return run.through(volumes)
        except BaseException:
            if lock.held and not settings.broker_url:
                # our workers are gone now; what they held and what was queued goes back uncounted
                give_back(engine)
                forget_queue(engine)
            raise


def _prepared(
    engine: Engine,
    settings: Settings,
    parameters: PipelineParameters,
    started: Services,
    lock: FeederLock,
    display: Display,
) -> Run:
    feeder = Feeder(engine, make_app(started.settings), settings, Scope(()), started.window())
    return Run(
        engine=engine,
        reader=open_engine_read_only(settings.database_url),
        services=started,
        feeder=feeder,
        lock=lock,
        display=display,
        pipeline_id=store_pipeline(engine, parameters, software_versions()),
        priority=BULK,
        limits=Limits(max_pixels=settings.max_pixels),
    )
