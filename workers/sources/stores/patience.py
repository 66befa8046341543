"""How long to leave a host alone that failed: longer each time in a row, and never all at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from workers.errors import NotNow

Result = TypeVar("Result")

TRIES = 4
PATIENCE_SECONDS = 30.0  # after that no try begins: a page's soft limit must not end in the middle of one
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 2.0  # between the tries of one request
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 300.0  # until a page is tried again

_failures: dict[str, int] = {}  # in a row, of each host, in this process


def patiently(host: str, ask: Callable[[], Result]) -> Result:
    """Ask a host, again after a short pause when it does not answer.

    Raises:
        NotNow: it failed every time; `seconds` grow with every such failure of this host in a row.
    """
    began = time.monotonic()
    for tried in range(1, TRIES + 1):
        try:
            answer = ask()
        except NotNow as error:
            if tried < TRIES and time.monotonic() - began < PATIENCE_SECONDS:
                time.sleep(jittered(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, tried))
                continue
            raise NotNow(str(error), max(error.seconds, _failed(host))) from error
        _failures.pop(host, None)
        return answer
    raise AssertionError("unreachable")


def _failed(host: str) -> float:
    _failures[host] = _failures.get(host, 0) + 1
    return jittered(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, _failures[host])


def jittered(first: float, longest: float, times: int) -> float:
    """Return a pause in seconds: doubled each time up to the longest, of which a random half is taken off."""
    return min(longest, first * 2.0 ** min(times - 1, 30)) * random.uniform(0.5, 1.0)
