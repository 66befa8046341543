"""The addresses of Ask: a box for SQL with the dictionary beside it, and its answers as a table and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from models.views import VIEWS
from orchestrator.query.named_queries import find_query, named_queries
from orchestrator.query.query import QueryError, parameters_in
from orchestrator.web.access.gate import visitor
from orchestrator.web.ask.answers import ROWS_SHOWN, TEXT_SHOWN, Question, Table, as_csv, first_rows, may_ask
from orchestrator.web.rendering import render
from orchestrator.web.site import Site, site_of
from workers.errors import UnreadableInput

VALUE = "v."  # before the name of a parameter in an address
SQL_CHARACTERS = 20_000
FIRST_QUESTION = "SELECT volume, page, text_lines, faces\nFROM page_status\nORDER BY text_lines DESC\nLIMIT 20"
MIGHTY = (
    "Asking is for operators here: the server reaches the database as a user who may do more than read tables. "
    "docs/deployment.md tells how it gets one who may only read."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks: SQL, the named query that it is or None, what its parameters are and their values."""

    sql: str
    name: str | None
    answers: str
    parameters: tuple[str, ...]
    values: dict[str, str]

    @property
    def complete(self) -> bool:
        """Return whether it can be asked: a named query needs all of its values."""
        return bool(self.sql) and (self.name is None or set(self.parameters) <= set(self.values))

    @property
    def question(self) -> Question:
        """Return what the database is asked."""
        return Question(self.sql, self.values)

    @property
    def address(self) -> str:
        """Return what stands behind the question mark, to link to the same question."""
        what = {"query": self.name} if self.name else {"sql": self.sql}
        return urlencode(what | {VALUE + name: value for name, value in self.values.items()})


def read_asked(request: Request) -> Asked:
    """Return what the address asks.

    Raises:
        UnreadableInput: there is no query of that name, or the SQL is longer than anybody writes.
    """
    asked, dialect = request.query_params, site_of(request).engine.dialect.name
    sql, name = asked.get("sql", "").replace("\r\n", "\n").strip(), asked.get("query", "").strip()
    if len(sql) > SQL_CHARACTERS:
        raise UnreadableInput(f"A question has at most {SQL_CHARACTERS:,} characters here; this one has {len(sql):,}.")
    named = find_query(name.split()[0], dialect) if name else None
    if named is not None and sql not in ("", _bare(named.sql)):
        named = None  # it was changed in the box
    sql = _bare(named.sql) if named else sql
    values = {key.removeprefix(VALUE): text for key, text in asked.items() if key.startswith(VALUE) and text}
    parameters = named.parameters if named else parameters_in(sql)
    values = {key: text for key, text in values.items() if key in parameters}
    return Asked(sql, named.name if named else None, named.answers if named else "", tuple(parameters), values)


def ask(request: Request) -> Response:
    """Show the box, and the answer to what the address asks."""
    site, asked = site_of(request), read_asked(request)
    table, trouble = _table(request, site, asked) if asked.complete else (None, "")
    return render(
        request,
        "ask.html.j2",
        200 if not trouble else 400,
        asked=asked,
        first=FIRST_QUESTION,
        table=table,
        trouble=trouble,
        views=VIEWS,
        named=named_queries(site.engine.dialect.name).values(),
        cell=cell,
        most=ROWS_SHOWN,
    )


def answer_csv(request: Request) -> Response:
    """Send the whole answer as CSV, as the database gives it."""
    asked = read_asked(request)
    _check_right(request, site_of(request))
    parts = as_csv(site_of(request).engine, asked.question)
    first = next(parts, "")  # a mistake in the question is told in a sentence, not in the middle of a file
    name = asked.name or "answer"
    return StreamingResponse(
        _goes_on(first, parts),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )


def cell(value: Any) -> str:
    """Return a value of an answer as people read it; long texts are cut."""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, bytes):
        value = value[: TEXT_SHOWN + 1].hex()
    text = str(value)
    return text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…"


def _bare(sql: str) -> str:
    """Return a named query without the comments above it, which the page says in words."""
    lines = sql.strip().splitlines()
    while lines and lines[0].startswith("--"):
        lines.pop(0)
    return "\n".join(lines)


def _table(request: Request, site: Site, asked: Asked) -> tuple[Table | None, str]:
    _check_right(request, site)
    try:
        return first_rows(site.engine, asked.question), ""
    except QueryError as error:
        return None, str(error)


def _check_right(request: Request, site: Site) -> None:
    if not visitor(request).may_operate and not may_ask(site.engine):
        raise HTTPException(403, MIGHTY)


def _goes_on(first: str, parts: Iterator[str]) -> Iterator[str]:
    try:
        yield from chain([first], parts)
    finally:
        parts.close()  # type: ignore[attr-defined]  # a generator: its connection goes back when the browser goes


ROUTES = [Route("/ask", ask), Route("/ask/answer.csv", answer_csv)]
MENU = (("Ask", "/ask"),)
