"""The declarative base: constraint names, column types that both databases share, the database's own clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Dialect, Integer, MetaData, SmallInteger, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

# Named constraints, so that a migration can drop any of them on both databases.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers rows by itself only for a primary key spelled INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
Small = SmallInteger()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and always UTC in Python; TIMESTAMPTZ on PostgreSQL, ISO text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware moment into UTC before it is stored."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's naive values their zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class database_now(FunctionElement[datetime]):
    """The moment on the database's clock, `seconds` from now: machines of a fleet need not agree on the time.

    It moves on within a transaction, unlike SQL's `CURRENT_TIMESTAMP` on PostgreSQL.
    """

    type = UtcDateTime()
    inherit_cache = True  # the seconds are a parameter: a statement is compiled once, whatever the time

    def __init__(self, seconds: float | ColumnElement[float] = 0.0) -> None:
        if isinstance(seconds, ColumnElement):
            super().__init__(seconds)
        else:
            super().__init__(*([literal(float(seconds))] if seconds else []))


@compiles(database_now, "postgresql")
def _now_on_postgresql(element: database_now, compiler: SQLCompiler, **options: Any) -> str:
    if not len(element.clauses):
        return "clock_timestamp()"
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"


@compiles(database_now, "sqlite")
def _now_on_sqlite(element: database_now, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite's clock ticks in milliseconds; SQLAlchemy reads fractions as six digits, hence the zeros.
    if not len(element.clauses):
        return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"
