"""Named queries: the files of `orchestrator/query/queries`, some in a spelling for each database.

A file begins with comments: what it answers, then `Parameters: a, b` where it has some.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from workers.errors import UnreadableInput

FOLDER = Path(__file__).with_name("queries")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query that ships with Broadsheet."""

    name: str
    answers: str
    parameters: tuple[str, ...]
    sql: str


def named_queries(dialect: str) -> dict[str, NamedQuery]:
    """Return every named query in the spelling of `dialect` ("sqlite" or "postgresql"), by name."""
    found = {}
    for path in sorted(FOLDER.glob("*.sql")):
        name, _, spelling = path.stem.partition(".")
        if spelling in ("", dialect):
            found[name] = _read(name, path.read_text(encoding="utf-8"))
    return found


def find_query(text: str, dialect: str) -> NamedQuery | None:
    """Return the query that `text` names, None when `text` is SQL.

    Raises:
        UnreadableInput: it is a single word, and no query has that name.
    """
    known = named_queries(dialect)
    if text in known or len(text.split()) != 1:
        return known.get(text)
    near = get_close_matches(text, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "broadsheet query --list shows them all."
    raise UnreadableInput(f"There is no query named {text}; {hint}")


def _read(name: str, sql: str) -> NamedQuery:
    comments = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        comments.append(line.removeprefix("--").strip())
    named = [text.removeprefix("Parameters:") for text in comments if text.startswith("Parameters:")]
    parameters = tuple(word.strip() for text in named for word in text.split(","))
    answers = " ".join(text for text in comments if not text.startswith("Parameters:"))
    return NamedQuery(name, answers, parameters, sql)
