"""The live display of an ingest: pages done of N, pages/s, time left, failures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from models import PageRunState
from orchestrator.ingest.summary import Counts
from orchestrator.terminal.wording import plural, seconds_in_words

PLAIN_SECONDS = 10.0


class Display(Protocol):
    """What an ingest tells of its way."""

    def show_found(self, pages: int, discovering: bool) -> None:
        """Show how many pages were found so far."""

    def show_counts(self, counts: Counts) -> None:
        """Show how many page runs stand where."""

    def note(self, sentence: str) -> None:
        """Say something that the user should know now."""


@contextmanager
def open_display(quiet: bool) -> Iterator[Display]:
    """Yield a bar on a terminal, a line now and then elsewhere, nothing when quiet."""
    console = Console(stderr=True)
    if quiet:
        yield Silent()
    elif console.is_terminal:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failures]}"),
            console=console,
        ) as bar:
            yield Bar(bar, bar.add_task("Finding pages", total=None, rate="", failures=""))
    else:
        yield Lines(console)


class Silent:
    """Says nothing: `--json` and `--quiet`."""

    def show_found(self, pages: int, discovering: bool) -> None:
        """Say nothing."""

    def show_counts(self, counts: Counts) -> None:
        """Say nothing."""

    def note(self, sentence: str) -> None:
        """Say nothing."""


@dataclass(slots=True)
class Pace:
    """Pages per second since the first count: what was done before this run does not flatter it."""

    _first: tuple[float, int] | None = None

    def rate(self, finished: int, now: float) -> float | None:
        """Return pages per second, None before two counts."""
        if self._first is None:
            self._first = (now, finished)
        elapsed = now - self._first[0]
        return (finished - self._first[1]) / elapsed if elapsed > 0 else None


@dataclass(slots=True)
class Bar:
    """A bar on a terminal."""

    bar: Progress
    task: TaskID
    pace: Pace = field(default_factory=Pace)

    def show_found(self, pages: int, discovering: bool) -> None:
        """Grow the total as pages are found."""
        self.bar.update(self.task, total=pages, description="Finding pages" if discovering else "Pages")

    def show_counts(self, counts: Counts) -> None:
        """Move the bar."""
        finished = counts.total - counts.unfinished
        failed = counts.of(PageRunState.QUARANTINED)
        rate = self.pace.rate(finished, time.monotonic())
        self.bar.update(
            self.task,
            completed=finished,
            rate=f"{rate:.1f} pages/s" if rate else "",
            failures=f"[red]{failed} failed[/red]" if failed else "",
        )

    def note(self, sentence: str) -> None:
        """Print above the bar."""
        self.bar.console.print(sentence)


@dataclass(slots=True)
class Lines:
    """A line now and then, for logs."""

    console: Console
    pace: Pace = field(default_factory=Pace)
    _said_at: float = field(default_factory=time.monotonic)

    def show_found(self, pages: int, discovering: bool) -> None:
        """Say the total once it is known."""
        if not discovering:
            self.console.print(f"{plural(pages, 'page')} found")

    def show_counts(self, counts: Counts) -> None:
        """Say where things stand, at most every few seconds."""
        now = time.monotonic()
        finished = counts.total - counts.unfinished
        rate = self.pace.rate(finished, now)
        if now - self._said_at < PLAIN_SECONDS:
            return
        self._said_at = now
        left = f", {seconds_in_words(counts.unfinished / rate)} left" if rate else ""
        failed = counts.of(PageRunState.QUARANTINED)
        self.console.print(f"{finished} of {counts.total} pages, {failed} failed, {rate or 0:.1f} pages/s{left}")

    def note(self, sentence: str) -> None:
        """Print the sentence."""
        self.console.print(sentence)
