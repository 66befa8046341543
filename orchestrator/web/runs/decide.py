"""A button of the run page, as a decision on page runs: `cancel:volume:3`, `retry:code:unreadable_image`."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, select

from models import PageRunState, Volume
from orchestrator.database import open_existing
from orchestrator.feeder.window import BULK, INTERACTIVE
from orchestrator.page_runs.decisions import cancel, prioritise, retry
from orchestrator.results.selection import Selection
from orchestrator.terminal.wording import plural
from workers.errors import UnreadableInput

Decision = Callable[[Engine, Selection], int]

# What a button says it does -> what it does, and the sentence about how many page runs that were.
DECISIONS: dict[str, tuple[Decision, str]] = {
    "cancel": (cancel, "{} cancelled."),
    "retry": (lambda engine, of: retry(engine, [PageRunState.QUARANTINED], of), "{} ready again."),
    "resume": (lambda engine, of: retry(engine, [PageRunState.CANCELLED], of), "{} taken up again."),
    "first": (lambda engine, of: prioritise(engine, of, INTERACTIVE), "{} will go first."),
    "in_turn": (lambda engine, of: prioritise(engine, of, BULK), "{} will wait for their turn."),
}


def decide(reader: Engine, database_url: str, button: str) -> str:
    """Do what a button stands for, and return the sentence about it.

    Raises:
        UnreadableInput: there is no such button, or no such volume.
    """
    name, _, about = button.partition(":")
    if name not in DECISIONS:
        raise UnreadableInput("There is no such button.")
    decision, sentence = DECISIONS[name]
    selection = _selection(reader, about)
    writer = open_existing(database_url, read_only=False)
    try:
        return sentence.format(plural(decision(writer, selection), "page run"))
    finally:
        writer.dispose()


def _selection(reader: Engine, about: str) -> Selection:
    kind, _, value = about.partition(":")
    if kind == "code" and value:
        return Selection(code=value)
    if kind != "volume" or not value.isdecimal():
        raise UnreadableInput("There is no such button.")
    with reader.connect() as connection:
        source = connection.scalar(select(Volume.source).where(Volume.volume_id == int(value)))
    if source is None:
        raise UnreadableInput("This volume is no longer in the database; load the page again.")
    return Selection(volumes=(source,))
