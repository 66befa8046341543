"""A bar for what takes its time, on terminals only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def progress(label: str, length: int, things: Iterable[Any] | None = None) -> ProgressBar[Any]:
    """Return a bar on standard error that goes on with each of `things`, or by its `update`."""
    stderr = click.get_text_stream("stderr")
    return click.progressbar(things, length=length, label=label, file=stderr, hidden=not stderr.isatty())
