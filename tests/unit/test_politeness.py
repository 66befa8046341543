"""How often a host is asked: spacing, the most in a period, what it asks for itself, and how the pace comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from workers.sources.politeness import (
    FASTER,
    Budget,
    Counted,
    HostState,
    after_answer,
    after_grant,
    after_refusal,
    budget_of,
    host_of,
    retry_after_seconds,
    time_left_seconds,
    wait_seconds,
)

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
TWENTY_A_MINUTE = Budget(20, 60.0, 2)
NOTHING = Counted(0, 0, None)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass
class Requests:
    """A host that is asked as soon as it may be; each request takes some time to reach it and to be answered."""

    state: HostState
    delays: tuple[float, ...]
    arrived: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        now = 0.0
        while now < seconds:
            counts = [end + self.state.budget.period_seconds for end in self.ended]
            counting = [until for until in counts if until > now]
            flying = sum(end > now for end in self.ended)
            counted = Counted(len(counting), flying, after(min(counting)) if counting else None)
            wait = wait_seconds(self.state, counted, after(now))
            if wait:
                now += max(wait, 0.001)
                continue
            self.state = after_grant(self.state, after(now))
            delay = self.delays[len(self.ended) % len(self.delays)]
            self.arrived.append(now + delay)
            self.ended.append(now + delay)


@pytest.mark.parametrize("delays", [(0.1,), (0.1, 5.0), (0.0, 0.0, 0.0, 20.0)])
def test_a_host_never_sees_more_than_its_budget_in_any_period_however_late_requests_arrive(
    delays: tuple[float, ...],
) -> None:
    requests = Requests(HostState(TWENTY_A_MINUTE), delays)
    requests.run(1200)
    arrived = sorted(requests.arrived)
    busiest = max(sum(start <= one <= start + 60 for one in arrived) for start in arrived)
    assert busiest <= 20


def test_nearly_all_of_a_budget_is_used() -> None:
    requests = Requests(HostState(TWENTY_A_MINUTE), (0.3, 1.0))
    requests.run(1800)
    assert len(requests.arrived) >= 0.95 * 20 * 30


def test_requests_are_spaced_and_lost_time_is_made_good_a_little() -> None:
    state = after_grant(HostState(TWENTY_A_MINUTE), NOON)
    assert wait_seconds(state, NOTHING, NOON) == 3.0
    late = after(600)
    begun = 0
    while wait_seconds(state, NOTHING, late) == 0:
        state, begun = after_grant(state, late), begun + 1
    assert begun == 3  # not two hundred


def test_no_more_are_in_flight_than_the_budget_says() -> None:
    assert wait_seconds(HostState(TWENTY_A_MINUTE), Counted(2, 2, after(60)), NOON) > 0


def test_a_host_that_asks_for_some_time_is_held_and_slowed() -> None:
    state = after_refusal(HostState(TWENTY_A_MINUTE), NOON, after(1), 300.0, too_many=True)
    assert wait_seconds(state, NOTHING, after(1)) == 300.0
    assert state.pace == 0.5 and state.spacing == timedelta(seconds=6)
    assert time_left_seconds(state, 10, after(1)) == 300 + 60


def test_requests_refused_together_slow_the_pace_once() -> None:
    state = after_refusal(HostState(TWENTY_A_MINUTE), NOON, after(2), 10.0, too_many=True)
    state = after_refusal(state, after(1), after(3), 60.0, too_many=True)
    assert state.pace == 0.5 and state.refusals == 1
    assert state.held_until == after(63)  # the longer of both


def test_a_host_that_says_no_time_is_held_longer_each_time() -> None:
    state, waits, now = HostState(TWENTY_A_MINUTE), [], 0.0
    for _ in range(12):
        state = after_refusal(state, after(now), after(now), None, too_many=False)
        waits.append(wait_seconds(state, NOTHING, after(now)))
        now += waits[-1]
    assert waits[:5] == [0, 0, 30, 60, 120] and waits[-1] == 3600  # the first may have been of one thing alone
    assert state.pace == 1.0  # it was not asked too often
    assert wait_seconds(after_refusal(HostState(TWENTY_A_MINUTE), NOON, NOON, None, True), NOTHING, NOON) == 30


def test_the_pace_comes_back_slowly() -> None:
    state = after_refusal(HostState(TWENTY_A_MINUTE), NOON, NOON, 0.0, too_many=True)
    assert after_answer(state, after(1), after(59)).pace == 0.5
    periods = 0
    while state.pace < 1.0:
        periods += 1
        state = after_answer(state, after(60 * periods - 1), after(60 * periods))
    assert periods == pytest.approx(0.5 / FASTER, abs=1) and state.refusals == 0


def test_an_answer_to_what_was_sent_before_the_refusal_changes_nothing() -> None:
    state = after_refusal(HostState(TWENTY_A_MINUTE), after(5), after(5), 0.0, too_many=True)
    assert after_answer(state, after(4), after(500)) == state


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", None, 120),
        (" 7 ", None, 7),
        ("Sat, 28 Nov 2026 12:05:00 GMT", None, 300),
        ("Sat, 28 Nov 2026 12:05:00 GMT", "Sat, 28 Nov 2026 12:04:00 GMT", 60),  # by the host's own clock
        ("Sat, 28 Nov 2026 11:00:00 GMT", None, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None, 86_400),
        ("99999999999", None, 86_400),
        ("soon", None, None),
        ("", None, None),
        (None, None, None),
        ("-5", None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, date: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, date, NOON) == seconds


def test_budgets_are_kept_by_host() -> None:
    assert host_of("https://Tile.LOC.gov/image-services/iiif/x/info.json") == "tile.loc.gov"
    assert host_of("http://localhost:8080/a") == "localhost:8080"
    assert host_of("https://a.example:443/a") == "a.example"
    assert budget_of("www.loc.gov").requests == 20 and budget_of("a.example") == Budget(60, 60.0, 2)
