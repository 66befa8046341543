"""`broadsheet db`: the schema."""

from __future__ import annotations

import json

import click

from orchestrator.commands.options import json_option, with_settings
from orchestrator.terminal.verbosity import Verbosity, verbosity
from workers.config import Settings


@click.group(short_help="Look after the database's schema.")
def db() -> None:
    """Look after the database's schema."""


@db.command()
@json_option
@with_settings()
def upgrade(settings: Settings, as_json: bool) -> None:
    """Bring the schema to the newest version; safe to run twice, and by several machines at once."""
    import migrations
    from models.session import open_engine
    from orchestrator.database import check_url, refuse_newer

    check_url(settings.database_url)
    engine = open_engine(settings.database_url)
    before = migrations.current_revision(engine)
    refuse_newer(before)
    migrations.upgrade(engine)
    after = migrations.current_revision(engine)
    if as_json:
        click.echo(json.dumps({"before": before, "after": after}))
    elif verbosity() > Verbosity.QUIET:
        click.echo(f"Schema {before or 'none'} -> {after}")
