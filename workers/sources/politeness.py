"""How often a host may be asked: decisions without a clock or a table. Pure.

Two rules hold at once. Requests are spaced evenly, lost time made good by at most `SLACK_REQUESTS` at once; and never
more than the budget count in one period, a request counting from when it was allowed until a period after the host
had it: however late one arrives, the host never sees more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

SLACK_REQUESTS = 2
IN_FLIGHT_WAIT_SECONDS = 0.5  # until it is asked again whether one of those in flight has ended
SLOWEST_PACE = 1 / 16
SLOWER, FASTER = 0.5, 0.1  # the pace is halved when the host says 429, and comes back by a tenth a period
FIRST_HOLD_SECONDS, LONGEST_HOLD_SECONDS = 30.0, 3600.0  # where the host does not say how long; doubled each time
BORNE_FAILURES = 2  # in a row, before a host is held that does not say for how long
LONGEST_RETRY_AFTER_SECONDS = 86_400.0  # what a host asks for beyond a day is not believed


@dataclass(frozen=True, slots=True)
class Budget:
    """Most requests in any `period_seconds`, and most at once."""

    requests: int
    period_seconds: float
    in_flight: int


USUAL = Budget(60, 60.0, 2)
# https://www.loc.gov/apis/json-and-yaml/working-within-limits/ (November 2026): newspapers 20 a minute, else 20 in ten
# seconds and 80 a minute, of which an even pace keeps the first. https://api.bnf.fr: one in three seconds.
PUBLISHED = {
    "www.loc.gov": Budget(20, 60.0, 2),
    "chroniclingamerica.loc.gov": Budget(20, 60.0, 2),
    "tile.loc.gov": Budget(80, 60.0, 2),
    "gallica.bnf.fr": Budget(20, 60.0, 2),
}


@dataclass(frozen=True, slots=True)
class HostState:
    """How a host's budget stands; times of one clock, None where there was none yet."""

    budget: Budget
    pace: float = 1.0
    pace_changed_at: datetime | None = None
    refusals: int = 0
    held_until: datetime | None = None
    next_at: datetime | None = None

    @property
    def spacing(self) -> timedelta:
        """Time between two requests."""
        return timedelta(seconds=self.budget.period_seconds / (self.budget.requests * self.pace))

    def is_held(self, now: datetime) -> bool:
        """Tell whether the host asked for some time."""
        return self.held_until is not None and self.held_until > now


@dataclass(frozen=True, slots=True)
class Counted:
    """The requests that count now: how many, how many of them are in flight, when the first no longer counts."""

    requests: int
    in_flight: int
    first_until: datetime | None


def budget_of(host: str) -> Budget:
    """Return the published budget of a host, or the usual one."""
    return PUBLISHED.get(host, USUAL)


def host_of(url: str) -> str:
    """Return by what name the budget of a URL is kept: the host, with its port where that is not the usual one."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").lower()
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def wait_seconds(state: HostState, counted: Counted, now: datetime) -> float:
    """Return how long the next request has to wait; 0.0 when it may begin."""
    waits = [0.0]
    if state.held_until:
        waits.append((state.held_until - now).total_seconds())
    if counted.in_flight >= state.budget.in_flight:
        waits.append(IN_FLIGHT_WAIT_SECONDS)
    if counted.requests >= state.budget.requests and counted.first_until:
        waits.append(max(0.001, (counted.first_until - now).total_seconds()))
    if state.next_at:
        waits.append((state.next_at - now).total_seconds())
    return max(waits)


def after_grant(state: HostState, now: datetime) -> HostState:
    """Return the state after a request was allowed."""
    slack = SLACK_REQUESTS * state.spacing if state.pace == 1.0 else timedelta(0)
    due = now if state.next_at is None else max(state.next_at, now - slack)
    return replace(state, next_at=due + state.spacing)


def after_answer(state: HostState, begun_at: datetime, now: datetime) -> HostState:
    """Return the state after the host answered a request: a slowed pace comes back, a period after the last change."""
    changed = state.pace_changed_at
    if changed is not None and begun_at < changed:
        return state  # it was sent before the host refused another
    period = timedelta(seconds=state.budget.period_seconds)
    if state.pace < 1.0 and changed is not None and now - changed >= period:
        return replace(state, pace=min(1.0, state.pace + FASTER), pace_changed_at=now, refusals=0)
    return replace(state, refusals=0)


def after_refusal(
    state: HostState, begun_at: datetime, now: datetime, retry_after: float | None, too_many: bool
) -> HostState:
    """Return the state after the host said 429 (`too_many`) or that it cannot now: held for all, 429 also slower.

    Requests that were in flight together are refused together, and count once. A host that fails without a word on when
    to come back may fail at one thing alone: it is held when it does so time after time.
    """
    changed = state.pace_changed_at
    is_first = changed is None or begun_at >= changed
    refusals = min(state.refusals + is_first, 16)
    times = refusals if too_many else refusals - BORNE_FAILURES
    usual = min(LONGEST_HOLD_SECONDS, FIRST_HOLD_SECONDS * 2.0 ** (times - 1)) if times > 0 else 0.0
    hold = now + timedelta(seconds=usual if retry_after is None else retry_after)
    held = replace(state, held_until=max(hold, state.held_until or hold), refusals=refusals)
    if not is_first:
        return held
    pace = max(SLOWEST_PACE, state.pace * SLOWER) if too_many else state.pace
    return replace(held, pace=pace, pace_changed_at=now)


def retry_after_seconds(value: str | None, date: str | None = None, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` asks for: a number, or a date, by the answer's own clock; else None.

    Args:
        value: the field's value.
        date: the `Date` of the same answer: clocks need not agree.
        now: the moment where there is no `Date`.
    """
    text = (value or "").strip()
    if text.isdecimal():
        return min(float(text), LONGEST_RETRY_AFTER_SECONDS)
    until, said = _moment(text), _moment(date or "") or now or datetime.now(UTC)
    if until is None:
        return None
    return min(max(0.0, (until - said).total_seconds()), LONGEST_RETRY_AFTER_SECONDS)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def time_left_seconds(state: HostState, requests: float, now: datetime) -> float:
    """Return how long so many requests take at the present pace, with the time for which the host is held."""
    held = (state.held_until - now).total_seconds() if state.held_until else 0.0
    return max(0.0, held) + requests * state.spacing.total_seconds()
