"""One ingest from beginning to end: find pages, store them, feed them, wait until all have ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select
from sqlalchemy.exc import OperationalError

from models import Page, PageRun, PageRunState
from models.session import open_engine_read_only
from orchestrator.database import open_for_ingest
from orchestrator.discovery.discovery import SkippedFile, Volume
from orchestrator.feeder.broker import RedisBroker
from orchestrator.feeder.circuit_breaker import CircuitBreaker
from orchestrator.feeder.feeder import Feeder, FeederLoop
from orchestrator.feeder.feeder_lock import FeederLock
from orchestrator.feeder.host_waits import held_hosts, host_sentence
from orchestrator.feeder.recovery import forget_dead_workers, release_lost_claims, requeue_all
from orchestrator.feeder.window import BULK, IN_FLIGHT, INTERACTIVE, Scope
from orchestrator.ingest.earlier_results import OlderVersions, older_versions
from orchestrator.ingest.options import IngestOptions
from orchestrator.ingest.progress import Display
from orchestrator.ingest.rows import store_pipeline
from orchestrator.ingest.summary import Counts, Summary, count_finished, count_page_runs, moment, summarise
from orchestrator.ingest.volumes import VolumeIngester
from orchestrator.local.services import Services
from orchestrator.metadata.patterns import path_pattern
from orchestrator.page_runs.waiting import waited_for
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
    stale: int = 0
    changed_stages: tuple[str, ...] = ()
    taken_over: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome for `--json`."""
        extra = {"finished_now": self.finished_now, "skipped": len(self.skipped), "stopped": self.stopped}
        kept = {"kept": self.kept, "stale": self.stale, "taken_over": self.taken_over}
        return self.summary.to_dict() | extra | kept


@dataclass(slots=True)
class IngestRun:
    """What one `broadsheet ingest` works on; `add` its volumes, then `wait`."""

    ingester: VolumeIngester
    services: Services
    feeding: FeederLoop
    breaker: CircuitBreaker
    stopped: str | None = None
    _throttle: Throttle = field(default_factory=lambda: Throttle(COUNTING_SHARE))
    _unfinished: int = 1
    _told: set[str] = field(default_factory=set)
    _held: frozenset[str] = frozenset()

    def run(self, volumes: Sequence[Volume]) -> Outcome:
        """Take volumes from their first file to the last page run's end."""
        began = moment(self.ingester.engine)
        try:
            for volume in volumes:
                self.add(volume)
            self.wait()
        except KeyboardInterrupt:
            self.ingester.display.note("Stopping when the pages in work are finished; Ctrl-C again stops at once.")
            raise
        return self.ingester.retry_while_down(lambda: self._outcome(began))

    def _outcome(self, began: datetime) -> Outcome:
        ingester = self.ingester
        finished = count_finished(ingester.reader, ingester.volume_ids, ingester.pipeline_ids, since=began)
        return _outcome_of(ingester, finished, self.stopped)

    def add(self, volume: Volume) -> None:
        """Find and store the pages of a volume; the workers begin while later pages are still being found."""
        self.ingester.add(volume, self._feed)

    def _feed(self) -> None:
        self.feeding.feeder.scope = Scope(tuple(self.ingester.volume_ids))
        self.poll()

    def wait(self) -> None:
        """Feed and watch until every page run of the volumes has ended."""
        self.ingester.display.show_found(self.ingester.found, discovering=False)
        self._throttle.expire()
        began = time.monotonic()
        while self.poll():
            # A short run is looked after often: its user waits for the end of one page.
            time.sleep(min(POLL_SECONDS, POLL_SHARE * (time.monotonic() - began) + LEAST_POLL_SECONDS))

    def poll(self) -> int:
        """Do one round of what needs doing; returns how many page runs are still to end in this run."""
        self.services.keep_alive()
        if self.stopped is None:
            self.feeding.run_once()
        try:
            return self._count()
        except OperationalError:
            if self.ingester.engine.dialect.name == "sqlite":
                raise
            time.sleep(1)  # the feeder says that the database is away
            return self._unfinished

    def _count(self) -> int:
        if not self._throttle.is_due():
            return self._unfinished
        with self._throttle.timed():
            counts = count_page_runs(self.ingester.reader, self.ingester.volume_ids, self.ingester.pipeline_ids)
        self.ingester.display.show_counts(counts)
        self._stop_when_too_many_fail(counts)
        if counts.of(PageRunState.READY):
            self._tell_what_is_waited_for()
            self._tell_of_held_hosts()
        self._unfinished = counts.unfinished if self.stopped is None else counts.of(*IN_FLIGHT)
        return self._unfinished

    def _tell_what_is_waited_for(self) -> None:
        def ours(runs: Select[Any]) -> Select[Any]:
            return runs.join(Page, Page.page_id == PageRun.page_id).where(Page.volume_id.in_(self.ingester.volume_ids))

        with self.ingester.reader.connect() as connection:
            waited = waited_for(connection, ours)
        for sentence in waited.keys() - self._told:
            self._told.add(sentence)
            self.ingester.display.note(f"{sentence} Its pages wait and are tried again; no attempt is counted.")

    def _tell_of_held_hosts(self) -> None:
        with self.ingester.reader.connect() as connection:
            held = held_hosts(connection)
        for wait in held:
            if wait.host not in self._held:
                self.ingester.display.note(f"{host_sentence(wait)}.")
        self._held = frozenset(wait.host for wait in held)

    def _stop_when_too_many_fail(self, counts: Counts) -> None:
        # what was not there to be read says nothing of how reading goes
        quarantined = counts.of(PageRunState.QUARANTINED) - self.ingester.missing
        ended = quarantined + counts.of(PageRunState.DONE)
        if self.stopped is None and counts.of(PageRunState.READY) and self.breaker.trips(ended, quarantined):
            self.stopped = self.breaker.message(ended, quarantined)
            self.ingester.display.note(self.stopped)


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
            outcome = _make_run(engine, settings, parameters, started, lock, options, display).run(volumes)
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
    ingester = _ingester(engine, settings, parameters, options, display)
    for volume in volumes:
        ingester.add(volume, after_block=lambda: None)
    display.show_found(ingester.found, discovering=False)
    outcome = ingester.retry_while_down(lambda: _outcome_of(ingester))
    engine.dispose()
    return outcome


