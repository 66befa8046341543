"""Budgets of hosts in SQL, on both databases: nobody asks more than all of them together may."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Engine, select, update

from models import Attempt, HostBudget, HostRequest, PageRun, PageRunState, database_now
from orchestrator.feeder.host_allowances import allowances
from orchestrator.feeder.host_waits import held_hosts, host_sentence
from orchestrator.feeder.window import Scope, take
from orchestrator.status.figures import read_status
from tests.rows import add_page_runs
from workers.lease import claims, host_budgets
from workers.lease.host_budgets import Grant, Refusal
from workers.sources.politeness import Budget

HOST = "iiif.example"


def allowed(engine: Engine) -> Grant:
    grant = host_budgets.take(engine, HOST, 60)
    assert isinstance(grant, Grant)
    return grant


def waited_for(engine: Engine) -> Grant:
    while isinstance(grant := host_budgets.take(engine, HOST, 60), float):
        time.sleep(grant)
    return grant


def state(engine: Engine) -> HostBudget:
    with engine.connect() as connection:
        return connection.execute(select(HostBudget.__table__)).one()  # type: ignore[return-value]


def at_host(engine: Engine, runs: list[int], host: str = HOST) -> None:
    with engine.begin() as connection:
        host_budgets.know_hosts(connection, [host])
        connection.execute(update(PageRun).where(PageRun.page_run_id.in_(runs)).values(host=host))


def test_an_unknown_host_is_asked_once_a_second_and_twice_at_once(engine: Engine) -> None:
    allowed(engine)
    assert isinstance(wait := host_budgets.take(engine, HOST, 60), float) and 0 < wait <= 1.0
    assert (state(engine).requests, state(engine).in_flight) == (60, 2)


def test_what_has_ended_makes_room_and_still_counts(engine: Engine) -> None:
    host_budgets.set_budget(engine, HOST, Budget(2, 0.5, 1))
    first = allowed(engine)
    assert isinstance(host_budgets.take(engine, HOST, 60), float)
    host_budgets.give_back(engine, first, 0.0)
    host_budgets.give_back(engine, first, 0.0)  # told twice
    host_budgets.give_back(engine, waited_for(engine), 0.0)
    third = waited_for(engine)
    assert (third.begun_at - first.begun_at).total_seconds() >= 0.5


def test_a_worker_that_died_takes_no_place_for_long(engine: Engine) -> None:
    host_budgets.set_budget(engine, HOST, Budget(1000, 1.0, 1))
    allowed(engine)
    assert isinstance(host_budgets.take(engine, HOST, 60), float)
    with engine.begin() as connection:
        connection.execute(update(HostRequest).values(lease_until=database_now(-0.1)))
    allowed(engine)


def test_eight_at_once_never_pass_the_limit(engine: Engine) -> None:
    budget = Budget(20, 1.0, 3)
    host_budgets.set_budget(engine, HOST, budget)
    flying, most, granted = [0], [0], []
    lock, until = threading.Lock(), time.monotonic() + 3.0

    def ask() -> None:
        while time.monotonic() < until:
            grant = host_budgets.take(engine, HOST, 60)
            if isinstance(grant, float):
                time.sleep(min(grant, 0.05))
                continue
            with lock:
                flying[0] += 1
                most[0] = max(most[0], flying[0])
                granted.append(time.monotonic())
            time.sleep(0.01)
            with lock:
                flying[0] -= 1
            host_budgets.give_back(engine, grant, 0.0)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= budget.in_flight
    assert max(sum(start <= one < start + 1.0 for one in granted) for start in granted) <= budget.requests


def test_a_refusal_holds_the_host_for_all(engine: Engine) -> None:
    host_budgets.give_back(engine, allowed(engine), 0.0, Refusal(too_many=True, retry_after=3600.0))
    wait = host_budgets.take(engine, HOST, 60)
    assert isinstance(wait, float) and 3590 < wait <= 3600
    assert state(engine).pace == 0.5


def test_a_budget_that_is_set_holds_and_can_be_taken_back(engine: Engine) -> None:
    host_budgets.set_budget(engine, HOST, Budget(7, 60.0, 1))
    with engine.begin() as connection:
        host_budgets.know_hosts(connection, [HOST])  # what is set stays
    assert (state(engine).requests, state(engine).is_set) == (7, True)
    host_budgets.forget_budget(engine, HOST)
    assert (state(engine).requests, state(engine).is_set) == (60, False)


def test_a_page_that_waits_for_a_host_counts_no_attempt_and_waits(engine: Engine) -> None:
    (run,) = add_page_runs(engine, 1)
    claim = claims.claim(engine, run, "m", "host:1", 60)
    assert claim is not None
    claims.release(engine, [(run, claim.owner)], 100.0)
    with engine.connect() as connection:
        page_run = connection.execute(select(PageRun)).one()
        assert (page_run.state, page_run.attempts) == (PageRunState.READY, 0)
        assert connection.execute(select(Attempt)).all() == []
    assert take(engine, 10, Scope()) == []


def test_a_page_at_which_its_host_fails_again_and_again_is_given_up(engine: Engine) -> None:
    (run,) = add_page_runs(engine, 1)
    waits = []
    for _ in range(claims.HOST_FAILURES):
        with engine.begin() as connection:
            connection.execute(update(PageRun).values(state=PageRunState.QUEUED))
        claim = claims.claim(engine, run, "m", "host:1", 60)
        assert claim is not None and claim.attempt_number == 1
        assert claims.put_off(engine, run, claim.owner, "not_now", "It cannot.", 1.0, of_page=True)
        with engine.connect() as connection:
            page_run = connection.execute(select(PageRun, database_now().label("now"))).one()
        waits.append((page_run.not_before - page_run.now).total_seconds() if page_run.not_before else None)
    assert page_run.state == PageRunState.QUARANTINED and page_run.error_code == "storage_failed"
    assert waits[:2] == [pytest.approx(15, abs=2), pytest.approx(30, abs=2)] and waits[-1] is None


def test_only_as_many_pages_of_a_host_are_queued_as_may_begin_soon(engine: Engine) -> None:
    at_host(engine, add_page_runs(engine, 200, state="ready"))
    local = add_page_runs(engine, 200, state="ready", source="local")
    chosen = [number for number, _ in take(engine, 100, Scope())]
    assert len(chosen) == 100 and len(set(chosen) - set(local)) == 12  # two in flight, and one a second


def test_pages_of_a_host_that_is_held_stay_where_they_are(engine: Engine) -> None:
    at_host(engine, add_page_runs(engine, 5, state="ready"))
    local = add_page_runs(engine, 5, state="ready", source="local")
    host_budgets.give_back(engine, allowed(engine), 0.0, Refusal(too_many=False, retry_after=60.0))
    with engine.connect() as connection:
        assert allowances(connection) == {}
    assert [number for number, _ in take(engine, 100, Scope())] == local


@pytest.mark.parametrize("window", [1, 2, 5])
def test_what_waits_for_a_host_leaves_room_for_what_waits_for_nothing(engine: Engine, window: int) -> None:
    at_host(engine, add_page_runs(engine, 50, state="ready"))
    local = set(add_page_runs(engine, 50, state="ready", source="local"))
    chosen = {number for number, _ in take(engine, window, Scope())}
    assert len(chosen) == window and len(chosen & local) >= window // 2


def test_status_says_which_hosts_are_waited_for_and_for_how_long(engine: Engine) -> None:
    at_host(engine, add_page_runs(engine, 30, state="ready"))
    host_budgets.set_budget(engine, HOST, Budget(20, 60.0, 2))
    with engine.connect() as connection:
        assert held_hosts(connection) == ()
    (wait,) = read_status(engine).hosts
    assert host_sentence(wait) == "30 pages of iiif.example, asked for at 20 requests a minute: 3 min 0 s left"
    host_budgets.give_back(engine, allowed(engine), 0.0, Refusal(too_many=True, retry_after=600.0))
    with engine.connect() as connection:
        (held,) = held_hosts(connection)
    assert held.requests_per_minute == 10 and 960 - 2 <= held.time_left_s <= 960
    assert "at 10 requests a minute, held for" in host_sentence(held)


def test_a_page_that_has_its_picture_waits_for_no_host(engine: Engine) -> None:
    (run,) = add_page_runs(engine, 1)
    at_host(engine, [run])
    claims.wait_for_no_host(engine, run)
    assert read_status(engine).hosts == ()
