"""Asks hosts on the web within their budgets, which all processes of the fleet keep together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from workers.errors import NotNow, UnreadableImage
from workers.lease import host_budgets
from workers.lease.database import Result, retry_while_down
from workers.lease.host_budgets import Grant, Refusal
from workers.sources.politeness import host_of, retry_after_seconds
from workers.sources.stores.web import MAX_REDIRECTS, REDIRECTS, Answer, redirected

LEASE_SECONDS = 150.0  # longer than any answer may take
_TOO_MANY, _UNAVAILABLE = 429, 503


class Asks(Protocol):
    """One request, as `workers.sources.stores.web.Web.get`."""

    def get(
        self, url: str, most_bytes: int, headers: Mapping[str, str] | None = None, *, follow: bool = True
    ) -> Answer:
        """Return the answer."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest of all hosts, whichever process it is in.

    Attributes:
        engine: the database with the budgets.
        web: who asks.
        patience_seconds: so long a request waits here for its turn.
        database_patience_seconds: so long it waits for a database that restarts.
        tell: called with the host and the seconds of every wait.
        sleep: waits.
    """

    engine: Engine
    web: Asks
    patience_seconds: float = 2.0
    database_patience_seconds: float = 60.0
    tell: Callable[[str, float], object] = lambda host, seconds: None
    sleep: Callable[[float], object] = time.sleep

    def get(self, url: str, most_bytes: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a request, which may be a refusal of this one thing; redirects count as requests.

        Raises:
            NotNow: the host has no time for us, or does not answer; nobody asks it before it has some.
            PageError: as `Web.get`.
        """
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(url, most_bytes, headers)
            target = answer.headers.get("location")
            if answer.status not in REDIRECTS or not target:
                return answer
            url = redirected(url, target)
        raise UnreadableImage(f"{url.partition('?')[0]} redirects more than {MAX_REDIRECTS} times.")

    def _once(self, url: str, most_bytes: int, headers: Mapping[str, str] | None) -> Answer:
        grant = self._allowed(host_of(url))
        try:
            answer = self.web.get(url, most_bytes, headers, follow=False)
        except NotNow as error:
            self._end(grant, Refusal(too_many=False))
            raise NotNow(str(error), self._hold(grant.host, error.seconds), of_page=True) from error
        except BaseException:
            self._end(grant)
            raise
        refusal = _refusal(answer)
        self._end(grant, refusal)
        if refusal:
            what = "says that it was asked too often" if refusal.too_many else "cannot answer now"
            of_page = not refusal.too_many and refusal.retry_after is None
            raise NotNow(f"{grant.host} {what} ({answer.status}).", self._hold(grant.host, 1.0), of_page=of_page)
        return answer

    def _allowed(self, host: str) -> Grant:
        """Return the right to ask a host, waited for.

        Raises:
            NotNow: it would take longer than our patience.
        """
        until = time.monotonic() + self.patience_seconds
        while isinstance(grant := self._patiently(lambda: host_budgets.take(self.engine, host, LEASE_SECONDS)), float):
            if time.monotonic() + grant > until:
                raise NotNow(f"{host} is asked no faster than its budget allows.", grant)
            self.tell(host, grant)
            self.sleep(grant)
        return grant

    def _end(self, grant: Grant, refusal: Refusal | None = None) -> None:
        self._patiently(lambda: host_budgets.give_back(self.engine, grant, 0.0, refusal))

    def _patiently(self, action: Callable[[], Result]) -> Result:
        return retry_while_down(action, self.database_patience_seconds)

    def _hold(self, host: str, at_least: float) -> float:
        """Return for how long a host is held now."""
        with self.engine.connect() as connection:
            state, now = host_budgets.states(connection)[host]
        held = (state.held_until - now).total_seconds() if state.held_until else 0.0
        return max(at_least, held)


def _refusal(answer: Answer) -> Refusal | None:
    if answer.status not in (_TOO_MANY, _UNAVAILABLE):
        return None
    seconds = retry_after_seconds(answer.headers.get("retry-after"), answer.headers.get("date"))
    return Refusal(answer.status == _TOO_MANY, seconds)
