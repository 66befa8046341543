"""The task: load by id, call, store. Everything it calls can be read and tested without Celery."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.worker.request import Request

from workers import claims
from workers.celery import PROCESS_PAGE
from workers.config import Settings
from workers.database import process_engine
from workers.processing import process

log = logging.getLogger(__name__)


class PageRequest(Request):  # type: ignore[misc]  # Celery is untyped
    """What the worker's main process does when a child is lost: it tells the database at once.

    Without this the page would wait until its lease runs out.
    """

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
        failure = claims.Failure(code, message, retry=True)
        state = claims.fail(process_engine(settings), page_run_id, f"{self.id}:%", failure, settings.max_attempts)
        log.warning("page run %s: %s Now %s.", page_run_id, message, state or "in other hands")


class PageTask(Task):  # type: ignore[misc]  # Celery is untyped
    """A task whose requests are watched from the main process."""

    Request = PageRequest


@shared_task(name=PROCESS_PAGE, base=PageTask, bind=True)  # type: ignore[untyped-decorator]
def process_page(self: Task, page_run_id: int) -> None:
    """Claim one page run, analyse its page and record what was found."""
    settings = Settings.from_env()
    engine = process_engine(settings)
    worker = f"{socket.gethostname()}:{os.getpid()}"
    claim = claims.claim(engine, int(page_run_id), self.request.id, worker, settings.lease_seconds)
    if claim is not None:
        process(engine, claim, settings)
