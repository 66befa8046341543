"""What can happen to a process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np

FOLDER = "BROADSHEET_TEST_FOLDER"
point = ""  # the one that was reached


def kill() -> None:
    """End this process without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_main() -> None:
    """End the worker's main process, as the kernel or an operator would; this child goes on for a moment."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(0.2)


def segfault() -> None:
    """Crash in native code."""
    ctypes.string_at(0)


def eat_and_die() -> None:
    """Need half a gigabyte, and be killed for it: what the kernel's out-of-memory killer does."""
    hungry = np.ones(64 * 1024 * 1024)
    assert hungry.nbytes
    kill()


def memory_error() -> None:
    """Ask numpy for more than there is."""
    np.ones(1 << 50)


def hang() -> None:
    """Stay inside one C call that looks at no signal."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)


def freeze() -> None:
    """Stop until somebody continues this process; its number is left in the folder."""
    (Path(os.environ[FOLDER]) / "frozen").write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGSTOP)


def meet() -> None:
    """Tell the test that this point is reached, and wait until it has done its part."""
    folder = Path(os.environ[FOLDER])
    (folder / f"reached-{point}").touch()
    while not (folder / f"go-{point}").exists():
        time.sleep(0.02)


def linger() -> None:
    """Be slow: a page in work when something else happens."""
    time.sleep(1.0)


def linger_a_little() -> None:
    """Take the time of a small page."""
    time.sleep(0.2)


def linger_long() -> None:
    """Be slower than any patience of a deployment."""
    time.sleep(20.0)


def fork_after_torch() -> None:
    """Use torch in this process; a parent that had done so would make its children hang here."""
    import torch

    torch.set_num_threads(1)
    assert torch.ones(512, 512).matmul(torch.ones(512, 512)).shape == (512, 512)


def clock_ahead() -> None:
    """Be a machine whose clock is a day ahead."""
    _shift_clock(86_400)


def clock_behind() -> None:
    """Be a machine whose clock is a day behind."""
    _shift_clock(-86_400)


def _shift_clock(seconds: float) -> None:
    true_time = time.time
    time.time = lambda: true_time() + seconds


def bad_scan() -> None:
    """Be a page that no attempt can help."""
    from workers.errors import UnreadableImage

    raise UnreadableImage("This scan is broken, as planned.")


def rest() -> None:
    """Take half a second, and no CPU."""
    time.sleep(0.5)


def burn() -> None:
    """Work for half a second."""
    end = time.process_time() + 0.5
    while time.process_time() < end:
        hashlib.sha256(bytes(1 << 16)).digest()


def fill_disk() -> None:
    """Be on a disk that is full, with a standard error that goes there: no file of this process takes a byte more."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
