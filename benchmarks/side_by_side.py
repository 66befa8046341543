"""Two ways to the same result, timed beside each other in one run: ratios hold where absolute times do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Comparison:
    """One row of the table: what ours and the other way cost in seconds, and how far the results agree."""

    name: str
    against: str
    ours: float
    theirs: float
    wanted: float
    agreement: str

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours


@dataclass(frozen=True)
class NotMeasured:
    """A row that could not be measured here, and why."""

    name: str
    reason: str


Row = Comparison | NotMeasured


def timed(call: Callable[[], T], repeats: int = 1) -> tuple[float, T]:
    """Return the shortest wall time in seconds of `repeats` calls, and what the last one returned."""
    best = float("inf")
    for _ in range(repeats):
        started = perf_counter()
        result = call()
        best = min(best, perf_counter() - started)
    return best, result


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | against | ours | theirs | ratio | wanted | agreement |", "|---|---|---:|---:|---:|---:|---|"]
    for row in rows:
        if isinstance(row, NotMeasured):
            lines.append(f"| {row.name} | not measured: {row.reason} | | | | | |")
            continue
        verdict = "" if row.ratio >= row.wanted else " **missed**"
        lines.append(
            f"| {row.name} | {row.against} | {_time(row.ours)} | {_time(row.theirs)} "
            f"| {row.ratio:,.1f} x{verdict} | >= {row.wanted:,.0f} x | {row.agreement} |"
        )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
