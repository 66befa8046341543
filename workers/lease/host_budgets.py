"""The budgets of hosts in SQL, kept by the whole fleet: a request is allowed in one short transaction.

A request that was allowed holds a lease, so that a worker that dies takes no place for long. All times are the
database's clock. What is decided is decided in `workers.sources.politeness`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models import HostBudget, HostRequest, database_now
from workers.sources.politeness import (
    Budget,
    Counted,
    HostState,
    after_answer,
    after_grant,
    after_refusal,
    budget_of,
    wait_seconds,
)


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to ask a host once, until the lease ends."""

    host_request_id: int
    host: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """The host said 429 (`too_many`) or that it cannot now; `retry_after` in seconds where it says how long."""

    too_many: bool
    retry_after: float | None = None


def know_hosts(connection: Connection, hosts: Iterable[str]) -> None:
    """Give hosts that are not known yet the budget that they publish, or the usual one."""
    rows = [_row(host, budget_of(host)) for host in sorted(set(hosts))]
    if rows:
        connection.execute(_insert(connection).on_conflict_do_nothing(), rows)


def set_budget(engine: Engine, host: str, budget: Budget) -> None:
    """Set the budget of a host; it holds from the next request on."""
    values = _row(host, budget) | {"is_set": True, "pace": 1.0}
    with engine.begin() as connection:
        changed = {name: value for name, value in values.items() if name != "host"}
        wanted = _insert(connection).on_conflict_do_update(index_elements=["host"], set_=changed)
        connection.execute(wanted, values)


def forget_budget(engine: Engine, host: str) -> None:
    """Give a host the budget again that it publishes, or the usual one."""
    values = _row(host, budget_of(host)) | {"is_set": False}
    with engine.begin() as connection:
        connection.execute(update(HostBudget).where(HostBudget.host == host).values(values))


def take(engine: Engine, host: str, lease_seconds: float) -> Grant | float:
    """Return the right to ask a host once now, or how many seconds to wait before asking again."""
    with engine.begin() as connection:
        row = _locked(connection, host)
        state, now = _state(row), row.now
        wait = wait_seconds(state, _counted(connection, host, now), now)
        if wait > 0:
            return wait
        _store(connection, host, after_grant(state, now))
        lease = now + timedelta(seconds=lease_seconds)
        until = lease + timedelta(seconds=state.budget.period_seconds)
        values = {"host": host, "begun_at": now, "lease_until": lease, "counts_until": until}
        number = connection.scalars(insert(HostRequest).returning(HostRequest.host_request_id), values).one()
        return Grant(number, host, now)


def give_back(engine: Engine, grant: Grant, arrived_ago: float, refusal: Refusal | None = None) -> None:
    """End a request: the host had it `arrived_ago` seconds ago at the latest, and answered or refused it.

    Safe to repeat.
    """
    with engine.begin() as connection:
        row = _locked(connection, grant.host)
        state, now = _state(row), row.now
        seconds = max(0.0, state.budget.period_seconds - arrived_ago)
        ended = update(HostRequest).where(HostRequest.host_request_id == grant.host_request_id)
        open_still = ended.where(HostRequest.lease_until.is_not(None))
        values = {"lease_until": None, "counts_until": now + timedelta(seconds=seconds)}
        if not connection.execute(open_still.values(values)).rowcount and refusal is None:
            return
        if refusal is None:
            after = after_answer(state, grant.begun_at, now)
        else:
            after = after_refusal(state, grant.begun_at, now, refusal.retry_after, refusal.too_many)
        _store(connection, grant.host, after)


def states(connection: Connection) -> dict[str, tuple[HostState, datetime]]:
    """Return how the budget of every known host stands, with the database's moment."""
    rows = connection.execute(select(HostBudget.__table__, database_now().label("now")).order_by(HostBudget.host))
    return {row.host: (_state(row), row.now) for row in rows}


def _locked(connection: Connection, host: str) -> Row[*tuple[Any, ...]]:
    """Return the row of a host, which nobody else changes until the end of the transaction."""
    # the clock is read once the lock is ours: `now` in the statement that waits would be of before
    wanted = select(HostBudget.__table__).where(HostBudget.host == host).with_for_update()
    if connection.execute(wanted).one_or_none() is None:
        know_hosts(connection, [host])
        connection.execute(wanted)
    return connection.execute(
        select(HostBudget.__table__, database_now().label("now")).where(HostBudget.host == host)
    ).one()


def _counted(connection: Connection, host: str, now: datetime) -> Counted:
    connection.execute(delete(HostRequest).where(HostRequest.host == host, HostRequest.counts_until <= now))
    in_flight = func.count().filter(HostRequest.lease_until > now)
    counts = select(func.count(), in_flight, func.min(HostRequest.counts_until)).where(HostRequest.host == host)
    return Counted(*connection.execute(counts).one())


def _state(row: Any) -> HostState:
    budget = Budget(row.requests, row.period_seconds, row.in_flight)
    return HostState(budget, row.pace, row.pace_changed_at, row.refusals, row.held_until, row.next_at)


def _store(connection: Connection, host: str, state: HostState) -> None:
    names = ("pace", "pace_changed_at", "refusals", "held_until", "next_at")
    values = {name: getattr(state, name) for name in names}
    connection.execute(update(HostBudget).where(HostBudget.host == host).values(values))


def _row(host: str, budget: Budget) -> dict[str, Any]:
    return {
        "host": host,
        "requests": budget.requests,
        "period_seconds": budget.period_seconds,
        "in_flight": budget.in_flight,
    }


def _insert(connection: Connection) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(HostBudget)
