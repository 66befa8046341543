"""Logs: a line of JSON for machines, plain text for people; page run, attempt and volume on every line about a page."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, Any

from workers.telemetry.secrets import masked

# What is being worked on, as every line of the JSON log names it; null where a line is about no page.
FIELDS = ("page_run", "attempt", "volume", "page")
# Celery says of each message what our own line says of its page; Alembic greets each connection.
TOO_TALKATIVE = ("celery.worker.strategy", "celery.app.trace", "alembic")
_subject: ContextVar[dict[str, Any] | None] = ContextVar("subject", default=None)


@contextmanager
def about(
    page_run: int, attempt: int | None = None, volume: str | None = None, page: str | None = None
) -> Iterator[None]:
    """Put these fields on every line that is logged in the block, by whatever library."""
    token = _subject.set({"page_run": page_run, "attempt": attempt, "volume": volume, "page": page})
    try:
        yield
    finally:
        _subject.reset(token)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with a stable set of keys; no password leaves it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": masked(record.getMessage()),
        }
        subject = _subject.get() or {}
        line |= {name: subject.get(name) for name in FIELDS}
        if record.exc_info:
            line["traceback"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level and message, with the page in front of what other code says about it; no password leaves it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(severity)-7s %(subject)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        subject = _subject.get()
        record.severity = record.levelname.lower()
        record.subject = f"page run {subject['page_run']}: " if subject else ""
        return masked(super().format(record))


class BestEffortHandler(logging.StreamHandler[IO[str]]):
    """A line that cannot be written (a full disk, a reader that has gone, a stream that is closed) is a line lost."""

    def handleError(self, record: logging.LogRecord) -> None:  # the name is the standard library's
        """Tell the stream what is wrong with the line, where it can still be told."""
        with contextlib.suppress(OSError, ValueError):
            super().handleError(record)


def configure(form: str, level: str, stream: IO[str] | None = None) -> None:
    """Send every log line of this process, and of its children, to one stream (standard error).

    `form` is "json", "text", or "" for text on a terminal and JSON everywhere else.
    """
    stream = stream or sys.stderr
    as_text = form == "text" or (not form and stream.isatty())
    handler = BestEffortHandler(stream)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TOO_TALKATIVE:
        logging.getLogger(name).setLevel(level.upper() if level == "debug" else logging.WARNING)
    logging.captureWarnings(True)
