"""Alembic migrations, applied from code: `broadsheet db upgrade`, and by itself for a new SQLite file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from migrations.views import are_of_today


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`; two at once wait for each other."""
    _run(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to `revision` ("base" removes everything)."""
    _run(engine, lambda config: command.downgrade(config, revision))


def current_revision(engine: Engine) -> str | None:
    """Return the revision the database is at, None when it holds no schema of ours."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def has_views_of_today(engine: Engine) -> bool:
    """Return whether the views of a database with the newest schema were made of the definitions of this code."""
    with engine.connect() as connection:
        return are_of_today(connection)


def head_revision() -> str | None:
    """Return the newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Return whether this code knows a revision; one that it does not know comes from a newer version."""
    return any(revision == known.revision for known in ScriptDirectory.from_config(_config()).walk_revisions())


def in_models(_object: object, name: str | None, kind: str, *_: object) -> bool:
    """Tell Alembic's comparison to leave out what only the migrations know: spatial indices, each database's own."""
    box_index = kind == "index" and str(name).endswith("_box")
    box_tree = kind == "table" and "_rtree" in str(name)
    return not (box_index or box_tree)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run(engine: Engine, action: Callable[[Config], None]) -> None:
    config = _config()
    config.attributes["engine"] = engine
    action(config)
