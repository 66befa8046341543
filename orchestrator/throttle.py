"""How often something costly may be done: counting a million page runs is work for the database too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Throttle:
    """Lets something be done again when it has taken at most `share` of the time, and not within `least_seconds`."""

    share: float
    least_seconds: float = 0.0
    _again_at: float = field(default=float("-inf"), init=False)

    def is_due(self) -> bool:
        """Return whether it may be done again."""
        return self.rest() <= 0

    def rest(self) -> float:
        """Return the seconds until it may be done again."""
        return self._again_at - time.monotonic()

    def expire(self) -> None:
        """Let it be done again at once."""
        self._again_at = float("-inf")

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure what it takes, also when it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - began
            self._again_at = began + max(self.least_seconds, spent / self.share)
