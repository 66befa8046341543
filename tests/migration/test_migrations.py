"""The migrations build what the models say, up and down, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

import migrations
from models import Base
from models.session import open_engine
from models.views import VIEWS
from orchestrator.database import open_existing

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


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_every_column_of_a_view_has_its_sentence(engine: Engine, view: str) -> None:
    described = next(one for one in VIEWS if one.name == view)
    with engine.connect() as connection:
        columns = list(connection.execute(text(f"SELECT * FROM {view}")).keys())
    assert columns == list(described.columns)
    assert described.meaning
    assert all(described.columns.values())


def test_comments_of_views_reach_postgresql(postgres_engine: Engine) -> None:
    for view in VIEWS:
        found = inspect(postgres_engine)
        columns = {column["name"]: column["comment"] for column in found.get_columns(view.name)}
        assert columns == dict(view.columns)


def test_a_database_of_before_gets_its_current_results_and_goes_back(database_url: str) -> None:
    engine = open_engine(database_url)
    migrations.upgrade(engine, "0003")
    with engine.begin() as connection:
        for statement in OLD_ROWS:
            connection.execute(text(statement))
    migrations.upgrade(engine)
    with engine.connect() as connection:
        current = connection.execute(text("SELECT page_run_id FROM page_status ORDER BY page_run_id")).scalars().all()
        gone = connection.execute(text("SELECT page_id, gone_reason FROM page WHERE gone_at IS NOT NULL")).all()
    assert current == [2, 4, 5]
    assert [tuple(row) for row in gone] == [(3, "replaced")]
    migrations.downgrade(engine, "0003")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM page_status")).scalar_one() == 5
    engine.dispose()


# Page 1 was read twice, page 2 failed after it was done, page 3 was replaced by page 4.
OLD_ROWS = (
    "INSERT INTO volume (volume_id, source, location, kind) VALUES (1, 'scans', '/scans', 'directory')",
    "INSERT INTO pipeline (pipeline_id, fingerprint, parameters, versions) VALUES (1, 'a', '{}', '{}')",
    "INSERT INTO pipeline (pipeline_id, fingerprint, parameters, versions) VALUES (2, 'b', '{}', '{}')",
    *(
        "INSERT INTO page (page_id, volume_id, page_number, name, address, sha256, size_bytes, modified_ns) "
        f"VALUES ({number}, 1, {number}, '{name}', '{{}}', '{number}', 1, 1)"
        for number, name in enumerate(("p1", "p2", "p3", "p3"), 1)
    ),
    *(
        "INSERT INTO page_run (page_run_id, page_id, pipeline_id, state, finished_at) "
        f"VALUES ({run}, {page}, {pipeline}, '{state}', '2026-03-0{day} 00:00:00+00:00')"
        for run, page, pipeline, state, day in (
            (1, 1, 1, "done", 1),
            (2, 1, 2, "done", 2),
            (3, 3, 1, "done", 3),
            (4, 2, 1, "done", 4),
            (5, 4, 1, "quarantined", 5),
        )
    ),
)


def test_views_of_other_code_are_made_anew_when_the_database_is_opened(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text("DROP VIEW page_faces"))
        connection.execute(text("CREATE VIEW page_faces AS SELECT 1 AS of_other_code"))
        connection.execute(text("UPDATE view_set SET fingerprint = 'of other code'"))
    assert not migrations.has_views_of_today(engine)
    open_existing(url, read_only=engine.dialect.name == "sqlite").dispose()
    assert migrations.has_views_of_today(engine)
    with engine.connect() as connection:
        columns = list(connection.execute(text("SELECT * FROM page_faces")).keys())
    assert "confidence" in columns


def test_an_upgrade_of_a_database_at_head_makes_views_of_other_code_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE view_set SET fingerprint = 'of other code'"))
    migrations.upgrade(engine)
    assert migrations.has_views_of_today(engine)
