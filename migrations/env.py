"""Alembic's entry: one transaction, one migration at a time, no long waits for locks."""

from __future__ import annotations

from alembic import context
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

import migrations
from migrations.views import are_of_today, create_views, drop_views
from models import Base

ADVISORY_LOCK = 0x62726F6164  # "broad"; any fixed number will do


def run_migrations() -> None:
    """Apply the migrations on the engine that `migrations.upgrade` handed over."""
    engine: Engine = context.config.attributes["engine"]
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            _wait_for_our_turn(connection)
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            include_object=migrations.in_models,
            compare_server_default=True,
            transactional_ddl=True,
        )
        wanted = context.get_revision_argument()
        if wanted == MigrationContext.configure(connection).get_current_revision() and _has_its_views(connection):
            return
        drop_views(connection)
        context.run_migrations()
        if wanted == context.get_head_revision():
            create_views(connection)


def _has_its_views(connection: Connection) -> bool:
    """Return whether there are no views to be made: this is no newest schema, or they are those of today."""
    return context.get_revision_argument() != context.get_head_revision() or are_of_today(connection)


def _wait_for_our_turn(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    # A migration that cannot get its table lock must fail, not queue every worker behind it.
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))


run_migrations()
