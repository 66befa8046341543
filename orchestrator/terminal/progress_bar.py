"""A bar for what takes its time, on terminals only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orchestrator.terminal.verbosity import Verbosity, verbosity

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Advance:
    """What moves a bar; `say` prints a sentence above it."""

    to: Callable[[int], None]
    say: Callable[[str], None]

    def counting(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, and move the bar when the next one is asked for."""
        for number, item in enumerate(items, start=1):
            yield item
            self.to(number)


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Show a bar on standard error for the block; it moves to the counts that are told, up to `total`."""
    console = Console(stderr=True, highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    hidden = not console.is_terminal or verbosity() == Verbosity.QUIET
    with Progress(*columns, console=console, disable=hidden) as bar:
        task = bar.add_task(label, total=total)
        yield Advance(
            lambda done: bar.update(task, completed=done),
            lambda sentence: console.print(sentence, markup=False, soft_wrap=True),
        )
