"""How a IIIF host is asked: within its budget, and for nothing twice."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Remembered:
    """A way to ask that keeps what it was given on this machine, and asks for nothing twice."""

    ask: Ask

    def __call__(self, url: str, most_bytes: int, headers: Mapping[str, str] | None = None, /) -> Answer:
        """Return the answer, from the cache if it was given before."""
        found = self.file(url, most_bytes, headers)
        if isinstance(found, Answer):
            return found
        with found:
            return Answer(url, 200, {}, found.read())

    def file(self, url: str, most_bytes: int, headers: Mapping[str, str] | None = None) -> BinaryIO | Answer:
        """Return what is at a URL as a file, or the answer that is no success."""

        def fetch() -> BinaryIO:
            answer = self.ask(url, most_bytes, headers)
            if answer.status != 200:
                raise _NotKept(answer)
            return io.BytesIO(answer.body)

        try:
            return machine_cache().open(f"web {url}", fetch)
        except _NotKept as error:
            return error.answer
        except OSError as error:
            log.warning("nothing can be kept in the cache: %s", error.strerror)
            return file_of(self.ask(url, most_bytes, headers))


def file_of(answer: Answer) -> BinaryIO | Answer:
    """Return the body of a successful answer as a file, any other answer as it is."""
    return io.BytesIO(answer.body) if answer.status == 200 else answer


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

    return Remembered(get) if is_remembered else get
