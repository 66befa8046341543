"""Runs a service that must not outlive the command that started it, whatever ends that command.

    python -P -m orchestrator.local.supervisor GRACE_SECONDS DIRECTORY COMMAND...

The supervisor waits on its standard input, a pipe whose other end the command holds. The line "stop", and its end (the
command ended, or was killed with -9), ask the service to stop; after the grace time it is killed. The line "now" kills
it at once, with all of its processes. Its private directory is removed when it has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LAST_BYTES = 16_384
_DEATH_SECONDS = 2.0
_LOOK_SECONDS = 0.005
STOP, NOW = "stop\n", "now\n"


def main(arguments: list[str]) -> int:
    """Run the service until it ends or the pipe closes; returns its exit code."""
    grace, directory, command = float(arguments[0]), arguments[1], arguments[2:]
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)  # the pipe alone decides
    if sys.platform == "linux":
        # What the service leaves behind is ours to reap: the machine's own first process may take its time.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    service = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent)
    threading.Thread(target=_stop_when_released, args=(service, grace), daemon=True).start()
    code = service.wait()
    _end_group(service.pid)
    shutil.rmtree(directory, ignore_errors=True)
    return code


def _stop_when_released(service: subprocess.Popen[bytes], grace: float) -> None:
    if sys.stdin.readline() != NOW:
        service.terminate()
        patience = threading.Timer(grace, _kill_group, (service.pid,))
        patience.daemon = True
        patience.start()
        if sys.stdin.readline() != NOW:  # the end of the command, whose service may use its time
            return
    _kill_group(service.pid)


def _kill_group(pid: int) -> None:
    """Kill a service with all of its processes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _end_group(pid: int) -> None:
    """Kill what a service that has ended leaves behind, and wait until all of it is gone."""
    deadline = time.monotonic() + _DEATH_SECONDS
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-pid, os.WNOHANG)[0]:
                    pass
            time.sleep(_LOOK_SECONDS)


def _die_with_parent() -> None:
    # Also when the supervisor itself is killed; where the kernel has no such call, only then is the service orphaned.
    for restored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(restored, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ChildService:
    """A supervised child service, as the command sees it; `directory` is its private folder."""

    def __init__(self, command: list[str], directory: Path, grace_seconds: float, environ: dict[str, str]) -> None:
        # Kept open: it can still be read when the service has died and its directory is gone.
        self.directory = directory
        self._log = (directory / "log").open("a+b")
        service = [sys.executable, "-P", "-m", "orchestrator.local.supervisor", str(grace_seconds), str(directory)]
        self._process = subprocess.Popen(
            [*service, *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            env=environ,
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin

    def ended(self) -> int | None:
        """Return the service's exit code, or None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask the service to stop and wait for it; on Ctrl-C while waiting, stop it at once."""
        try:
            self._tell(STOP)
            self._process.wait()
        finally:  # also on Ctrl-C
            self.kill()

    def kill(self) -> None:
        """Stop the service at once; none of its processes is left when this returns."""
        self._tell(NOW)
        self._process.wait()
        self._log.close()
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()

    def last_words(self, lines: int = 5) -> str:
        """Return the end of what the service printed."""
        # pread, since the place in the file is shared with the service that writes it
        size = os.fstat(self._log.fileno()).st_size
        end = os.pread(self._log.fileno(), _LAST_BYTES, max(0, size - _LAST_BYTES))
        return "\n".join(end.decode(errors="replace").splitlines()[-lines:])

    def _tell(self, word: str) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):  # it has ended, or was stopped before
            self._pipe.write(word.encode())
            self._pipe.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
