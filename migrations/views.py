"""The views for readers in a database: they hold no data, so every migration makes them anew."""

from __future__ import annotations

from sqlalchemy import Connection, text

from models import Base
from models.views import VIEWS


def drop_views(connection: Connection) -> None:
    """Drop the views that are there: what a migration changes may be in their way."""
    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {view.name}"))


def create_views(connection: Connection) -> None:
    """Make all views; on PostgreSQL with their sentences, and those of the tables as they are today."""
    dialect = connection.dialect.name
    for view in VIEWS:
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS {view.sql(dialect)}")
    if dialect == "postgresql":
        _comment(connection)


def _comment(connection: Connection) -> None:
    said = [(f"VIEW {view.name}", view.meaning) for view in VIEWS]
    said += [(f"COLUMN {view.name}.{name}", meaning) for view in VIEWS for name, meaning in view.columns.items()]
    said += [(f"TABLE {table.name}", table.comment or "") for table in Base.metadata.sorted_tables]
    said += [(f"COLUMN {column}", column.comment or "") for t in Base.metadata.sorted_tables for column in t.columns]
    comments = " ".join(f"COMMENT ON {thing} IS {_quoted(sentence)};" for thing, sentence in said)
    connection.exec_driver_sql(f"DO $comments$ BEGIN {comments} END $comments$")  # one round trip


def _quoted(sentence: str) -> str:
    return "'" + sentence.replace("'", "''") + "'"
