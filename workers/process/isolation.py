"""A page run that is suspected of killing its process runs alone: in a fresh process, one at a time on a machine.

    python -P -m workers.process.isolation PAGE_RUN_ID MESSAGE_ID CLAIMED_BY BOX

Whatever it does there, it ends nobody else's work, and the parent learns from the kernel how it died.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from billiard.exceptions import SoftTimeLimitExceeded

from workers.config import TEMPORARY_PREFIX
from workers.telemetry.crash_recorder import LAST_LINES, CrashReport, read_remains
from workers.telemetry.timing import RSS_UNITS_PER_KIB, peak_rss_kib

if TYPE_CHECKING:
    from workers.lease.processing import Steps

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "workers.process.isolation")


@dataclass(frozen=True, slots=True)
class End:
    """How the process ended: exit code (negative: the signal), whether we ended it, and what it left behind."""

    exit_code: int
    timed_out: bool
    remains: CrashReport


@contextmanager
def isolation_slot() -> Iterator[bool]:
    """Yield whether no other suspect of this user runs on this machine; it stays so in the block."""
    lock = _open_lock(Path(tempfile.gettempdir()) / f"{TEMPORARY_PREFIX}alone-{os.getuid()}.lock")
    if lock is None:
        yield True  # rather two suspects at once than none for ever
        return
    try:
        yield _lock(lock)
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int | None:
    """Return a handle on a lock file of ours; None when somebody else has put something else in its place."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.warning("The lock file %s cannot be used: %s; remove it.", path, error.strerror)
        return None
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid():
        return handle
    log.warning("The lock file %s is not ours; remove it.", path)
    os.close(handle)
    return None


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run_isolated(page_run_id: int, message_id: str, claimed_by: str, command: Sequence[str] = COMMAND) -> End:
    """Let a fresh process work on a page run that `claimed_by` has claimed, and wait for its end.

    Its output goes where ours does. It is ended when the soft time limit of the child that waits here runs out.
    """
    with _private_folder() as folder:
        box = folder / "alone.box"
        arguments = [*command, str(page_run_id), message_id, claimed_by, str(box)]
        last: deque[str] = deque(maxlen=LAST_LINES)
        timed_out, ours = False, peak_rss_kib()
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, errors="replace") as process:
            try:
                _pass_on(process, last)
            except SoftTimeLimitExceeded:
                timed_out = True
                process.kill()
            exit_code, peak = _reap(process)
        remains = read_remains(box, page_run_id)
        if peak <= ours:  # the kernel counts what we needed when the process was started
            peak = remains.peak_rss_kib or 0
        said = "\n".join(filter(None, [remains.log, "".join(last).strip()]))
        return End(exit_code, timed_out, CrashReport(remains.stage, peak or None, said or None, remains.traceback))


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Yield a folder for the record of the process, or one that does not exist: then there is no record."""
    try:
        made = tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, ignore_cleanup_errors=True)
    except OSError:
        yield Path(tempfile.gettempdir()) / "broadsheet-no-record"
        return
    with made as folder:
        yield Path(folder)


def _pass_on(process: subprocess.Popen[str], last: deque[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        last.append(line)
        with contextlib.suppress(OSError, ValueError, AttributeError):  # our own standard error is full or closed
            sys.stderr.write(line)


def _reap(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Return exit code and peak memory in KiB; unlike Popen.wait, wait4 tells what this very process needed."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss // RSS_UNITS_PER_KIB


def main(arguments: Sequence[str], steps: Steps | None = None) -> None:
    """Carry the claim to its end, as a child of the pool would."""
    import billiard

    billiard.current_process().index = "alone"  # so that the metrics of this process have files of their own
    from workers.config import Settings
    from workers.lease.processing import Steps, adopt_and_process
    from workers.process import lifecycle
    from workers.telemetry import logs
    from workers.telemetry.crash_recorder import FlightRecorder, recorders

    number, message_id, claimed_by, box = arguments
    settings = Settings.from_env()
    lifecycle.die_with_parent()
    lifecycle.prefer_as_oom_victim()
    logs.configure(settings.log_format or "json", "info")
    recorders.box = FlightRecorder(Path(box))
    adopt_and_process(int(number), message_id, claimed_by, settings, steps or Steps())


if __name__ == "__main__":
    main(sys.argv[1:])
