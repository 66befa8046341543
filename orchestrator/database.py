"""Opening the database of a command: a new SQLite file gets its schema, an old schema is refused with the remedy."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

import migrations
from models.session import open_engine, open_engine_read_only
from orchestrator.discovery.own_files import NO_FILES, OwnFiles
from workers.errors import UnreadableInput

# What SQLite lays beside a database, and our lock of the feeder.
_FILES_OF_SQLITE = ("", "-wal", "-shm", "-journal", ".feeder")


def open_for_ingest(url: str) -> Engine:
    """Return an engine whose schema is the newest; SQLite files are made and upgraded by themselves.

    Raises:
        UnreadableInput: the URL makes no sense, or a shared database needs `broadsheet db upgrade` first.
    """
    check_url(url)
    check_place(url)
    engine = open_engine(url)
    revision = _revision(engine)
    refuse_newer(revision)
    if revision == migrations.head_revision():
        _renew_views(engine)
        return engine
    if engine.dialect.name != "sqlite":
        raise UnreadableInput(
            f"The database has schema {revision or 'none'}, this version needs {migrations.head_revision()}; "
            "run: broadsheet db upgrade"
        )
    migrations.upgrade(engine)
    return engine


def check_place(url: str) -> None:
    """Refuse a file that no SQLite database can be made or written in, e.g. beside scans on a read-only share.

    Raises:
        UnreadableInput: with the remedy.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database.startswith((":", "file:")):
        return
    database = Path(parsed.database)
    folder = database.absolute().parent
    if not folder.is_dir():
        raise UnreadableInput(f"The folder {folder} of the database does not exist; make it, or give another.")
    if database.is_dir() or not os.access(folder, os.W_OK) or (database.exists() and not os.access(database, os.W_OK)):
        what = "is a folder" if database.is_dir() else "may not be written here"
        raise UnreadableInput(f"{database} {what}; name a file of yours with --database sqlite:///FILE.")


def open_existing(url: str, *, read_only: bool = True, kept_seconds: int = 0) -> Engine:
    """Return an engine on a database that already holds results, with the schema of this version.

    `kept_seconds` as in `open_engine_read_only`.

    Raises:
        UnreadableInput: there is no such file, its schema is another, or it may not be written and must be.
    """
    check_url(url)
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise UnreadableInput(f"There is no database {parsed.database}; make one with: broadsheet ingest PATH")
    if parsed.get_backend_name() == "sqlite":
        _check_permissions(Path(parsed.database or ""), read_only)
    engine = open_engine_read_only(url, kept_seconds) if read_only else open_engine(url)
    revision, known = _revision(engine), migrations.head_revision()
    refuse_newer(revision)
    if revision != known:
        raise UnreadableInput(
            f"The database has schema {revision or 'none'}, this version knows {known}; run: broadsheet db upgrade"
        )
    if not read_only:
        _renew_views(engine)
    elif parsed.get_backend_name() == "sqlite" and _may_be_written(Path(parsed.database or "")):
        _renew_views(engine, open_engine(url))
    return engine


def _renew_views(engine: Engine, writer: Engine | None = None) -> None:
    """Make the views anew where other code, of the same schema, has made them.

    On a server a reader may lack the right to, and reads what is there.
    """
    if not migrations.has_views_of_today(engine):
        migrations.upgrade(writer or engine)
    if writer is not None:
        writer.dispose()


def _may_be_written(database: Path) -> bool:
    return os.access(database.absolute().parent, os.W_OK) and os.access(database, os.W_OK)


def _revision(engine: Engine) -> str | None:
    try:
        return migrations.current_revision(engine)
    except DatabaseError as error:
        if getattr(error.orig, "sqlite_errorname", None) != "SQLITE_NOTADB":
            raise
        database = (engine.url.database or "").removeprefix("file:").partition("?")[0]
        raise UnreadableInput(
            f"{database} is no SQLite database; name another with --database sqlite:///FILE."
        ) from error


def _check_permissions(database: Path, read_only: bool) -> None:
    beside = os.access(database.absolute().parent, os.W_OK)
    if not read_only and not _may_be_written(database):
        raise UnreadableInput(f"{database} may not be written here; copy it to a folder of yours.")
    log, index = (Path(f"{database}{suffix}") for suffix in ("-wal", "-shm"))
    if not beside and log.exists() and log.stat().st_size and not index.exists():
        raise UnreadableInput(
            f"{database} was not closed, and its last changes are in {log.name}; copy both to a folder of yours."
        )


def refuse_newer(revision: str | None) -> None:
    """Refuse a schema that a newer version of this program has made.

    Raises:
        UnreadableInput: with the remedy.
    """
    if revision is not None and not migrations.knows(revision):
        raise UnreadableInput(
            f"The database has schema {revision}, which a newer version of Broadsheet made; this one knows schemas up "
            f"to {migrations.head_revision()}. Update Broadsheet on this machine."
        )


def check_url(url: str) -> None:
    """Refuse what is no URL of a database that we can use.

    Raises:
        UnreadableInput: with the two forms that are understood.
    """
    try:
        backend = make_url(url).get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise UnreadableInput("The database must be sqlite:///FILE or postgresql://USER@HOST/NAME.")


def own_files(database_url: str) -> OwnFiles:
    """Return the files of the database at `database_url`: none where a server keeps it."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return NO_FILES
    database = url.database
    if database.startswith("file:"):  # a URI, as SQLite understands it
        database = unquote(database.removeprefix("file:").partition("?")[0])
    # SQLite follows a link to the database and puts its other files beside the file itself
    places = dict.fromkeys((str(Path(database).absolute()), os.path.realpath(database)))
    return OwnFiles(tuple(place + suffix for place in places for suffix in _FILES_OF_SQLITE))
