"""The command `broadsheet`: finds its subcommands, and maps every error to a sentence and an exit code, here only."""

from __future__ import annotations

import codecs
import importlib
import io
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

import click

from orchestrator.terminal.verbosity import verbosity_options
from workers.errors import BroadsheetError, ServiceDown, UnreadableInput
from workers.telemetry.secrets import masked

EXIT_DONE, EXIT_QUARANTINED, EXIT_USAGE, EXIT_SERVICE_DOWN = 0, 1, 2, 3
EXIT_OUR_FAULT = 70  # sysexits.h: an internal software error

_INSUFFICIENT_PRIVILEGE = "42501"

# Name -> module; each is imported only when it is called for, so that --help answers at once.
COMMANDS = {
    "ingest": "orchestrator.commands.ingest",
    "feed": "orchestrator.commands.feed",
    "worker": "orchestrator.commands.worker",
    "status": "orchestrator.commands.status",
    "quarantine": "orchestrator.commands.quarantine",
    "retry": "orchestrator.commands.retry",
    "cancel": "orchestrator.commands.cancel",
    "query": "orchestrator.commands.query",
    "schema": "orchestrator.commands.schema",
    "settings": "orchestrator.commands.settings",
    "describe": "orchestrator.commands.describe",
    "export": "orchestrator.commands.export",
    "web": "orchestrator.commands.web",
    "report": "orchestrator.commands.report",
    "overlay": "orchestrator.commands.overlay",
    "explain": "orchestrator.commands.explain",
    "compare": "orchestrator.commands.compare",
    "evaluate": "orchestrator.commands.evaluate",
    "host": "orchestrator.commands.host",
    "volume": "orchestrator.commands.volume",
    "prune": "orchestrator.commands.volume",
    "db": "orchestrator.commands.db",
}


class LazyGroup(click.Group):
    """A group whose commands are modules of `orchestrator.commands`, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the command and return it."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and suggest the nearest name to one that does not exist."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                error.message += f" Did you mean {near[0]!r}?"
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "-V", "--version", package_name="broadsheet")
@verbosity_options
def broadsheet() -> None:
    """Turn archives of scanned pages into a SQL database of text lines, columns, faces and timings.

    \b
    broadsheet ingest scans/ issue.zip book.pdf
    broadsheet query "SELECT page, text_lines FROM page_status"
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code.

    Raises:
        KeyboardInterrupt: Ctrl-C, also at a question.
        Exception: whatever it ended with; `report` tells it.
    """
    _write_any_name(sys.stdout, sys.stderr)
    try:
        result = broadsheet.main(args=list(arguments), prog_name="broadsheet", standalone_mode=False)
    except click.Abort as error:  # click says no more of either
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise UnreadableInput("Nobody answered, so nothing was done; give --yes where nobody can be asked.") from None
    return result if isinstance(result, int) else EXIT_DONE


def _write_any_name(*streams: TextIO) -> None:
    """Let file names of every language, and those that are no UTF-8, pass in every locale.

    A locale that knows ASCII only says nothing about the terminal; UTF-8 holds it.
    """
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            unicode = ascii_only or codecs.lookup(stream.encoding).name == "utf-8"
            stream.reconfigure(
                encoding="utf-8" if ascii_only else None, errors="surrogateescape" if unicode else "replace"
            )


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Print what happened in a sentence, with the traceback only when asked; return the exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of our output (head, less) has seen enough
        sys.stderr.close()
        return EXIT_DONE
    if "--debug" in arguments:
        click.echo(masked("".join(traceback.format_exception(error))), err=True)
    code, sentence = judge(error)
    click.echo(masked(sentence), err=True)
    return code


def judge(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the sentence for an error."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return EXIT_USAGE, error.format_message()
    if isinstance(error, click.ClickException):
        hint = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "broadsheet"
        sentence = " ".join(error.format_message().split())  # click lists choices on lines of their own
        return EXIT_USAGE, f"{sentence}\nSee '{hint} --help'."
    return _classify_ours(error)


def _classify_ours(error: BaseException) -> tuple[int, str]:
    from sqlalchemy.exc import DatabaseError, OperationalError

    if isinstance(error, ServiceDown):
        return EXIT_SERVICE_DOWN, str(error)
    if isinstance(error, BroadsheetError):
        return EXIT_USAGE, str(error)
    if isinstance(error, DatabaseError) and (type(error) is DatabaseError or _may_not(error.orig)):
        return EXIT_USAGE, f"The database refused: {first_line(error.orig)}"
    if isinstance(error, OperationalError) and not _is_sql_mistake(error.orig):
        return EXIT_SERVICE_DOWN, f"The database does not answer: {first_line(error.orig)}"
    if isinstance(error, OSError) and error.strerror:
        return EXIT_USAGE, f"{error.filename or 'The output'}: {error.strerror}."
    return (
        EXIT_OUR_FAULT,
        f"This is a mistake of Broadsheet's own: {type(error).__name__}: {first_line(error)}. "
        "Run again with --debug for the details, and report them.",
    )


def _may_not(error: object) -> bool:
    """Return whether the user lacks a right; the kinds of `DatabaseError` are mistakes in our own SQL otherwise."""
    read_only = getattr(error, "sqlite_errorname", "").startswith("SQLITE_READONLY")
    return read_only or getattr(error, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE


def _is_sql_mistake(error: object) -> bool:
    # SQLite speaks of an operational error also when a table does not exist
    return getattr(error, "sqlite_errorname", None) == "SQLITE_ERROR"


def first_line(error: object) -> str:
    """Return the first line of an error's text: drivers add hints and links below it."""
    return (str(error).strip().splitlines() or ["no further word"])[0]
