"""The views for readers in a database: they hold no data, so every migration makes them anew."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import Connection, delete, insert, inspect, select, text

from models import Base, ViewSet
from models.views import VIEWS


def drop_views(connection: Connection) -> None:
    """Drop the views that are there: what a migration changes may be in their way."""
    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {view.name}"))


def are_of_today(connection: Connection) -> bool:
    """Return whether the views of a database at the newest revision were made of the definitions of this code."""
    if not inspect(connection).has_table(ViewSet.__tablename__):
        return False
    return connection.scalar(select(ViewSet.fingerprint)) == fingerprint(connection.dialect.name)


def fingerprint(dialect: str) -> str:
    """Return the hash of all definitions and sentences, of the views and of what is said of tables."""
    said = [(view.name, view.sql(dialect), view.meaning, view.columns) for view in VIEWS]
    tables = [(str(column), column.comment) for table in Base.metadata.sorted_tables for column in table.columns]
    return hashlib.sha256(json.dumps([said, tables]).encode()).hexdigest()


def create_views(connection: Connection) -> None:
    """Make all views; on PostgreSQL with their sentences, and those of the tables as they are today."""
    dialect = connection.dialect.name
    for view in VIEWS:
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS {view.sql(dialect)}")
    connection.execute(delete(ViewSet))
    connection.execute(insert(ViewSet), {"fingerprint": fingerprint(dialect)})
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
