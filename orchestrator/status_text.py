"""The status as people read it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from models import PageRunState
from orchestrator.durations import duration
from orchestrator.status import Fleet, Status


def render_status(status: Status) -> RenderableType:
    """Return the status as tables, for printing once or for a live display."""
    if not status.volumes:
        return Text("The database holds no page yet.")
    parts: list[RenderableType] = [_volumes(status.volumes)]
    if status.failures:
        parts.append(_failures(status.failures))
    parts.append(Text(fleet_sentence(status.fleet, status.unfinished)))
    return Group(*parts)


def fleet_sentence(fleet: Fleet, unfinished: int) -> str:
    """Return the fleet in one sentence."""
    lease = "" if fleet.oldest_lease_s is None else f", the oldest for {duration(fleet.oldest_lease_s)}"
    left = "" if fleet.time_left_s is None else f", {duration(fleet.time_left_s)} left"
    return (
        f"{fleet.workers} workers with {fleet.processes} processes; window: {fleet.queued:,} queued, "
        f"{fleet.running:,} running{lease}; {fleet.pages_per_second:.2f} pages/s, {unfinished:,} pages to go{left}"
    )


def _volumes(volumes: dict[str, dict[str, int]]) -> Table:
    table = Table("volume")
    for state in PageRunState:
        table.add_column(state, justify="right")
    for name, counts in volumes.items():
        table.add_row(name, *(f"{counts.get(state, 0):,}" for state in PageRunState))
    return table


def _failures(failures: dict[str, int]) -> Table:
    table = Table("error code", "quarantined")
    for code, count in failures.items():
        table.add_row(code, f"{count:,}")
    return table
