"""The dictionary of views and columns, as people and Datasette read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import Engine, inspect, text

from models.views import VIEWS
from orchestrator.command import broadsheet
from orchestrator.schema.datasette import datasette_metadata
from orchestrator.schema.dictionary import as_markdown, dictionary, find
from tests.archive import add_done_pages, page
from workers.errors import UnreadableInput

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def schema(*arguments: str) -> str:
    result = CliRunner().invoke(broadsheet, ["schema", *arguments], catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0
    return result.output


def test_the_page_of_tables_is_the_dictionary_of_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(dictionary()), "run: broadsheet schema --markdown"


def test_one_view_is_described_column_by_column() -> None:
    told = schema("page_faces")
    for name, meaning in find("page_faces").columns.items():
        assert any(line.split() == [name, *meaning.split()] for line in told.splitlines())


def test_all_views_and_tables_are_named() -> None:
    assert {one["name"] for one in json.loads(schema("--json"))} >= {view.name for view in VIEWS} | {"page", "face"}
    assert "stage_percentiles_by_day" in schema()


def test_a_view_that_does_not_exist_is_told_with_the_nearest() -> None:
    with pytest.raises(UnreadableInput, match="did you mean page_lines"):
        find("page_linse")


@pytest.fixture
def metadata() -> dict[str, Any]:
    """What Datasette is told of a database file `broadsheet.db`."""
    told: dict[str, Any] = yaml.safe_load(datasette_metadata("broadsheet"))["databases"]["broadsheet"]
    return told


def test_datasette_hides_what_the_machinery_keeps(sqlite_engine: Engine, metadata: dict[str, Any]) -> None:
    hidden = {name for name, table in metadata["tables"].items() if table.get("hidden")}
    names = set(inspect(sqlite_engine).get_table_names())
    assert {name for name in names if "_rtree" in name} <= hidden
    assert not hidden & {"page", "page_status", "text_line", "face"}


def test_datasette_knows_every_column_that_there_is(sqlite_engine: Engine, metadata: dict[str, Any]) -> None:
    for view in VIEWS:
        with sqlite_engine.connect() as connection:
            names = list(connection.execute(text(f"SELECT * FROM {view.name}")).keys())
        assert list(metadata["tables"][view.name]["columns"]) == names


def test_datasettes_canned_queries_run_as_they_are(sqlite_engine: Engine, metadata: dict[str, Any]) -> None:
    add_done_pages(sqlite_engine, [page(3)])
    values = {"volume": "scans", "page": "p0001.tif", "column": 1, "least": 1, "share": 0.1, "year": "1898"}
    values |= {"since": "2026-01-01"} | dict.fromkeys(("x_min", "y_min"), 0)
    with sqlite_engine.connect() as connection:
        for name, query in metadata["queries"].items():
            assert query["title"].endswith("?") or name == "boxes_touching"
            assert query["sql"].startswith(("SELECT", "WITH")), "the comments are in the title"
            connection.execute(text(query["sql"]), values | {"x_max": 999, "y_max": 999})
