"""What a process was at when it died: page run, stage, memory and last log lines, in a file that outlives it.

A child of the pool writes it at each stage and log line; what is written to a file is there after a kill -9. The
worker's main process, which hears of the death, reads it. No page fails because the record cannot be written or read:
a full disk costs the record.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workers.telemetry.secrets import masked
from workers.telemetry.timing import peak_rss_kib

LAST_LINES = 20


@dataclass(frozen=True, slots=True)
class CrashReport:
    """What was found of a process; `traceback` is there when native code crashed."""

    stage: str | None = None
    peak_rss_kib: int | None = None
    log: str | None = None
    traceback: str | None = None


class FlightRecorder(logging.Handler):
    """The record of one process; as a logging handler it also keeps the last lines of the log."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._files = contextlib.ExitStack()
        self._record: int | None = None
        with contextlib.suppress(OSError):
            self._open(file)
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._page_run_id: int | None = None
        self._stage: str | None = None

    def _open(self, file: Path) -> None:
        self._record = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._files.callback(os.close, self._record)
        # A crash in native code leaves Python's stack here, the only hint at what was called.
        faulthandler.enable(self._files.enter_context(_trace_of(file).open("wb")))
        self._files.callback(faulthandler.disable)

    def begin(self, page_run_id: int) -> None:
        """Note that work on a page run begins; log lines of the page before are forgotten."""
        self._lines.clear()
        self._page_run_id, self._stage = page_run_id, None
        self._write()

    def enter(self, stage: str | None) -> None:
        """Note the stage that begins."""
        self._stage = stage
        if stage is not None:
            now = datetime.now().strftime("%H:%M:%S.%f")[:-3]
            self._lines.append(f"{now} {stage} begins, peak memory {peak_rss_kib() // 1024} MiB")
        self._write()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the log."""
        try:
            self._lines.append(masked(self.format(record)))
        except Exception:  # as in every handler of the standard library: a line that cannot be formatted
            self.handleError(record)
        self._write()

    def close(self) -> None:
        """Close the files; they stay."""
        self._record = None
        self._files.close()
        super().close()

    def _write(self) -> None:
        if self._record is None:
            return
        values = [self._page_run_id, self._stage, peak_rss_kib(), list(self._lines)]
        # One write over the old text; what is left of a longer one follows the newline and is not read.
        with contextlib.suppress(OSError):
            os.pwrite(self._record, json.dumps(values).encode() + b"\n", 0)


def read_remains(file: Path, page_run_id: int) -> CrashReport:
    """Return what the box in `file` tells of work on this page run; nothing when it is about another one."""
    try:
        box_page_run_id, stage, peak, lines = json.loads(file.read_bytes().partition(b"\n")[0])
    except (OSError, ValueError):  # it died before it had written anything, or could not
        return CrashReport()
    if box_page_run_id != page_run_id:
        return CrashReport()
    trace = ""
    with contextlib.suppress(OSError):
        trace = _trace_of(file).read_text(errors="replace")
    return CrashReport(stage, peak, "\n".join(lines) or None, trace or None)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        _trace_of(file).unlink(missing_ok=True)


def _trace_of(file: Path) -> Path:
    return file.with_suffix(".trace")


class RecorderFolder:
    """The crash recorders of one worker: a folder with one file for each child."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.box: FlightRecorder | None = None

    def place(self, folder: Path) -> None:
        """Say where the boxes are kept; before the first child is forked."""
        self.folder = folder

    def open_box(self, **_: Any) -> None:
        """Open the box of this process."""
        if self.folder is not None:
            self.box = FlightRecorder(self.folder / f"{os.getpid()}.box")
            self.box.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            logging.getLogger().addHandler(self.box)

    def discard_box(self, **_: Any) -> None:
        """Clear the box of this process away: it ends in good order."""
        if self.box is not None and self.folder is not None:
            self.box.close()
            _remove(self.folder / f"{os.getpid()}.box")
            self.box = None

    def begin(self, page_run_id: int) -> None:
        """Note that this process begins work on a page run."""
        if self.box is not None:
            self.box.begin(page_run_id)

    def enter(self, stage: str | None) -> None:
        """Note the stage that begins in this process."""
        if self.box is not None:
            self.box.enter(stage)

    def remains_of(self, pid: int | None, page_run_id: int) -> CrashReport:
        """Return what a child that died leaves behind, and clear it away."""
        if self.folder is None or pid is None:
            return CrashReport()
        file = self.folder / f"{pid}.box"
        remains = read_remains(file, page_run_id)
        _remove(file)
        return remains


recorders = RecorderFolder()
