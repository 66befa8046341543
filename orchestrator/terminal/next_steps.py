"""The commands that go on from here, as the user can copy them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from orchestrator.terminal.wording import plural
from workers.config import Settings
from workers.telemetry.secrets import masked

NAMED = 3


def database_place(settings: Settings) -> str:
    """Return where the database is: the path of a file as seen from here, or the address of a server, masked."""
    if not settings.database_url.startswith("sqlite:///"):
        return masked(settings.database_url)
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def with_database(command: str, settings: Settings) -> str:
    """Return a command with the database it needs to be told of."""
    place = database_place(settings)
    return command if place == "broadsheet.db" else f"{command} --database {shlex.quote(place)}"


def go_on(settings: Settings, volumes: Sequence[str]) -> str:
    """Return what makes the unfinished pages of volumes go on, which nobody works on."""
    if settings.database_url.startswith("sqlite"):
        names = [shlex.quote(name) for name in volumes[:NAMED]] + ["..."] * (len(volumes) > NAMED)
        return with_database(" ".join(["broadsheet ingest", *names]), settings)
    return f"{with_database('broadsheet worker', settings)} and broadsheet feed, both with --broker"


def take_up_cancelled(settings: Settings, volumes: Sequence[str], cancelled: int) -> str:
    """Return how pages of volumes that have no result, since they were cancelled, get one."""
    named = [f"--volume {shlex.quote(name)}" for name in volumes] if len(volumes) <= NAMED else []
    retry = with_database(" ".join(["broadsheet retry --cancelled", *named]), settings)
    then = f" && {go_on(settings, volumes)}" if settings.database_url.startswith("sqlite") else ""
    them = "it" if cancelled == 1 else "them"
    return f"{plural(cancelled, 'page')} cancelled and without a result; to run {them}: {retry}{then}"


def after_ingest(settings: Settings, volumes: Sequence[str], unfinished: int) -> str:
    """Return what can be done when an ingest has ended."""
    if unfinished:
        waiting = f"{plural(unfinished, 'page')} wait{'s' * (unfinished == 1)} in {database_place(settings)}"
        return f"{waiting}; to have them read: {go_on(settings, volumes)}"
    report = with_database("broadsheet report", settings)
    query = with_database("broadsheet query --list", settings)
    return f"The results are in {database_place(settings)}; next: {report}, or {query}"
