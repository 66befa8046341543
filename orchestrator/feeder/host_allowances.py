"""How many page runs may be in the queue for each host on the web: as many as its budget lets begin soon.

More would only come back from the workers, who may ask the host no faster.
"""

from __future__ import annotations

import math

from sqlalchemy import Connection, func, select

from models import PageRun
from models.page_run import is_in_flight
from workers.lease.host_budgets import states
from workers.sources.politeness import HostState

HORIZON_SECONDS = 10.0  # a message is on its way for less; who has the picture waits for the host no more


def allowances(connection: Connection) -> dict[str, int]:
    """Return by host how many more page runs may be queued; hosts for which there are none are left out."""
    known = states(connection)
    if not known:
        return {}
    counts = (
        select(PageRun.host, func.count().label("runs"))
        .where(is_in_flight(), PageRun.host != "")
        .group_by(PageRun.host)
    )
    in_flight = {row.host: row.runs for row in connection.execute(counts)}
    free = {
        host: _most(state) - in_flight.get(host, 0) for host, (state, now) in known.items() if not state.is_held(now)
    }
    return {host: most for host, most in free.items() if most > 0}


def _most(state: HostState) -> int:
    return state.budget.in_flight + math.ceil(HORIZON_SECONDS / state.spacing.total_seconds())
