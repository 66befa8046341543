"""One ingest from beginning to end: find pages, store them, feed them, wait until all have ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from models import PageRunState
from models.session import open_engine_read_only
from orchestrator.database import open_for_ingest
from orchestrator.discovery.discovery import SkippedFile, Volume
from orchestrator.feeder.broker import RedisBroker
from orchestrator.feeder.circuit_breaker import CircuitBreaker
from orchestrator.feeder.feeder import Feeder, FeederLoop
from orchestrator.feeder.feeder_lock import FeederLock
from orchestrator.feeder.recovery import forget_dead_workers, release_lost_claims, requeue_all
from orchestrator.feeder.window import BULK, IN_FLIGHT, INTERACTIVE, Scope
from orchestrator.ingest.earlier_results import older_versions
from orchestrator.ingest.options import IngestOptions
from orchestrator.ingest.progress import Display
from orchestrator.ingest.rows import store_pipeline
from orchestrator.ingest.summary import Counts, Summary, count_finished, count_page_runs, moment, summarise
from orchestrator.ingest.volumes import VolumeIngester
from orchestrator.local.services import Services
from orchestrator.metadata.patterns import path_pattern
from orchestrator.terminal.ctrl_c import uninterrupted
from orchestrator.throttle import Throttle
from workers.celery import app_for
from workers.config import Settings
from workers.parameters import PipelineParameters, versions_for

POLL_SECONDS = 0.2
LEAST_POLL_SECONDS = 0.02
POLL_SHARE = 0.02  # of the time that was waited so far
COUNTING_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an ingest ended: the summary of its volumes, what it finished itself, and what it passed over.

    `kept` pages have results of older versions of the software, `taken_over` those of the same bytes elsewhere.

    `stopped` is the reason when it stopped feeding before all pages had ended.
    """

    summary: Summary
    finished_now: int
    skipped: Sequence[SkippedFile]
    stopped: str | None = None
    kept: int = 0
    taken_over: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        extra = {"finished_now": self.finished_now, "skipped": len(self.skipped), "stopped": self.stopped}
        return self.summary.to_dict() | extra | {"kept": self.kept, "taken_over": self.taken_over}


@dataclass(slots=True)
class Run:
    """What one `broadsheet ingest` works on; `add` its volumes, then `wait`."""

    storing: VolumeIngester
    services: Services
    shift: FeederLoop
    breaker: CircuitBreaker
    stopped: str | None = None
    _throttle: Throttle = field(default_factory=lambda: Throttle(COUNTING_SHARE))
    _unfinished: int = 1

    def through(self, volumes: Sequence[Volume]) -> Outcome:
        """Take volumes from their first file to the last page run's end."""
        began = moment(self.storing.engine)
        try:
            for volume in volumes:
                self.add(volume)
            self.wait()
        except KeyboardInterrupt:
            self.storing.display.note("Stopping when the pages in work are finished; Ctrl-C again stops at once.")
            raise
        return self.storing.retry_while_down(lambda: self._outcome(began))

    def _outcome(self, began: datetime) -> Outcome:
        stored = self.storing
        finished = count_finished(stored.reader, stored.volume_ids, stored.pipeline_ids, since=began)
        summary = summarise(stored.reader, stored.volume_ids, stored.pipeline_ids)
        skipped = tuple(stored.skipped)
        return Outcome(summary, finished, skipped, self.stopped, kept=stored.kept, taken_over=stored.taken_over)

    def add(self, volume: Volume) -> None:
        """Find and store the pages of a volume; the workers begin while later pages are still being found."""
        self.storing.add(volume, self._feed)

    def _feed(self) -> None:
        self.shift.feeder.scope = Scope(tuple(self.storing.volume_ids))
        self.tend()

    def wait(self) -> None:
        """Feed and watch until every page run of the volumes has ended."""
        self.storing.display.show_found(self.storing.found, discovering=False)
        self._throttle.expire()
        began = time.monotonic()
        while self.tend():
            # A short run is looked after often: its user waits for the end of one page.
            time.sleep(min(POLL_SECONDS, POLL_SHARE * (time.monotonic() - began) + LEAST_POLL_SECONDS))

    def tend(self) -> int:
        """Do one round of what needs doing; returns how many page runs are still to end in this run."""
        self.services.keep_alive()
        if self.stopped is None:
            self.shift.round()
        try:
            return self._count()
        except OperationalError:
            if self.storing.engine.dialect.name == "sqlite":
                raise
            time.sleep(1)  # the feeder says that the database is away
            return self._unfinished

    def _count(self) -> int:
        if not self._throttle.is_due():
            return self._unfinished
        with self._throttle.timed():
            counts = count_page_runs(self.storing.reader, self.storing.volume_ids, self.storing.pipeline_ids)
        self.storing.display.show_counts(counts)
        self._mind_failures(counts)
        self._unfinished = counts.unfinished if self.stopped is None else counts.of(*IN_FLIGHT)
        return self._unfinished

    def _mind_failures(self, counts: Counts) -> None:
        quarantined = counts.of(PageRunState.QUARANTINED)
        ended = quarantined + counts.of(PageRunState.DONE)
        if self.stopped is None and counts.of(PageRunState.READY) and self.breaker.stops(ended, quarantined):
            self.stopped = self.breaker.sentence(ended, quarantined)
            self.storing.display.note(self.stopped)


