"""The migrations build what the models say, up and down, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

import migrations
from models import Base
from models.session import open_engine

PROMISED = {
    "page_status": "volume page page_number state attempts error_code error_message width height text_lines "
    "separators faces wall_ms started_at finished_at pipeline",
    "page_lines": "volume page page_number reading_order x y width height",
    "page_separators": "volume page page_number x y width height origin",
    "page_faces": "volume page page_number label x y width height confidence",
    "page_timings": "volume page page_number stage wall_ms cpu_ms peak_rss_kib items",
}


def test_the_migrations_build_the_schema_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": migrations.in_models}
        )
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("view", PROMISED)
def test_the_views_keep_their_promise(engine: Engine, view: str) -> None:
    with engine.connect() as connection:
        columns = list(connection.execute(text(f"SELECT * FROM {view}")).keys())
    promised = PROMISED[view].split()
    assert columns[: len(promised)] == promised


def test_a_database_can_go_down_and_up_again(engine: Engine) -> None:
    migrations.downgrade(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrations.upgrade(engine)
    assert migrations.current_revision(engine) == migrations.head_revision()


def test_an_upgrade_twice_changes_nothing(engine: Engine) -> None:
    migrations.upgrade(engine)
    assert migrations.current_revision(engine) == migrations.head_revision()


def test_every_column_is_explained() -> None:
    silent = [
        f"{table}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if not column.comment
    ]
    assert silent == []


def test_comments_reach_postgresql(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    migrations.upgrade(engine)
    columns = {column["name"]: column["comment"] for column in inspect(engine).get_columns("page_run")}
    engine.dispose()
    assert columns["lease_until"] == "When the lease runs out, UTC"
