"""`broadsheet schema`: what the views, tables and columns mean."""

from __future__ import annotations

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.command(short_help="Say what views, tables and columns mean.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print Markdown, as in docs/tables.md.")
@click.option("--datasette", is_flag=True, help="Print metadata.yaml for Datasette: descriptions, labels, queries.")
@with_settings()
def schema(settings: Settings, name: str | None, as_json: bool, markdown: bool, datasette: bool) -> None:
    """Say what views, tables and columns mean: all of them, or those of NAME.

    \b
    broadsheet schema page_lines
    broadsheet schema --datasette > metadata.yaml
    datasette serve broadsheet.db --metadata metadata.yaml
    """
    import json

    from orchestrator.schema.dictionary import as_markdown, as_text, dictionary, find

    if as_json + markdown + datasette > 1:
        raise click.UsageError("Choose one of --json, --markdown and --datasette.")
    if datasette:
        from orchestrator.schema.datasette import datasette_metadata

        return click.echo(datasette_metadata(_file_stem(settings.database_url)), nl=False)
    described = (find(name),) if name else dictionary()
    if as_json:
        return click.echo(json.dumps([one.to_dict() for one in described], indent=2, ensure_ascii=False))
    click.echo(as_markdown(described) if markdown else as_text(described), nl=False)


def _file_stem(url: str) -> str:
    """Return what Datasette calls the database: the name of its file without the ending."""
    from pathlib import Path

    from sqlalchemy import make_url

    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(parsed.database or "").stem if is_file else "broadsheet"