def _outcome_of(ingester: VolumeIngester, finished: int = 0, stopped: str | None = None) -> Outcome:
    return Outcome(
        summary=summarise(ingester.reader, ingester.volume_ids, ingester.pipeline_ids),
        finished_now=finished,
        skipped=tuple(ingester.skipped),
        stopped=stopped,
        kept=ingester.kept,
        stale=ingester.stale,
        changed_stages=tuple(sorted(ingester.older.stages)),
        taken_over=ingester.taken_over,
    )


def _ingester(
    engine: Engine, settings: Settings, parameters: PipelineParameters, options: IngestOptions, display: Display
) -> VolumeIngester:
    reader = open_engine_read_only(settings.database_url)
    pipeline_id = store_pipeline(engine, parameters, versions_for(parameters))
    older = OlderVersions()
    if options.refresh != "all":
        older = older_versions(engine, pipeline_id, refresh=options.refresh == "changed")
    priority = INTERACTIVE if options.interactive else BULK
    fields = path_pattern(options.fields) if options.fields else None
    return VolumeIngester(
        engine, reader, settings, display, pipeline_id, priority, older, fields, options.metadata, options.volume_name
    )


def _make_run(
    engine: Engine,
    settings: Settings,
    parameters: PipelineParameters,
    started: Services,
    lock: FeederLock,
    options: IngestOptions,
    display: Display,
) -> IngestRun:
    feeder = Feeder(engine, RedisBroker(app_for(started.settings)), settings, Scope(()), started.processes())
    return IngestRun(
        ingester=_ingester(engine, settings, parameters, options, display),
        services=started,
        feeding=FeederLoop(feeder, lock, display.note, own_broker=started.worker is not None),
        breaker=CircuitBreaker(settings.max_failure_rate),
    )
