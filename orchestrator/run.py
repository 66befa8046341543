"""One ingest from beginning to end: find pages, store them, feed them, wait until all have ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from models import PageRunState
from models.session import open_engine_read_only
from orchestrator.database import open_for_ingest
from orchestrator.feeding.aftermath import forget_queue, give_back
from orchestrator.feeding.brake import Brake
from orchestrator.feeding.doorbell import RedisDoorbell
from orchestrator.feeding.feeder import Feeder, Shift
from orchestrator.feeding.feeder_lock import FeederLock
from orchestrator.feeding.window import BULK, IN_FLIGHT, INTERACTIVE, Scope
from orchestrator.finding.discovery import SkippedFile, Volume, find_pages
from orchestrator.ingest import known_hashes, store_pages, store_pipeline, store_volume
from orchestrator.local.services import Services, services
from orchestrator.progress import Display
from orchestrator.summary import Counts, Summary, count_finished, count_page_runs, moment, summarise
from workers.celery import make_app
from workers.config import Settings
from workers.parameters import PipelineParameters, versions_for
from workers.sources.limits import Limits

POLL_SECONDS = 0.2
# Counting is work for the database too: never spend more than this share of the time on it.
COUNTING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an ingest ended: the summary of its volumes, what it finished itself, and what it passed over.

    `stopped` is the reason when it stopped feeding before all pages had ended.
    """

    summary: Summary
    finished_now: int
    skipped: int
    stopped: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        extra = {"finished_now": self.finished_now, "skipped": self.skipped, "stopped": self.stopped}
        return self.summary.to_dict() | extra


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the user wants the run: how many local processes, whether to wait for the end, before others or not."""

    processes: int | None = None
    wait: bool = True
    interactive: bool = False


@dataclass(slots=True)
class Run:
    """What one `broadsheet ingest` works on; `add` its volumes, then `wait`."""

    engine: Engine
    reader: Engine
    services: Services
    shift: Shift
    brake: Brake
    display: Display
    pipeline_id: int
    priority: int
    limits: Limits
    skipped: list[SkippedFile] = field(default_factory=list)
    volume_ids: list[int] = field(default_factory=list)
    found: int = 0
    stopped: str | None = None
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
        summary = summarise(self.reader, self.volume_ids, self.pipeline_id)
        return Outcome(summary, finished, len(self.skipped), self.stopped)

    def add(self, volume: Volume) -> None:
        """Find and store the pages of a volume; the workers begin while later pages are still being found."""
        volume_id = store_volume(self.engine, volume.source, str(volume.location), volume.kind)
        self.volume_ids.append(volume_id)
        self.shift.feeder.scope = Scope(tuple(self.volume_ids))
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
        """Do one round of what needs doing; returns how many page runs are still to end in this run."""
        self.services.keep_alive()
        if self.stopped is None:
            self.shift.round()
        try:
            return self._count()
        except OperationalError:
            if self.engine.dialect.name == "sqlite":
                raise
            time.sleep(1)  # the feeder says that the database is away
            return self._unfinished

    def _count(self) -> int:
        now = time.monotonic()
        if now < self._count_at:
            return self._unfinished
        counts = count_page_runs(self.reader, self.volume_ids, self.pipeline_id)
        self.display.counted(counts)
        self._mind_failures(counts)
        self._count_at = now + (time.monotonic() - now) / COUNTING_SHARE
        self._unfinished = counts.unfinished if self.stopped is None else counts.of(*IN_FLIGHT)
        return self._unfinished

    def _mind_failures(self, counts: Counts) -> None:
        quarantined = counts.of(PageRunState.QUARANTINED)
        ended = quarantined + counts.of(PageRunState.DONE)
        if self.stopped is None and counts.of(PageRunState.READY) and self.brake.stops(ended, quarantined):
            self.stopped = self.brake.sentence(ended, quarantined)
            self.display.note(self.stopped)


def run_ingest(
    settings: Settings, volumes: Sequence[Volume], parameters: PipelineParameters, wishes: Wishes, display: Display
) -> Outcome:
    """Ingest volumes to the end: every page done or quarantined.

    Raises:
        ServiceDown: a service that we need, or started ourselves, does not answer.
        KeyboardInterrupt: passed on after the workers have finished the pages they were at.
    """
    engine = open_for_ingest(settings.database_url)
    with contextlib.closing(FeederLock(engine)) as lock:
        try:
            with services(settings, wishes.processes) as started:
                run = _prepared(engine, settings, parameters, started, lock, wishes, display)
                return run.through(volumes)
        except BaseException:
            if lock.held and not settings.broker_url:
                # our workers are gone now; what they held and what was queued goes back uncounted
                give_back(engine)
                forget_queue(engine)
            raise


def store_only(
    settings: Settings, volumes: Sequence[Volume], parameters: PipelineParameters, wishes: Wishes, display: Display
) -> Outcome:
    """Find and store the pages of volumes; a feeder, or a later ingest, sees to the rest."""
    engine = open_for_ingest(settings.database_url)
    reader = open_engine_read_only(settings.database_url)
    pipeline_id = store_pipeline(engine, parameters, versions_for(parameters))
    limits = Limits(max_pixels=settings.max_pixels)
    skipped: list[SkippedFile] = []
    volume_ids: list[int] = []
    found = 0
    for volume in volumes:
        volume_id = store_volume(engine, volume.source, str(volume.location), volume.kind)
        volume_ids.append(volume_id)
        pages = find_pages(volume, limits, known_hashes(reader, volume_id), skipped.append)
        before = found
        for stored in store_pages(engine, volume_id, pipeline_id, _priority(wishes), pages):
            found = before + stored.found
            display.found(found, discovering=True)
    display.found(found, discovering=False)
    engine.dispose()
    return Outcome(summarise(reader, volume_ids, pipeline_id), 0, len(skipped))


def _priority(wishes: Wishes) -> int:
    return INTERACTIVE if wishes.interactive else BULK


def _prepared(
    engine: Engine,
    settings: Settings,
    parameters: PipelineParameters,
    started: Services,
    lock: FeederLock,
    wishes: Wishes,
    display: Display,
) -> Run:
    doorbell = RedisDoorbell(make_app(started.settings))
    feeder = Feeder(engine, doorbell, settings, Scope(()), started.processes())
    return Run(
        engine=engine,
        reader=open_engine_read_only(settings.database_url),
        services=started,
        shift=Shift(feeder, lock, display.note, own_broker=started.worker is not None),
        brake=Brake(settings.max_failure_rate),
        display=display,
        pipeline_id=store_pipeline(engine, parameters, versions_for(parameters)),
        priority=_priority(wishes),
        limits=Limits(max_pixels=settings.max_pixels),
    )
