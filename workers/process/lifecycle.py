"""Who goes first: children before their parent when memory is short, and never later than their parent."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
from pathlib import Path
from typing import Any

# Of 1000: the kernel kills a child, which costs one attempt at one page, long before the main process or the database.
OOM_SCORE_OF_CHILDREN = 800
_PR_SET_PDEATHSIG = 1


def prefer_as_oom_victim(**_: Any) -> None:
    """Raise this process's score with Linux's out-of-memory killer; anybody may raise their own."""
    with contextlib.suppress(OSError):  # no /proc here, or one that cannot be written
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_OF_CHILDREN))


def die_with_parent(**_: Any) -> None:
    """End this process with the one that started it (Linux): nobody would hear what an orphan has to say."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
