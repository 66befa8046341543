"""One reading of the run's state for all who watch it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse

from orchestrator.status.figures import Fleet
from orchestrator.web.access.accounts import Role
from orchestrator.web.access.entrance import Visitor
from orchestrator.web.runs import pages
from orchestrator.web.runs.live import Live
from orchestrator.web.runs.state import RunState

FLEET = Fleet(1, 1, 0, 0, 0, None, 0.0, None)


class Database:
    """Counts how often it is read; every state is another one."""

    def __init__(self) -> None:
        self.reads = 0
        self.threads: set[int] = set()

    def read(self, _before: RunState) -> RunState:
        self.reads += 1
        self.threads.add(threading.get_ident())
        return RunState(fleet=replace(FLEET, running=self.reads))


def running(state: RunState | None) -> int:
    assert state is not None and state.fleet is not None
    return state.fleet.running


def test_fifty_listeners_share_each_reading() -> None:
    async def scenario() -> None:
        database = Database()
        live = Live(database.read, least_seconds=0.01)

        async def hear() -> list[int]:
            heard = []
            async for state in live.listen(60):
                heard.append(running(state))
                if len(heard) == 3:
                    return heard
            return heard

        heard = await asyncio.gather(*(hear() for _ in range(50)))
        assert all(numbers == sorted(set(numbers)) for numbers in heard)
        assert database.reads < 10
        assert threading.get_ident() not in database.threads, "the event loop never waits for the database"

    asyncio.run(scenario())


def test_nobody_reads_when_nobody_listens() -> None:
    async def scenario() -> None:
        database = Database()
        live = Live(database.read, least_seconds=0.01)
        listener = live.listen(60)
        await anext(listener)
        await listener.aclose()
        assert live.reading is not None
        await live.reading
        reads = database.reads
        await asyncio.sleep(0.05)
        assert database.reads == reads

    asyncio.run(scenario())


def test_a_listener_is_told_that_the_server_is_there_when_nothing_changes() -> None:
    async def scenario() -> None:
        same = RunState(fleet=FLEET)
        listener = Live(lambda _before: same, least_seconds=0.01).listen(0.001)
        told = [await anext(listener) for _ in range(20)]
        assert told.count(same) == 1 and told.count(None) == 19
        await listener.aclose()

    asyncio.run(scenario())


def test_a_page_does_not_wait_for_a_slow_database() -> None:
    async def scenario() -> None:
        answer = threading.Event()

        def slowly(_before: RunState) -> RunState:
            answer.wait(30)
            return RunState(fleet=FLEET)

        live = Live(slowly)
        assert await live.current(patience=0.01) == RunState()
        answer.set()
        assert (await live.current(patience=30)).fleet == FLEET

    asyncio.run(scenario())


def test_a_reading_that_fails_is_tried_again() -> None:
    async def scenario() -> None:
        outcomes = iter([ValueError("a mistake"), RunState(fleet=FLEET)])

        def read(_before: RunState) -> RunState:
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        live = Live(read, least_seconds=0.001)
        listener = live.listen(60)
        assert running(await anext(listener)) == 0
        await listener.aclose()

    asyncio.run(scenario())


def test_events_end_so_that_a_browser_must_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "STREAM_SECONDS", -1.0)
    app = Starlette()
    app.state.live = Live(lambda _before: RunState(sentence="at work"))
    request = Request({"type": "http", "app": app, "state": {"visitor": Visitor("rea", Role.READER)}})

    async def whole() -> list[str]:
        answer = await pages.events(request)
        assert isinstance(answer, StreamingResponse)
        return [str(part) async for part in answer.body_iterator]

    assert asyncio.run(whole()) == ["retry: 2000\n\n"]
