"""`broadsheet query`: SQL over the results."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.command()
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]), default="table")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Value for :NAME in the SQL; repeatable.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@with_settings()
def query(settings: Settings, sql: str, form: str, params: tuple[str, ...], output: Path | None) -> None:
    """Ask the database, read-only.

    \b
    The views: page_status, page_lines, page_separators, page_faces, page_timings.
    broadsheet query "SELECT page, text_lines FROM page_status ORDER BY text_lines DESC LIMIT 5"
    """
    from orchestrator.database import open_existing
    from orchestrator.files import writing
    from orchestrator.query import run_query
    from orchestrator.query_formats import FORMATS

    engine = open_existing(settings.database_url)
    with run_query(engine, sql, _bound(params)) as answer:
        if output is None:
            FORMATS[form](answer, sys.stdout)
        else:
            with writing(output) as out:
                FORMATS[form](answer, out)


def _bound(params: tuple[str, ...]) -> dict[str, str | int | float]:
    return dict(_pair(text) for text in params)


def _pair(text: str) -> tuple[str, str | int | float]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value
