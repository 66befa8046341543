"""The questions of docs/queries.md: each is a named query, and its answer is what both databases give.

`python -m tests.integration.test_documented_queries` writes the page anew after a query or the samples have changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import migrations
from models.session import open_engine, open_engine_read_only
from orchestrator.query.named_queries import NamedQuery, named_queries
from orchestrator.query.query import run_query
from tests.sample_rows import read_truth, store_truth

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"
VALUES: dict[str, dict[str, Any]] = {
    "column_lines": {"page": "p4.tif", "column": 2},
    "faces_above_the_fold": {"least": 1},
    "faces_of_year": {"year": "1899"},
    "page_head": {"volume": "gazette.tif"},
    "portraits": {"share": 0.05},
    "read_since": {"since": "2026-03-09 00:00:00+00:00"},
    "slower_stages": {"since": "2026-03-09"},
}
# What a researcher asked of the first version; half of it could not be answered, or was hard.
TWENTY = (
    "front_page_faces", "columns_by_year", "column_changes", "line_density", "portraits", "faces_of_year",
    "time_by_volume", "column_lines", "lines_under_headlines", "pictures", "physical_sizes", "kinds_of_scans",
    "uncertain_lines", "headlines", "median_line_heights", "skewed_pages", "duplicates", "suspects", "read_since",
    "line_height",
)  # fmt: skip
SPATIAL = "boxes_touching"  # has a spelling for each database, and its own part of the page
HEAD = """\
# Questions to ask the archive

Each question is a query that ships with Broadsheet: `broadsheet query NAME` asks it, `broadsheet query --list` names
them all, and `broadsheet query --list NAME` prints its SQL to start from. All run on SQLite and on PostgreSQL.

The answers are those of the sample archive (`python -m samples FOLDER`) with the boxes that are printed on its pages,
worked on in two weeks, with made-up times; a test runs each query on both databases.

All views and their columns are described in [tables.md](tables.md) and by `broadsheet schema`. They show one result per
scan that is present; `page_lines_all` and its like show those of every pipeline. Times are UTC.

In Datasette: `broadsheet schema --datasette > metadata.yaml`, then `datasette serve broadsheet.db --metadata
metadata.yaml` shows the tables with their descriptions, and these questions as canned queries.

An answer streams: memory stays the same however long it is, and the first rows come at once. Its format follows the
name of `--output`, or is named with `--format`. CSV is written by PostgreSQL itself, in its own way: true is `t`.

## Boxes that touch a rectangle

    broadsheet query boxes_touching --param volume=gazette.tif --param x_min=500 --param y_min=300 \\
        --param x_max=900 --param y_max=600

is answered by an index: the R*Tree tables `text_line_rtree`, `separator_rtree` and `face_rtree` on SQLite (their first
dimension is the volume, `box_id` is `page_run_id * 1048576 +` the number on the page), GiST indices on PostgreSQL (256
page runs share a plane, the planes lie side by side). `broadsheet query --list boxes_touching` shows how to ask them
in SQL of your own; in psql say `SET jit = off` before.
"""


def answer(engine: Engine, query: NamedQuery) -> tuple[list[str], list[list[str]]]:
    """Return the columns and the cells of a query's answer as text."""
    reader = open_engine_read_only(engine.url)
    values = {name: str(value) for name, value in VALUES.get(query.name, {}).items()}
    if engine.dialect.name == "sqlite":
        values = VALUES.get(query.name, {})
    with run_query(reader, query.sql, values) as found:
        cells = [[_cell(value) for value in row] for batch in found.batches for row in batch]
        columns = list(found.columns)
    reader.dispose()
    return columns, cells


def _cell(value: Any) -> str:
    if isinstance(value, (float, Decimal)):
        return f"{float(value):.4g}"
    if isinstance(value, datetime):  # SQLite keeps times as text
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"
    return "" if value is None else str(value)


def written(engine: Engine) -> str:
    """Return the whole page with the answers of `engine`."""
    questions = [query for query in named_queries("sqlite").values() if query.name != SPATIAL]
    return HEAD + "".join(f"\n{_question(engine, n, query)}" for n, query in enumerate(questions, 1))


def _question(engine: Engine, number: int, query: NamedQuery) -> str:
    columns, rows = answer(engine, query)
    given = "".join(f" --param {name}={value}" for name, value in VALUES.get(query.name, {}).items())
    sql = "\n".join(line for line in query.sql.strip().splitlines() if not line.startswith("--"))
    table = [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]
    shown = "\n".join(table) if rows else "No rows."
    command = f"`broadsheet query {query.name}{given}`"
    return f"## {number}. {query.answers}\n\n{command}\n\n```sql\n{sql}\n```\n\n{shown}\n"


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The printed boxes of the sample archive."""
    return read_truth(tmp_path_factory.mktemp("samples"))


@pytest.fixture
def sample(engine: Engine, truth: dict[str, dict[str, Any]]) -> Iterator[Engine]:
    """The sample archive in both databases."""
    store_truth(engine, truth)
    yield engine


def test_the_page_holds_the_questions_and_answers_of_today(sample: Engine) -> None:
    assert PAGE.read_text(encoding="utf-8") == written(sample), f"run: python -m {__spec__.name}"


def test_there_are_twenty_questions_or_more_and_few_have_no_answer(sample: Engine) -> None:
    queries = [query for query in named_queries(sample.dialect.name).values() if query.name != SPATIAL]
    assert len(queries) >= 20
    assert all(query.answers.endswith("?") for query in queries)
    assert [query.name for query in queries if not answer(sample, query)[1]] == ["duplicates"]


@pytest.mark.parametrize("name", TWENTY)
def test_questions_of_a_researcher_take_five_lines_at_most(name: str) -> None:
    sql = named_queries("sqlite")[name].sql.strip().splitlines()
    assert len([line for line in sql if not line.startswith("--")]) <= 5


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = open_engine(f"sqlite:///{folder}/sample.db")
        migrations.upgrade(made)
        store_truth(made, read_truth(Path(folder) / "samples"))
        PAGE.write_text(written(made), encoding="utf-8")
