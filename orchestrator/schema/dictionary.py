"""The sentence of every view, table and column, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from models import Base
from models.views import VIEWS
from workers.errors import UnreadableInput


@dataclass(frozen=True, slots=True)
class Described:
    """A view or a table, what it holds, and what each of its columns means."""

    name: str
    kind: str
    meaning: str
    columns: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return asdict(self)


def dictionary() -> tuple[Described, ...]:
    """Return all views in the order in which people meet them, then the tables by name."""
    views = [Described(view.name, "view", view.meaning, dict(view.columns)) for view in VIEWS]
    tables = [
        Described(str(name), "table", table.comment or "", {str(one.name): one.comment or "" for one in table.columns})
        for name, table in sorted(Base.metadata.tables.items())
    ]
    return (*views, *tables)


def find(name: str) -> Described:
    """Return the view or table of this name.

    Raises:
        UnreadableInput: there is none.
    """
    known = {one.name: one for one in dictionary()}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "broadsheet schema names them all."
    raise UnreadableInput(f"There is no view or table {name}; {hint}")


def as_text(described: Sequence[Described]) -> str:
    """Return one view or table with its columns, or the names of several with their sentences."""
    if len(described) == 1:
        (one,) = described
        return f"{one.name}: {one.meaning}\n\n{_aligned(one.columns)}"
    parts = []
    for kind, heading in (("view", "Views, to ask"), ("table", "Tables, which the views are made of")):
        parts.append(f"{heading}:\n{_aligned({one.name: one.meaning for one in described if one.kind == kind})}")
    return "\n".join(parts) + "\nbroadsheet schema NAME describes the columns of one.\n"


def _aligned(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows))
    return "".join(f"  {name:<{width}}  {meaning}\n" for name, meaning in rows.items())


MARKDOWN_HEAD = """\
# Views and tables

Written by `broadsheet schema --markdown` from the definitions themselves; a test holds it. `broadsheet schema NAME`
prints one of them, and PostgreSQL has the same sentences as comments (`\\d+ page_lines` in psql).

The views are a promise: columns may be added, never renamed. A view shows one result per scan that is present: of each
page the page run that finished last, of a page without any its newest page run. What other pipelines found, and what
was found on scans that were replaced or deleted since, is in the view whose name ends in `_all`; it has the columns
`pipeline` and `is_current` beside those of the view. All times are UTC, all pixels those of the upright original scan.
"""


def as_markdown(described: Sequence[Described]) -> str:
    """Return the page `docs/tables.md`; a history view is named in its head alone."""
    return MARKDOWN_HEAD + "".join(_sections(described))


def _sections(described: Sequence[Described]) -> Iterator[str]:
    for one in described:
        if not one.name.endswith("_all"):
            rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in one.columns.items())
            head = f"## {one.kind.capitalize()} `{one.name}`\n\n{one.meaning}."
            yield f"\n{head}\n\n| column | meaning |\n|---|---|\n{rows}"
