"""The task: load by id, call, store. Everything it calls can be read and tested without Celery."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Task, shared_task

from workers.config import Settings
from workers.lease import claims
from workers.lease.database import process_engine, retry_while_down
from workers.lease.processing import Steps, claim_and_process
from workers.messages import PROCESS_PAGE, Queue
from workers.process import isolation
from workers.process.requests import PageRequest, death, our_settings, report_death

log = logging.getLogger(__name__)

# How long a suspect waits when another one runs on this machine.
POSTPONE_SECONDS = 1.0


class PageTask(Task):  # type: ignore[misc]  # Celery is untyped
    """A task whose requests are watched from the main process; its work and its way to be alone can be replaced."""

    Request = PageRequest
    steps = Steps()
    isolated_command = isolation.COMMAND


@shared_task(name=PROCESS_PAGE, base=PageTask, bind=True)  # type: ignore[untyped-decorator]
def process_page(self: Task, page_run_id: int) -> None:
    """Claim one page run, analyse its page and record what was found."""
    settings = our_settings()
    try:
        if self.request.delivery_info.get("routing_key") == Queue.ALONE:
            process_isolated(page_run_id, self.request.id, settings, self.isolated_command)
        else:
            claim_and_process(page_run_id, self.request.id, settings, self.steps)
    except MemoryError:
        # One that left the task would end the worker's main process. The lease, or the feeder, sees to the page.
        log.exception("page run %s: out of memory outside of the analysis", page_run_id)


def process_isolated(
    page_run_id: int, message_id: str, settings: Settings, command: Sequence[str] = isolation.COMMAND
) -> None:
    """Let a suspect run in a fresh process, alone on this machine, and report how it died if it did."""
    engine, patience, worker = process_engine(settings), settings.database_patience_seconds, claims.this_process()
    with isolation.isolation_slot() as free:
        if not free:
            return retry_while_down(lambda: claims.postpone(engine, page_run_id, POSTPONE_SECONDS), patience)
        # Claimed here, so that an attempt is counted even if the fresh process dies before it has begun.
        if retry_while_down(
            lambda: claims.claim(engine, page_run_id, message_id, worker, settings.lease_seconds), patience
        ):
            _report_end(
                isolation.run_isolated(page_run_id, message_id, worker, command), page_run_id, message_id, settings
            )


def _report_end(end: isolation.End, page_run_id: int, message_id: str, settings: Settings) -> None:
    if end.exit_code == 0:
        return
    if end.timed_out:
        limit = settings.soft_limit_seconds
        failure = death("time_limit", f"Alone, the page took longer than the limit of {limit} s", None, end.remains)
    else:
        signal = -end.exit_code if end.exit_code < 0 else None
        failure = death("worker_lost", "Alone, its process died", signal, end.remains)
    engine = process_engine(settings)
    retry_while_down(lambda: report_death(engine, page_run_id, message_id, failure), settings.database_patience_seconds)
