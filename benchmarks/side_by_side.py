"""Two ways to the same result, timed beside each other in one run: ratios hold where absolute times do not.

Each row has wall and processor time; its ratio is that of processor times, so that a busy machine does not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long something took, by the clock on the wall and of the processor (of all threads)."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{_time(self.processor)} / {_time(self.wall)}"


@dataclass(frozen=True)
class Comparison:
    """One row of the table: what ours and the other way cost, and how far the results agree."""

    name: str
    against: str
    ours: Seconds
    theirs: Seconds
    wanted: float
    agreement: str

    @property
    def ratio(self) -> float:
        """How many times less processor time ours takes."""
        return self.theirs.processor / self.ours.processor

    @property
    def wall_ratio(self) -> float:
        """How many times faster ours was here, whatever else the machine did."""
        return self.theirs.wall / self.ours.wall


@dataclass(frozen=True)
class NotMeasured:
    """A row that could not be measured here, and why."""

    name: str
    reason: str


Row = Comparison | NotMeasured


def timed(call: Callable[[], T], repeats: int = 1) -> tuple[Seconds, T]:
    """Return the shortest wall and the shortest processor time of `repeats` calls, and what the last one returned."""
    wall = processor = float("inf")
    for _ in range(repeats):
        started, spent = perf_counter(), process_time()
        result = call()
        wall, processor = min(wall, perf_counter() - started), min(processor, process_time() - spent)
    return Seconds(wall, processor), result


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table; times and ratios are of the processor, then of the wall."""
    lines = ["| what | against | ours | theirs | ratio | wanted | agreement |", "|---|---|---:|---:|---:|---:|---|"]
    for row in rows:
        if isinstance(row, NotMeasured):
            lines.append(f"| {row.name} | not measured: {row.reason} | | | | | |")
            continue
        verdict = "" if row.ratio >= row.wanted else " **missed**"
        lines.append(
            f"| {row.name} | {row.against} | {row.ours} | {row.theirs} "
            f"| {row.ratio:,.1f} x{verdict} / {row.wall_ratio:,.1f} x | >= {row.wanted:,.0f} x | {row.agreement} |"
        )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
