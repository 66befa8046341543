"""The status as people read it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from models import PageRunState
from orchestrator.status.figures import Fleet, Status
from orchestrator.terminal.wording import counted, duration


def render_status(status: Status, fleet_first: bool = False) -> RenderableType:
    """Return the status as tables with a word about the fleet below, or above where the end may be cut off."""
    if not status.volumes:
        return Text("The database holds no page yet.")
    tables: list[RenderableType] = [_volumes(status.volumes)]
    if status.failures:
        tables.append(_failures(status.failures))
    fleet = Text(fleet_sentence(status.fleet, status.unfinished))
    return Group(fleet, *tables) if fleet_first else Group(*tables, fleet)


def fleet_sentence(fleet: Fleet, unfinished: int) -> str:
    """Return the fleet in two lines: who is at work on what, and how fast it goes."""
    lease = "" if fleet.oldest_lease_s is None else f", the oldest for {duration(fleet.oldest_lease_s)}"
    left = "" if fleet.time_left_s is None else f", {duration(fleet.time_left_s)} left"
    processes = f"{fleet.processes:,} process{'' if fleet.processes == 1 else 'es'}"
    return (
        f"{counted(fleet.workers, 'worker')} with {processes}; "
        f"window: {fleet.queued:,} queued, {fleet.running:,} running{lease}\n"
        f"{fleet.pages_per_second:.2f} pages/s, {counted(unfinished, 'page')} to go{left}"
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
