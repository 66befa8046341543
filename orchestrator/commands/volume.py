"""`broadsheet volume` and `broadsheet prune`: what is in the database, by name, and what may go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import json_option, with_settings
from orchestrator.terminal.wording import plural
from workers.config import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, change nothing.")


@click.group(short_help="List, rename, move and forget volumes.")
def volume() -> None:
    """List, rename, move and forget volumes. The scans themselves are left alone."""


@volume.command("list")
@json_option
@with_settings()
def list_all(settings: Settings, as_json: bool) -> None:
    """List the volumes with their pages: those that are there, done, and gone."""
    from orchestrator.database import open_existing
    from orchestrator.volumes.volumes import list_volumes

    engine = open_existing(settings.database_url)
    found = list_volumes(engine)
    engine.dispose()
    if as_json:
        return click.echo(json.dumps([one.to_dict() for one in found]))
    for one in found:
        gone = ", ".join(f"{n:,} {what}" for what in ("replaced", "deleted", "moved") if (n := getattr(one, what)))
        gone = f", gone: {gone}" if gone else ""
        click.echo(f"{one.volume} ({one.kind}, {one.location}): {plural(one.pages, 'page')}, {one.done:,} done{gone}")


@volume.command()
@click.argument("name")
@click.argument("new_name")
@dry_run_option
@with_settings()
def rename(settings: Settings, name: str, new_name: str, dry_run: bool) -> None:
    """Call the volume NAME by NEW_NAME."""
    from orchestrator.volumes.volumes import rename_volume

    with _named(settings, name) as (engine, known):
        if not dry_run:
            rename_volume(engine, known, new_name)
    click.echo(f"{known} {'would be' if dry_run else 'is'} called {new_name}.")


@volume.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@dry_run_option
@with_settings()
def move(settings: Settings, name: str, path: Path, dry_run: bool) -> None:
    """Say that the scans of the volume NAME lie at PATH now."""
    from orchestrator.volumes.volumes import move_volume

    with _named(settings, name) as (engine, known):
        if not dry_run:
            move_volume(engine, known, path)
    click.echo(f"{known} {'would lie' if dry_run else 'lies'} at {path.absolute()}.")


@volume.command()
@click.argument("name")
@dry_run_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings()
def forget(settings: Settings, name: str, dry_run: bool, yes: bool) -> None:
    """Delete the volume NAME from the database, with all that was found on its pages."""
    from orchestrator.volumes.volumes import forget_volume, list_volumes

    with _named(settings, name) as (engine, known):
        pages = sum(one.pages for one in list_volumes(engine) if one.volume == known)
        if not dry_run:
            if not yes:
                click.confirm(f"Delete {plural(pages, 'page')} of {known} from the database?", abort=True)
            forget_volume(engine, known)
    click.echo(f"{known} with {plural(pages, 'page')} {'would be' if dry_run else 'is'} forgotten.")


@click.command(short_help="Delete what nothing current needs.")
@dry_run_option
@with_settings()
def prune(settings: Settings, dry_run: bool) -> None:
    """Delete results that are not current, those of scans that are gone, and pipelines without results.

    And this machine's cache of files from stores.
    """
    from orchestrator.database import open_existing
    from orchestrator.terminal.wording import mebibytes
    from orchestrator.volumes import volumes
    from workers.sources.stores.cache import machine_cache

    engine = open_existing(settings.database_url, read_only=False)
    pruned = volumes.prune(engine, dry_run=dry_run)
    engine.dispose()
    click.echo(
        f"{plural(pruned.pages, 'page')} that {'is' if pruned.pages == 1 else 'are'} gone, "
        f"{plural(pruned.page_runs, 'older result')} and {plural(pruned.pipelines, 'pipeline')} "
        f"{'would be' if dry_run else 'were'} deleted."
    )
    files, size = machine_cache().size() if dry_run else machine_cache().empty()
    if files:
        told = f"{plural(files, 'file')} of the cache ({mebibytes(size)})"
        click.echo(f"{told} {'would be' if dry_run else 'were'} deleted, too.")


@contextmanager
def _named(settings: Settings, name: str) -> Iterator[tuple[Engine, str]]:
    """Yield the database and the volume that was meant; one only."""
    from orchestrator.database import open_existing
    from orchestrator.results.selection import Selection, resolve
    from workers.errors import UnreadableInput

    engine = open_existing(settings.database_url, read_only=False)
    try:
        found = resolve(engine, Selection(volumes=(name,))).volumes
        if len(found) > 1:
            raise UnreadableInput(f"{name} means several volumes: {', '.join(found[:5])}; name one.")
        yield engine, found[0]
    finally:
        engine.dispose()
