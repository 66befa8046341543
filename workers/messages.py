"""What a message of ours is called, where it goes, and how large it may be: known to all who send or take one."""

from __future__ import annotations

from enum import StrEnum

PROCESS_PAGE = "broadsheet.process_page"
# A message of ours has some hundred bytes; the answers to questions that monitors ask have a few thousand.
MAX_MESSAGE_BYTES = 64 * 1024


class Queue(StrEnum):
    """The queues, in the order in which workers look into them: the transport goes by their names' order."""

    INTERACTIVE = "pages-1-interactive"
    ALONE = "pages-2-alone"
    BULK = "pages-3-bulk"


def key_prefix(database_id: str) -> str:
    """Return what the keys of one database's messages begin with: a Redis may serve others, and other programs."""
    return f"broadsheet:{database_id}:"
