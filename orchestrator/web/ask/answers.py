"""A question and its answer, bounded: read-only by the database, so many rows, so much time, so many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from sqlalchemy import Engine, select, text

from models import Page, PageRun, Volume
from orchestrator.query.formats import csv_parts
from orchestrator.query.query import QueryError, QueryStopped, ValueMissing, run_query, typed_values
from workers.errors import TransientError

ROWS_SHOWN = 500
SHOWN_SECONDS, CSV_SECONDS = 10.0, 120.0
ASKED_AT_ONCE, WRITTEN_AT_ONCE, WAIT_SECONDS = 4, 2, 5.0
TEXT_SHOWN = 300  # characters of a value

_ASKING, _WRITING = threading.BoundedSemaphore(ASKED_AT_ONCE), threading.BoundedSemaphore(WRITTEN_AT_ONCE)
# Who may read the server's own files, or end its other connections, whatever transaction they are in.
_MIGHTY = text(
    "SELECT rolsuper OR pg_has_role(oid, 'pg_read_server_files', 'member') OR pg_has_role(oid, 'pg_signal_backend', "
    "'member') OR pg_has_role(oid, 'pg_execute_server_program', 'member') FROM pg_roles WHERE rolname = current_user"
)


class Busy(TransientError):
    """Others ask at the moment."""

    code = "busy"


@dataclass(frozen=True, slots=True)
class Question:
    """A statement with the values of its parameters."""

    sql: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of an answer; `pages` has the number of the page that each row is about, None where it is none."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    pages: Sequence[int | None]
    goes_on: bool
    seconds: float

    @property
    def about_pages(self) -> bool:
        """Return whether there are rows that are about a page."""
        return any(self.pages)


def first_rows(engine: Engine, question: Question) -> Table:
    """Return the first rows of the answer.

    Raises:
        QueryError: the database refused, or the time is over.
        Busy: too many ask at once.
    """
    began = time.monotonic()
    with _one_of_few(_ASKING), _in_our_words(SHOWN_SECONDS), _asked(engine, question, SHOWN_SECONDS) as answer:
        rows = list(islice(chain.from_iterable(answer.batches), ROWS_SHOWN + 1))
        columns = answer.columns
    seconds = time.monotonic() - began
    shown = rows[:ROWS_SHOWN]
    return Table(columns, shown, _pages_of(engine, columns, shown), len(rows) > ROWS_SHOWN, seconds)


def as_csv(engine: Engine, question: Question) -> Iterator[str]:
    """Yield the whole answer as CSV. The first part comes when the database has accepted the question.

    Raises:
        QueryError: the database refused, or the time is over.
        Busy: too many ask at once.
    """
    with _one_of_few(_WRITING), _in_our_words(CSV_SECONDS), _asked(engine, question, CSV_SECONDS) as answer:
        yield from csv_parts(answer)


def may_ask(engine: Engine) -> bool:
    """Return whether a reader's question is safe: on PostgreSQL a superuser's SELECT can do more than read tables."""
    if engine.dialect.name == "sqlite":
        return True
    with engine.connect() as connection:
        return not connection.execute(_MIGHTY).scalar_one()


@contextmanager
def _asked(engine: Engine, question: Question, seconds: float) -> Iterator[Any]:
    values = typed_values(question.values, engine.dialect.name)
    with run_query(engine, question.sql, values, seconds) as answer:
        yield answer


@contextmanager
def _one_of_few(turns: threading.BoundedSemaphore) -> Iterator[None]:
    if not turns.acquire(timeout=WAIT_SECONDS):
        raise Busy("Others ask at the moment, and their questions take long; ask again in a while.")
    try:
        yield
    finally:
        turns.release()


@contextmanager
def _in_our_words(seconds: float) -> Iterator[None]:
    """Say what can be done here, where the command speaks of its options."""
    try:
        yield
    except QueryStopped as error:
        raise QueryStopped(
            f"The query was stopped after {seconds:g} s; narrow it, or ask on the machine: broadsheet query."
        ) from error
    except ValueMissing as error:
        raise QueryError(f"The query needs a value for :{error.name}; fill it in below.") from error


def _pages_of(engine: Engine, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int | None]:
    """Return which page each row is about, by its number, by that of its page run, or by its name in its volume."""
    place = {name: index for index, name in reversed(list(enumerate(columns)))}
    if "page_id" in place:
        keys = [row[place["page_id"]] for row in rows]
        known = _looked_up(engine, select(Page.page_id, Page.page_id), Page.page_id, keys, int)
    elif "page_run_id" in place:
        keys = [row[place["page_run_id"]] for row in rows]
        known = _looked_up(engine, select(PageRun.page_run_id, PageRun.page_id), PageRun.page_run_id, keys, int)
    elif "volume" in place and "page" in place:
        keys = [(row[place["volume"]], row[place["page"]]) for row in rows]
        return _by_name(engine, keys)
    else:
        keys, known = [None] * len(rows), {}
    return [known.get(key) if isinstance(key, int) else None for key in keys]


def _looked_up(engine: Engine, found: Any, column: Any, keys: Sequence[Any], kind: type) -> dict[Any, int]:
    wanted = {key for key in keys if isinstance(key, kind) and not isinstance(key, bool)}
    with engine.connect() as connection:
        return dict(connection.execute(found.where(column.in_(wanted))).all()) if wanted else {}


def _by_name(engine: Engine, keys: Sequence[tuple[Any, Any]]) -> list[int | None]:
    wanted = {key for key in keys if all(isinstance(part, str) for part in key)}
    if not wanted:
        return [None] * len(keys)
    named = (
        select(Volume.source, Page.name, Page.page_id)
        .join(Page, Page.volume_id == Volume.volume_id)
        .where(
            # not as pairs: the databases look such up one by one in the index of names only in parts
            Volume.source.in_({source for source, _ in wanted}),
            Page.name.in_({name for _, name in wanted}),
            Page.gone_at.is_(None),
        )
    )
    with engine.connect() as connection:
        known = {(source, name): number for source, name, number in connection.execute(named)}
    return [known.get(key) for key in keys]
