"""How a IIIF host is asked: within its budget, and for nothing twice."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Collection, Mapping
from typing import BinaryIO, Protocol

from workers.errors import NotNow
from workers.sources.politeness import host_of
from workers.sources.stores.cache import machine_cache
from workers.sources.stores.web import Answer, web

log = logging.getLogger(__name__)

ALONE_SECONDS = 1.0


class Ask(Protocol):
    """Asks a host within its budget."""

    def __call__(self, url: str, most_bytes: int, headers: Mapping[str, str] | None = None, /) -> Answer:
        """Return the answer; one that is no success is of this thing alone.

        Raises:
            NotNow: the host has no time.
        """


class _NotKept(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def remembered(ask: Ask) -> Ask:
    """Return a way to ask that keeps what it was given on this machine, and asks for nothing twice."""

    def get(url: str, most_bytes: int, headers: Mapping[str, str] | None = None, /) -> Answer:
        def fetch() -> BinaryIO:
            answer = ask(url, most_bytes, headers)
            if answer.status != 200:
                raise _NotKept(answer)
            return io.BytesIO(answer.body)

        try:
            with machine_cache().open(f"web {url}", fetch) as file:
                return Answer(url, 200, {}, file.read())
        except _NotKept as error:
            return error.answer
        except OSError as error:
            log.warning("nothing can be kept in the cache: %s", error.strerror)
            return ask(url, most_bytes, headers)

    return get


_asked_at: dict[str, float] = {}  # by this process, of each host


def ask_alone(allowed: Collection[str], is_remembered: bool = True) -> Ask:
    """Return a way to ask for somebody who looks at a page or two: no more than one request a second."""

    def get(url: str, most_bytes: int, headers: Mapping[str, str] | None = None, /) -> Answer:
        host = host_of(url)
        time.sleep(max(0.0, _asked_at.get(host, 0.0) + ALONE_SECONDS - time.monotonic()))
        _asked_at[host] = time.monotonic()
        answer = web(allowed).get(url, most_bytes, headers)
        if answer.status in (429, 503):
            raise NotNow(f"{host} has no time now ({answer.status}).", ALONE_SECONDS)
        return answer

    return remembered(get) if is_remembered else get
