"""How much a command says besides what it was asked for: `-q`, nothing, or `-v`."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import click

from workers.telemetry import logs

_KEY = "orchestrator.terminal.verbosity"


class Verbosity(IntEnum):
    """From errors alone to what goes on inside."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2

    @property
    def log_level(self) -> str:
        """The level from which log lines are shown, where a process is all log."""
        return ("warning", "info", "debug")[self]


def verbosity() -> Verbosity:
    """Return what the running command was asked for."""
    context = click.get_current_context(silent=True)
    return Verbosity.NORMAL if context is None else context.meta.get(_KEY, Verbosity.NORMAL)


def say(sentence: str) -> None:
    """Tell the user on standard error how it went; -q silences it."""
    if verbosity() > Verbosity.QUIET:
        click.echo(sentence, err=True)


def verbosity_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `-q` and `-v`; `verbosity` tells which was given."""

    quiet = click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_keep(Verbosity.QUIET),
        help="Say nothing but errors and the answer.",
    )  # fmt: skip
    verbose = click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_keep(Verbosity.VERBOSE),
        help="Say more of what goes on.",
    )  # fmt: skip
    return quiet(verbose(function))


def _keep(level: Verbosity) -> Callable[[click.Context, click.Parameter, bool], None]:
    def into_context(context: click.Context, _parameter: click.Parameter, given: bool) -> None:
        if given:
            context.meta[_KEY] = level
            if level == Verbosity.VERBOSE:
                logs.configure("text", "info")

    return into_context
