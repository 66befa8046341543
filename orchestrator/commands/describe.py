"""`broadsheet describe`: whose pages they are, without reading a page again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from orchestrator.commands.options import volume_option, with_settings
from orchestrator.terminal.wording import plural
from workers.config import Settings


@click.command(short_help="Say whose pages they are: title, date, issue.")
@volume_option
@click.option("--fields", metavar="PATTERN", help="What paths say: {title}/{date_issued:%Y-%m-%d}/{sequence}.")
@click.option("--metadata", type=click.Path(path_type=Path), help="CSV with a column page and columns of fields.")
@with_settings()
def describe(settings: Settings, volumes: tuple[str, ...], fields: str | None, metadata: Path | None) -> None:
    """Describe pages by their paths, by pages.csv beside the scans, or by a table; none is read again.

    \b
    broadsheet describe --fields "{title}/{date_issued:%Y-%m-%d}/ed-{edition}/seq-{sequence}"
    broadsheet describe --volume gazette --metadata gazette.csv
    broadsheet query "SELECT title, page FROM page_status WHERE sequence = 1 AND date_issued LIKE '1898%'"
    """
    from sqlalchemy import select

    from models import Volume
    from orchestrator.database import open_existing
    from orchestrator.metadata.describe import describe_volume, remember_pattern
    from orchestrator.metadata.patterns import path_pattern
    from orchestrator.metadata.text import render_described
    from orchestrator.results.selection import Selection, resolve

    engine = open_existing(settings.database_url, read_only=False)
    pattern = path_pattern(fields) if fields else None
    names = resolve(engine, Selection(volumes=volumes)).volumes
    wanted = select(Volume.volume_id, Volume.source).order_by(Volume.source)
    with engine.connect() as connection:
        rows = connection.execute(wanted.where(Volume.source.in_(names)) if names else wanted).all()
    for volume_id, source in rows:
        if pattern is not None:
            remember_pattern(engine, volume_id, pattern)
        click.echo(
            render_described(source, describe_volume(engine, volume_id, metadata, partial(click.echo, err=True)))
        )
    engine.dispose()
    if not rows:
        click.echo(f"{plural(0, 'volume')}; ingest some first.")
