"""Metadata for Datasette: descriptions, labels, what to hide, and the named queries as canned ones."""

from __future__ import annotations

from itertools import dropwhile
from typing import Any

import yaml

from orchestrator.query.named_queries import named_queries
from orchestrator.schema.dictionary import Described, dictionary

# What a row of a table is called where another one points to it.
LABELS = {"volume": "source", "page": "name", "pipeline": "fingerprint"}
# Tables of the machinery; those of the R*Tree hold the boxes a second time.
INTERNAL = (
    "alembic_version",
    "attempt",
    "host_budget",
    "host_request",
    "web_document",
    "worker",
    "view_set",
    "sqlite_stat1",
)
TREES = ("text_line_rtree", "separator_rtree", "face_rtree")


def datasette_metadata(database: str) -> str:
    """Return the YAML for `datasette serve`; `database` is the name of the SQLite file, without its ending."""
    about: dict[str, Any] = {
        "title": "Broadsheet",
        "description": "Text lines, column separators, faces and timings of scanned pages",
        "databases": {database: {"tables": _tables(), "queries": _queries()}},
    }
    return str(yaml.dump(about, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _tables() -> dict[str, dict[str, Any]]:
    hidden = [*INTERNAL, *TREES, *(f"{tree}_{part}" for tree in TREES for part in ("node", "parent", "rowid"))]
    return {one.name: _described(one) for one in dictionary()} | {name: {"hidden": True} for name in hidden}


def _described(one: Described) -> dict[str, Any]:
    label = {"label_column": LABELS[one.name]} if one.name in LABELS else {}
    return {"description": one.meaning, "columns": dict(one.columns)} | label


def _queries() -> dict[str, dict[str, str]]:
    # the title says already what the comments above the SQL say
    known = named_queries("sqlite")
    return {name: {"title": query.answers, "sql": _without_head(query.sql)} for name, query in known.items()}


def _without_head(sql: str) -> str:
    lines = sql.splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("--"), lines))


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes text of several lines as such: people read the SQL."""


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