def run_ingest(
    settings: Settings,
    volumes: Sequence[Volume],
    parameters: PipelineParameters,
    options: IngestOptions,
    display: Display,
    started: Services,
) -> Outcome:
    """Ingest volumes to the end: every page done or quarantined.

    Raises:
        ServiceDown: a service that we need, or started ourselves, does not answer.
        KeyboardInterrupt: passed on after the workers have finished the pages they were at.
    """
    engine = open_for_ingest(settings.database_url)
    with contextlib.closing(FeederLock(engine)) as lock:
        try:
            started.begin()
            outcome = _prepared(engine, settings, parameters, started, lock, options, display).through(volumes)
        except BaseException:
            try:
                started.stop()
            finally:
                if lock.held and not settings.broker_url:
                    # our workers are gone now; what they held and what was queued goes back uncounted
                    with uninterrupted():
                        release_lost_claims(engine)
                        requeue_all(engine)
            raise
        started.end()
        forget_dead_workers(engine)
        return outcome


def store_only(
    settings: Settings,
    volumes: Sequence[Volume],
    parameters: PipelineParameters,
    options: IngestOptions,
    display: Display,
) -> Outcome:
    """Find and store the pages of volumes; a feeder, or a later ingest, sees to the rest."""
    engine = open_for_ingest(settings.database_url)
    storing = _storing(engine, settings, parameters, options, display)
    for volume in volumes:
        storing.add(volume, after_block=lambda: None)
    display.show_found(storing.found, discovering=False)
    summary = storing.retry_while_down(lambda: summarise(storing.reader, storing.volume_ids, storing.pipeline_ids))
    engine.dispose()
    return Outcome(summary, 0, tuple(storing.skipped), kept=storing.kept, taken_over=storing.taken_over)


def _storing(
    engine: Engine, settings: Settings, parameters: PipelineParameters, options: IngestOptions, display: Display
) -> VolumeIngester:
    reader = open_engine_read_only(settings.database_url)
    pipeline_id = store_pipeline(engine, parameters, versions_for(parameters))
    older = () if options.refresh else older_versions(engine, pipeline_id)
    priority = INTERACTIVE if options.interactive else BULK
    fields = path_pattern(options.fields) if options.fields else None
    return VolumeIngester(engine, reader, settings, display, pipeline_id, priority, older, fields, options.metadata)


def _prepared(
    engine: Engine,
    settings: Settings,
    parameters: PipelineParameters,
    started: Services,
    lock: FeederLock,
    options: IngestOptions,
    display: Display,
) -> Run:
    feeder = Feeder(engine, RedisBroker(app_for(started.settings)), settings, Scope(()), started.processes())
    return Run(
        storing=_storing(engine, settings, parameters, options, display),
        services=started,
        shift=FeederLoop(feeder, lock, display.note, own_broker=started.worker is not None),
        breaker=CircuitBreaker(settings.max_failure_rate),
    )
