"""Answers to questions that are dear: used again for as long as they are worth, and asked anew behind the back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers.errors import TransientError

WORTH = 20  # times as long as it took to ask, an answer is used: a cheap one is always fresh
CHEAP_SECONDS = 0.1  # so long somebody waits for a newer answer than the one that is known
STALE_SECONDS = 600.0  # an older one is shown to nobody
PATIENCE_SECONDS = 3.0  # so long somebody waits where none is known

Rows = list[dict[str, Any]]


class StillAsking(TransientError):
    """The answer takes longer than anybody should wait; it is being looked for."""


@dataclass(frozen=True, slots=True)
class _Answer:
    rows: Rows
    asked_at: float
    took: float


@dataclass(slots=True)
class _Question:
    ended: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class KeptAnswers:
    """Answers by name."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._questions: dict[str, _Question] = {}
        self._lock = threading.Lock()

    def get(self, name: str, ask: Callable[[], Rows], patience: float = PATIENCE_SECONDS) -> Rows:
        """Return the answer of `ask`, or one that it gave not long ago; one thread asks, however many wait.

        Raises:
            StillAsking: it takes longer than `patience` seconds, and no answer is known.
            what `ask` raises.
        """
        known = self._answers.get(name)
        age = time.monotonic() - known.asked_at if known else float("inf")
        if known and age < WORTH * known.took:
            return known.rows
        usable = known is not None and age < STALE_SECONDS
        question = self._ask(name, ask)
        if question.ended.wait(CHEAP_SECONDS if usable else patience):
            if question.error:
                raise question.error
            return self._answers[name].rows
        if known is None or not usable:
            raise StillAsking(
                "Every page of the archive is being looked at for that; it is shown here as soon as it is known."
            )
        return known.rows

    def _ask(self, name: str, ask: Callable[[], Rows]) -> _Question:
        with self._lock:
            question = self._questions.get(name)
            if question is None or question.ended.is_set():
                question = self._questions[name] = _Question()
                threading.Thread(target=self._run, args=(name, ask, question), daemon=True).start()
        return question

    def _run(self, name: str, ask: Callable[[], Rows], question: _Question) -> None:
        begun = time.monotonic()
        try:
            self._answers[name] = _Answer(ask(), time.monotonic(), time.monotonic() - begun)
        except Exception as error:  # whoever waits is told
            question.error = error
        question.ended.set()
