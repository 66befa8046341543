"""Runs a service that must not outlive the command that started it, whatever ends that command.

    python -P -m orchestrator.local.supervisor GRACE_SECONDS DIRECTORY COMMAND...

The supervisor waits on its standard input, a pipe whose other end the command holds: when it closes (the command ended,
or was killed with -9), the service is asked to stop, killed after the grace time, and its private directory is
removed. A line on the pipe means "stop at once".
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
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LAST_BYTES = 16_384


def main(arguments: list[str]) -> int:
    """Run the service until it ends or the pipe closes; returns its exit code."""
    grace, directory, command = float(arguments[0]), arguments[1], arguments[2:]
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)  # the pipe alone decides
    service = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent)
    threading.Thread(target=_stop_when_released, args=(service, grace), daemon=True).start()
    code = service.wait()
    _kill_group(service.pid)
    shutil.rmtree(directory, ignore_errors=True)
    return code


def _stop_when_released(service: subprocess.Popen[bytes], grace: float) -> None:
    if not sys.stdin.readline():
        service.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(grace)
            return
    _kill_group(service.pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _die_with_parent() -> None:
    # Also when the supervisor itself is killed; where the kernel has no such call, only then is the service orphaned.
    for restored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(restored, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class ChildService:
    """A supervised child service, as the command sees it."""

    def __init__(self, command: list[str], directory: Path, grace_seconds: float, environ: dict[str, str]) -> None:
        # Kept open: it can still be read when the service has died and its directory is gone.
        self._directory = directory
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

    def ended(self) -> int | None:
        """Return the service's exit code, or None while it runs."""
        return self._process.poll()

    def stop(self, timeout: float | None = None) -> None:
        """Ask the service to stop and wait for it; on Ctrl-C while waiting, stop it at once."""
        self._close(b"")
        try:
            self._process.wait(timeout)
        except KeyboardInterrupt:
            self._process.kill()  # takes the service with it, but cannot clean up
            self._process.wait()
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        finally:
            self._log.close()

    def kill(self) -> None:
        """Stop the service at once."""
        self._close(b"now\n")
        self._process.wait()
        self._log.close()

    def last_words(self, lines: int = 5) -> str:
        """Return the end of what the service printed."""
        # pread, since the place in the file is shared with the service that writes it
        size = os.fstat(self._log.fileno()).st_size
        end = os.pread(self._log.fileno(), _LAST_BYTES, max(0, size - _LAST_BYTES))
        return "\n".join(end.decode(errors="replace").splitlines()[-lines:])

    def _close(self, words: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):  # it has ended, or was stopped before
            self._process.stdin.write(words)
            self._process.stdin.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
