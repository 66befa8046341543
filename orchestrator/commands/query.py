"""`broadsheet query`: SQL over the results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings

FORMATS = ["table", "csv", "json", "jsonl", "parquet"]

if TYPE_CHECKING:
    from orchestrator.query.query import Answer


@click.command(short_help="Ask the database, read-only.")
@click.argument("sql", required=False, metavar="[SQL|NAME|-]")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS, case_sensitive=False),
    help="[by the name of the output, else table]",
)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Value for :NAME in the SQL; repeatable.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Stop after this time.")
@click.option("--list", "listing", is_flag=True, help="List the named queries, or print the SQL of NAME.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@with_settings()
def query(
    settings: Settings,
    sql: str | None,
    form: str | None,
    params: tuple[str, ...],
    output: Path | None,
    timeout: float | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Ask the database, read-only: SQL, or the name of a query that ships with Broadsheet.

    \b
    The views: page_status, page_lines, page_separators, page_faces, page_timings and more;
    broadsheet schema names them all, broadsheet schema page_lines their columns.
    broadsheet query "SELECT page, text_lines FROM page_status ORDER BY text_lines DESC LIMIT 5"
    broadsheet query suspects --output suspects.csv
    broadsheet query "PRAGMA table_info(page_lines)"
    broadsheet query - < question.sql
    """
    from orchestrator.database import open_existing
    from orchestrator.query.named_queries import find_query
    from orchestrator.query.query import run_query
    from orchestrator.terminal.files import refuse_existing

    dialect = "sqlite" if settings.database_url.startswith("sqlite") else "postgresql"
    if listing:
        return _list(sql, dialect)
    if sql == "-" or (sql is None and not sys.stdin.isatty()):
        sql = sys.stdin.read().strip()
    if not sql:
        raise click.UsageError("Give a query: SQL, a name that broadsheet query --list shows, or - for standard input.")
    if output is not None:
        refuse_existing(output)
    if form is None:
        form = "json" if as_json else _by_name(output)
    if form == "parquet" and output is None:
        raise click.UsageError("Parquet needs a file: --output answer.parquet")
    named = find_query(sql, dialect)
    values = _values(params, dialect)
    if named is not None:
        _require(named.name, named.parameters, values)
    engine = open_existing(settings.database_url)
    with run_query(engine, named.sql if named else sql, values, timeout) as answer:
        _write(answer, form, output)


def _by_name(output: Path | None) -> str:
    from orchestrator.terminal.files import refuse_other_endings

    if output is None:
        return "table"
    ending = output.suffix.lower()
    refuse_other_endings(output, [*(f".{form}" for form in FORMATS), ".txt"], "An answer is written")
    return "table" if ending in ("", ".txt") else ending.removeprefix(".")


def _write(answer: Answer, form: str, output: Path | None) -> None:
    from orchestrator.query.formats import FORMATS
    from orchestrator.terminal.files import writing, writing_beside

    if output is None:
        FORMATS[form](answer, sys.stdout)
    elif form == "parquet":
        from orchestrator.query.parquet import write_parquet

        with writing_beside(output) as beside:
            write_parquet(answer, beside)
    else:
        with writing(output) as out:
            FORMATS[form](answer, out)


def _list(name: str | None, dialect: str) -> None:
    from orchestrator.query.named_queries import find_query, named_queries

    one = find_query(name, dialect) if name else None
    if one is not None:
        click.echo(one.sql.rstrip())
        return
    for found in named_queries(dialect).values():
        wanted = "".join(f" --param {parameter}=..." for parameter in found.parameters)
        click.echo(f"{found.name}{wanted}\n    {found.answers}")


def _require(name: str, parameters: Sequence[str], values: dict[str, str | int | float]) -> None:
    missing = [parameter for parameter in parameters if parameter not in values]
    if missing:
        raise click.UsageError(f"{name} needs {' '.join(f'--param {parameter}=VALUE' for parameter in missing)}")


def _values(params: tuple[str, ...], dialect: str) -> dict[str, str | int | float]:
    from orchestrator.query.query import typed_values

    return typed_values(dict(_pair(text) for text in params), dialect)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
    return name, value
