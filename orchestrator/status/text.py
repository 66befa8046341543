"""The status as people read it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from models import PageRunState
from orchestrator.feeder.host_waits import host_sentence
from orchestrator.status.figures import Fleet, Status, unfinished_of
from orchestrator.terminal.wording import cut_middle, mebibytes, plural, seconds_in_words

LEAST_NAME = 16


def render_status(
    status: Status, width: int, rows: int | None, next_step: str, fleet_first: bool = False
) -> RenderableType:
    """Return the status as tables of at most `width` characters and `rows` volumes, with a word about the fleet below.

    The word stands above where the end may be cut off; `next_step` is the command that goes on where nobody works.
    """
    if not status.volumes and not status.gone:
        return Text("The database holds no page yet.")
    tables: list[RenderableType] = [_volumes(status, width, rows)] if status.volumes else []
    if status.failures:
        tables += ["", _failures(status.failures)]
    if status.gone:
        tables += ["", _gone(status, rows)]
    tables += [Text(f"{plural(count, 'page')} to be tried again: {why}") for why, count in status.waiting.items()]
    tables += [Text(host_sentence(host)) for host in status.hosts]
    if status.cache_files:
        tables += [
            Text(f"Kept of stores on this machine: {mebibytes(status.cache_bytes)} (broadsheet prune empties it)")
        ]
    fleet = Text(fleet_sentence(status.fleet, status.unfinished, next_step), no_wrap=True, overflow="ignore")
    return Group(fleet, "", *tables) if fleet_first else Group(*tables, "", fleet)


def fleet_sentence(fleet: Fleet, unfinished: int, next_step: str) -> str:
    """Return the fleet in at most two lines: who is at work on what, and how fast it goes."""
    if not unfinished:
        return "Every page has ended."
    if not fleet.workers:
        return f"Nobody works, and {plural(unfinished, 'page')} wait{'s' * (unfinished == 1)}; run:\n  {next_step}"
    running = fleet.running - fleet.lost
    lease = f", the oldest for {seconds_in_words(fleet.oldest_lease_s)}" if running and fleet.oldest_lease_s else ""
    left = "" if fleet.time_left_s is None else f", {seconds_in_words(fleet.time_left_s)} left"
    processes = f"{fleet.processes:,} process{'' if fleet.processes == 1 else 'es'}"
    return (
        f"{plural(fleet.workers, 'worker')} with {processes}; "
        f"window: {fleet.queued:,} queued, {running:,} running{lease}\n"
        f"{fleet.pages_per_second:.2f} pages/s, {plural(unfinished, 'page')} to go{left}"
    )


def _volumes(status: Status, width: int, rows: int | None) -> Table:
    """Return the volumes that are not finished first, the rest as one row, and the total."""
    states = [state for state in PageRunState if status.total.get(state)]
    ordered = sorted(status.volumes, key=lambda name: not unfinished_of(status.volumes[name]))
    shown = ordered if rows is None or len(ordered) <= rows + 1 else ordered[:rows]
    cells = {name: _cells(status.volumes[name], states) for name in shown}
    below = {}
    if len(shown) < len(ordered):
        rest = [status.volumes[name] for name in ordered[len(shown) :]]
        below[f"{len(rest):,} more (--all)"] = _cells(
            {state: sum(counts.get(state, 0) for counts in rest) for state in states}, states
        )
    if len(ordered) > 1:
        below[plural(len(ordered), "volume")] = _cells(status.total, states)
    widths = [
        max(len(cell) for cell in column) for column in zip(states, *cells.values(), *below.values(), strict=True)
    ]
    gap = 2 if width - sum(widths) - 2 * len(widths) > LEAST_NAME else 1
    room = max(LEAST_NAME, width - sum(widths) - gap * (len(widths) + 1))
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False)
    table.add_column("volume", no_wrap=True)
    for state, cell_width in zip(states, widths, strict=True):
        table.add_column(state, justify="right", no_wrap=True, min_width=cell_width)
    for name, row in cells.items():
        table.add_row(Text(cut_middle(name, room)), *row)
    for name, row in below.items():
        table.add_row(name, *row, style="bold")
    return table


def _cells(counts: Mapping[str, int], states: list[PageRunState]) -> list[str]:
    return [f"{counts.get(state, 0):,}" for state in states]


def _failures(failures: Mapping[str, int]) -> Table:
    table = Table("error code", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("quarantined", justify="right")
    for code, count in failures.items():
        table.add_row(code, f"{count:,}")
    return table


def _gone(status: Status, rows: int | None) -> RenderableType:
    """Return the scans that are gone: how many of each volume, and why; their names where these were asked for."""
    if status.gone_pages:
        pages = Table("gone", "page", "volume", "since (UTC)", box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for one in status.gone_pages:
            pages.add_row(one.reason, Text(one.page, overflow="fold"), Text(one.volume, overflow="fold"), one.gone_at)
        return pages
    names = list(status.gone) if rows is None else list(status.gone)[:rows]
    sentences = [f"Gone from {name}: {_reasons(status.gone[name])}" for name in names]
    if more := len(status.gone) - len(names):
        sentences.append(f"and from {plural(more, 'more volume')} (--all)")
    return Text("\n".join([*sentences, "Their results are in no view but those of history; --gone names them."]))


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
