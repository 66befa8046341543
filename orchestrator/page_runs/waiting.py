"""Pages that wait for a store which cannot be read now: they were put off, uncounted, and are tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, func, select

from models import PageRun, PageRunState
from workers.errors import NotNow

SHOWN = 5


def waited_for(connection: Connection, narrow: Callable[[Any], Any]) -> dict[str, int]:
    """Count the pages that are to be tried again, by the sentence on what they wait for; the most waited for first.

    Args:
        connection: of the database.
        narrow: narrows a statement on page_run to those that are asked about.
    """
    statement = (
        narrow(select(PageRun.error_message, func.count()).select_from(PageRun))
        .where(PageRun.state == PageRunState.READY, PageRun.error_code == NotNow.code, PageRun.host == "")
        .group_by(PageRun.error_message)
        .order_by(func.count().desc(), PageRun.error_message)
        .limit(SHOWN)
    )
    return {message or "": count for message, count in connection.execute(statement)}
