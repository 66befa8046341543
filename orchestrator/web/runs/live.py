"""One reading of the run's state, shared by all who watch it in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from orchestrator.throttle import Throttle
from orchestrator.web.runs.state import RunState

log = logging.getLogger(__name__)

READ_SECONDS = 1.0
# To count a million page runs takes a second of the database's time; it has more to do than to tell how far it is.
READING_SHARE = 0.25
PATIENCE_SECONDS = 0.15  # so long a page waits for the first reading before it is shown without


@dataclass(slots=True)
class Live:
    """Reads a state again and again in a thread while somebody listens.

    `read` is given the state before, `forget` has it count anew.

    With fifty listeners there is one question to the database a second, with none there is none.
    """

    read: Callable[[RunState], RunState]
    forget: Callable[[], None] = lambda: None
    least_seconds: float = READ_SECONDS
    reading: asyncio.Task[None] | None = field(default=None, init=False)
    _state: RunState = field(default_factory=RunState, init=False)
    _written: dict[bool, tuple[RunState, str]] = field(default_factory=dict, init=False)
    _listeners: int = field(default=0, init=False)
    _next: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self._throttle = Throttle(READING_SHARE, self.least_seconds)

    async def current(self, patience: float = PATIENCE_SECONDS) -> RunState:
        """Return the state as it was read last, read anew if that is due and does not take long."""
        if self._throttle.is_due():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._start().wait(), patience)
        return self._state

    async def listen(self, ping_seconds: float) -> AsyncIterator[RunState | None]:
        """Yield the state now and whenever it has changed; None when nothing has for `ping_seconds`."""
        self._listeners += 1
        try:
            event, shown = self._start(), None
            while True:
                if self._state != shown and self._state != RunState():
                    shown = self._state
                    yield shown
                try:
                    await asyncio.wait_for(event.wait(), ping_seconds)
                except TimeoutError:
                    yield None
                event = self._start()
        finally:
            self._listeners -= 1

    def written(self, state: RunState, operates: bool, write: Callable[[], str]) -> str:
        """Return what `write` makes of a state, made once for all who may do the same."""
        if operates not in self._written or self._written[operates][0] is not state:
            self._written[operates] = state, write()
        return self._written[operates][1]

    def expire(self) -> None:
        """Have the state read at once and from the beginning: a decision has changed it."""
        self.forget()
        self._throttle.expire()

    def _start(self) -> asyncio.Event:
        """Have the state read while it is asked for; return what is set when it has been read the next time."""
        if self.reading is None or self.reading.done():
            self._next = asyncio.Event()
            self.reading = asyncio.get_running_loop().create_task(self._read_on())
        return self._next

    async def _read_on(self) -> None:
        while True:
            while (rest := self._throttle.rest()) > 0:
                await asyncio.sleep(min(rest, self.least_seconds / 5))
            with self._throttle.timed():
                await self._read_once()
            event, self._next = self._next, asyncio.Event()
            event.set()
            if not self._listeners:
                return

    async def _read_once(self) -> None:
        try:
            self._state = await asyncio.to_thread(self.read, self._state)
        except Exception:  # whatever it is, those who watch are shown what comes after it
            log.exception("the state of the run could not be read")
