"""Answers to questions that are dear: used again for as long as they are worth, and asked anew behind the back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WORTH = 20  # times as long as it took to ask, an answer is used: a cheap one is always fresh
CHEAP_SECONDS = 0.1  # whoever asks waits so long
STALE_SECONDS = 600.0  # an older one is shown to nobody

Rows = list[dict[str, Any]]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    rows: Rows
    asked_at: float
    took: float


class KeptAnswers:
    """Answers by name."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, ask: Callable[[], Rows]) -> Rows:
        """Return the answer of `ask`, or one that it gave not long ago.

        Raises:
            what `ask` raises, where there is no answer that can be shown in its place.
        """
        known = self._answers.get(name)
        age = time.monotonic() - known.asked_at if known else float("inf")
        if known and age < WORTH * known.took:
            return known.rows
        with self._lock:
            asking = self._asking.setdefault(name, threading.Lock())
        if known is None or age > STALE_SECONDS or known.took < CHEAP_SECONDS:
            with asking:
                newer = self._answers.get(name)
                return self._ask(name, ask) if newer is known or newer is None else newer.rows
        if asking.acquire(blocking=False):  # nobody else is asking
            threading.Thread(target=self._ask_behind, args=(name, ask, asking), daemon=True).start()
        return known.rows

    def _ask_behind(self, name: str, ask: Callable[[], Rows], asking: threading.Lock) -> None:
        try:
            self._ask(name, ask)
        except Exception as error:  # whoever asks when the answer is stale is told
            _LOG.warning("%s could not be counted: %s", name, error)
        finally:
            asking.release()

    def _ask(self, name: str, ask: Callable[[], Rows]) -> Rows:
        begun = time.monotonic()
        rows = ask()
        self._answers[name] = _Answer(rows, time.monotonic(), time.monotonic() - begun)
        return rows
