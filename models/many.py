"""Many values in one statement. PostgreSQL gets them as arrays, which it and its driver read several times as fast."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from models.base import Base

Column = InstrumentedAttribute[Any]


def insert_rows(connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys; none is no error."""
    if rows:
        connection.execute(*_prepared(connection, table, rows))


def insert_new_rows(
    connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]], *returning: Column
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Insert rows that all have the same keys, pass over those that are there; returns columns of the new ones."""
    statement, values = _prepared(connection, table, rows)
    return connection.execute(statement.on_conflict_do_nothing().returning(*returning), values).all()


def is_one_of(connection: Connection, column: Column, values: Collection[Any]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of the values."""
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))


def _prepared(
    connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]
) -> tuple[postgresql.Insert | sqlite.Insert, Any]:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table), rows
    names = tuple(rows[0])
    values = {name: _of_one_type(table.__table__.c[name], [row[name] for row in rows]) for name in names}
    return _from_arrays(table, names), values


def _of_one_type(column: ColumnElement[Any], values: list[Any]) -> list[Any]:
    # what a row takes, the driver refuses in an array: a whole number among fractions
    kind = column.type.python_type
    if kind not in (int, float):
        return values
    return [None if value is None else kind(value) for value in values]


@cache
def _from_arrays(table: type[Base], names: tuple[str, ...]) -> postgresql.Insert:
    arrays = [bindparam(name, type_=ARRAY(table.__table__.c[name].type)) for name in names]
    columns = select(*func.unnest(*arrays).table_valued(*names).render_derived().columns)
    return postgresql.insert(table).from_select(names, columns)
