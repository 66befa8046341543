"""Where things stand: pages by volume and state, failures by code."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, func, select

from models import Page, PageRun, PageRunState, Volume


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of page runs: `volumes[source][state]` and `failures[code]`."""

    volumes: dict[str, dict[str, int]]
    failures: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the status for `--json`."""
        return asdict(self)


def read_status(engine: Engine) -> Status:
    """Count page runs by volume and state, and the quarantined ones by error code."""
    by_volume = (
        select(Volume.source, PageRun.state, func.count())
        .select_from(PageRun)
        .join(Page, Page.page_id == PageRun.page_id)
        .join(Volume, Volume.volume_id == Page.volume_id)
        .group_by(Volume.source, PageRun.state)
        .order_by(Volume.source)
    )
    by_code = (
        select(PageRun.error_code, func.count())
        .where(PageRun.state == PageRunState.QUARANTINED)
        .group_by(PageRun.error_code)
        .order_by(func.count().desc())
    )
    volumes: dict[str, dict[str, int]] = defaultdict(dict)
    with engine.connect() as connection:
        for source, state, count in connection.execute(by_volume):
            volumes[source][state] = count
        failures = {code or "unknown": count for code, count in connection.execute(by_code)}
    return Status(dict(volumes), failures)


def render_status(status: Status) -> None:
    """Print the status as tables."""
    console = Console()
    if not status.volumes:
        console.print("The database holds no page yet.")
        return
    console.print(_table("volume", status.volumes))
    if status.failures:
        failures = Table("error code", "quarantined")
        for code, count in status.failures.items():
            failures.add_row(code, f"{count:,}")
        console.print(failures)


def _table(title: str, rows: dict[str, dict[str, int]]) -> Table:
    table = Table(title)
    for state in PageRunState:
        table.add_column(state, justify="right")
    for name, counts in rows.items():
        table.add_row(name, *(f"{counts.get(state, 0):,}" for state in PageRunState))
    return table
