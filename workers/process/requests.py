"""What the worker's main process does with a message: refuse what is not ours, and report a child that died."""

from __future__ import annotations

import logging
import re
import resource
from functools import cache
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.exceptions import InvalidTaskError
from celery.worker.request import Request
from kombu.transport import virtual
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from workers.config import Settings
from workers.lease import claims
from workers.lease.claims import BegunBy, Failure
from workers.lease.database import short_lived_engine
from workers.telemetry import logs, metrics
from workers.telemetry.crash_recorder import CrashReport, recorders
from workers.telemetry.timing import RSS_UNITS_PER_KIB

log = logging.getLogger(__name__)


@cache
def our_settings() -> Settings:
    """Return the settings of this worker: read once, since its environment does not change."""
    return Settings.from_env()


class PageRequest(Request):  # type: ignore[misc]  # Celery is untyped
    """What the worker's main process does with a message: it looks at it before a child does, and after.

    A message that carries anything but one number is dropped. When a child is lost, the database is told at once;
    without this the page would wait until its lease runs out.
    """

    def __init__(self, message: Any, **options: Any) -> None:
        try:
            super().__init__(message, **options)
        except (KeyError, TypeError, ValueError) as error:  # no task message at all
            raise InvalidTaskError(f"The message is not one of ours: {type(error).__name__}") from error
        if len(self.args) != 1 or type(self.args[0]) is not int or self.kwargs:
            raise InvalidTaskError("The task takes the number of a page run and nothing else.")
        self.time_limits = (None, None)  # ours, whatever limits the message asks for
        self._reaped_peak_kib = 0

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        """Note what the dead needed so far: should this child die, a higher figure is its own."""
        self._reaped_peak_kib = _peak_of_the_dead_kib()
        super().on_accepted(pid, time_accepted)

    def acknowledge(self) -> None:
        """Acknowledge the message, and give its place among the unacknowledged back even if the broker was not heard.

        Celery only logs such a failure and kombu goes on counting the message: after as many failures as a worker
        has processes, it would never ask for another one. The broker still holds the message and delivers it again;
        the claim turns it away.
        """
        super().acknowledge()
        if not self.message.acknowledged:
            virtual.QoS.ack(self.message.channel.qos, self.message.delivery_tag)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Report a page that ran into the hard time limit, whose child is killed next."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._report("time_limit", f"The page took longer than the limit of {timeout:.0f} s", None)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Report a page whose child process died: killed, out of memory, or crashed in native code."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard wraps it together with its traceback
        if isinstance(error, WorkerLostError):
            self._report("worker_lost", "The worker process died", signal_in(str(error)))
        return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """Give the page run back, uncounted, before its child is stopped: the worker is asked to end."""
        try:
            with short_lived_engine(our_settings()) as engine:
                released = claims.release(engine, [(self.args[0], BegunBy(self.id))])
        except OperationalError as error:
            log.warning("page run %s stays in our hands until its lease ends: %s", self.args[0], error.orig)
        else:
            log.info("page run %s: %s", self.args[0], "given back" if released else "was not begun or has ended")
        super().cancel(pool, signal=signal, emit_retry=emit_retry)

    def _report(self, code: str, message: str, signal: int | None) -> None:
        (page_run_id,) = self.args
        remains = recorders.remains_of(self.worker_pid, page_run_id)
        reaped = _peak_of_the_dead_kib()
        if reaped > max(self._reaped_peak_kib, remains.peak_rss_kib or 0):
            remains = CrashReport(remains.stage, reaped, remains.log, remains.traceback)
        try:
            with short_lived_engine(our_settings()) as engine:
                report_death(engine, page_run_id, self.id, death(code, message, signal, remains))
        except OperationalError as error:
            # The main process must not stand still; the sweep finds the page when its lease has run out.
            log.error("page run %s: %s, and the database does not answer: %s", page_run_id, message, error.orig)


def death(code: str, message: str, signal: int | None, remains: CrashReport) -> Failure:
    """Return the failure of an attempt whose process is gone, with what is known of its end."""
    known = [
        message,
        f"by signal {signal}" if signal else "",
        f"in stage {remains.stage}" if remains.stage else "",
        f"with a peak of {remains.peak_rss_kib // 1024} MiB" if remains.peak_rss_kib else "",
    ]
    return Failure(
        code,
        " ".join(filter(None, known)).rstrip(".") + ".",
        retry=True,
        stage=remains.stage,
        traceback=remains.traceback,
        peak_rss_kib=remains.peak_rss_kib,
        signal=signal,
        log=remains.log,
    )


def signal_in(message: str) -> int | None:
    """Return the number of the signal that billiard names in its message about a lost process."""
    found = re.search(r"signal (\d+)", message)
    return int(found[1]) if found else None


def report_death(engine: Engine, page_run_id: int, message_id: str, failure: Failure) -> None:
    """Store that the attempt which this message began has lost its process."""
    settings = our_settings()
    state = claims.fail(engine, page_run_id, BegunBy(message_id), failure, settings.max_attempts)
    attempt, volume, page = claims.describe_page_run(engine, page_run_id)
    with logs.about(page_run_id, attempt, volume, page):
        log.warning("%s Now %s.", failure.message, state or "in other hands")
    if state is not None:
        metrics.attempt_ended(state, failure.code)


def _peak_of_the_dead_kib() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // RSS_UNITS_PER_KIB
