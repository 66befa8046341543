"""The task: load by id, call, store. Everything it calls can be read and tested without Celery."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from celery import Task, shared_task
from celery.exceptions import InvalidTaskError, SoftTimeLimitExceeded, TimeLimitExceeded
from celery.worker.request import Request

from workers import claims, logs, metrics
from workers.celery import PROCESS_PAGE
from workers.config import Settings
from workers.database import process_engine
from workers.processing import process

log = logging.getLogger(__name__)


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

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Report a page that ran into the hard time limit, whose child is killed next."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._report("time_limit", f"The page took longer than the limit of {timeout:.0f} s.")

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Report a page whose child process died: killed, out of memory, or crashed in native code."""
        if not isinstance(exc_info.exception, (TimeLimitExceeded, SoftTimeLimitExceeded)):
            self._report("worker_lost", f"The worker process died: {exc_info.exception}")
        return super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

    def _report(self, code: str, message: str) -> None:
        settings = Settings.from_env()
        (page_run_id,) = self.args
        engine = process_engine(settings)
        failure = claims.Failure(code, message, retry=True)
        state = claims.fail(engine, page_run_id, f"{self.id}:%", failure, settings.max_attempts)
        attempt, volume, page = claims.whereabouts(engine, page_run_id)
        with logs.about(page_run_id, attempt, volume, page):
            log.warning("%s Now %s.", message, state or "in other hands")
        if state is not None:
            metrics.attempt_ended(state, code)


class PageTask(Task):  # type: ignore[misc]  # Celery is untyped
    """A task whose requests are watched from the main process."""

    Request = PageRequest


@shared_task(name=PROCESS_PAGE, base=PageTask, bind=True)  # type: ignore[untyped-decorator]
def process_page(self: Task, page_run_id: int) -> None:
    """Claim one page run, analyse its page and record what was found."""
    settings = Settings.from_env()
    engine = process_engine(settings)
    worker = f"{socket.gethostname()}:{os.getpid()}"
    claim = claims.claim(engine, page_run_id, self.request.id, worker, settings.lease_seconds)
    if claim is not None:
        process(engine, claim, settings)
