"""`broadsheet db`: the schema."""

from __future__ import annotations

import click

from orchestrator.commands.options import with_settings
from workers.config import Settings


@click.group(short_help="Look after the database's schema.")
def db() -> None:
    """Look after the database's schema."""


@db.command()
@with_settings()
def upgrade(settings: Settings) -> None:
    """Bring the schema to the newest version; safe to run twice, and by several machines at once."""
    import migrations
    from models.session import open_engine
    from orchestrator.database import check_url

    check_url(settings.database_url)
    engine = open_engine(settings.database_url)
    before = migrations.current_revision(engine)
    migrations.upgrade(engine)
    click.echo(f"Schema {before or 'none'} -> {migrations.current_revision(engine)}")
