"""One result per scan that is present: `page_run.is_current`, kept by the database itself; scans that are gone."""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime, database_now

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The one definition of the current result of a page: the page run that finished last, of a page without any its newest
# page run; a scan that is gone has none. `{page}` is the number of the page.
CHOSEN = """
    SELECT r.page_run_id FROM page_run r JOIN page p ON p.page_id = r.page_id
    WHERE r.page_id = {page} AND p.gone_at IS NULL
    ORDER BY CASE WHEN r.state = 'done' THEN 0 ELSE 1 END,
             CASE WHEN r.state = 'done' THEN coalesce(r.finished_at, r.created_at) END DESC, r.page_run_id DESC
    LIMIT 1"""

# When the choice may be another one. A page's only run is current from the start, so that its end costs nothing.
EVENTS = {
    "page_run_current_insert": ("AFTER INSERT ON page_run", "NOT new.is_current", "new"),
    "page_run_current_update": (
        "AFTER UPDATE OF state ON page_run",
        "(new.state = 'done' AND NOT new.is_current) OR (old.state = 'done' AND new.state <> 'done')",
        "new",
    ),
    "page_run_current_delete": ("AFTER DELETE ON page_run", "old.is_current", "old"),
    "page_current_gone": ("AFTER UPDATE OF gone_at ON page", "(old.gone_at IS NULL) <> (new.gone_at IS NULL)", "new"),
}

SQLITE_SETTLE = f"""
    UPDATE page_run SET is_current = 0
    WHERE page_id = {{page}} AND is_current AND page_run_id IS NOT ({CHOSEN});
    UPDATE page_run SET is_current = 1 WHERE page_run_id = ({CHOSEN}) AND NOT is_current;"""

# The lock: two page runs of one page that end at the same time must not both be chosen.
POSTGRESQL_SETTLE = f"""
CREATE FUNCTION settle_current_page_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    chosen BIGINT;
    settled BIGINT := CASE WHEN TG_OP = 'DELETE' THEN old.page_id ELSE new.page_id END;
BEGIN
    PERFORM 1 FROM page WHERE page_id = settled FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    chosen := ({CHOSEN.format(page="settled")});
    UPDATE page_run SET is_current = false
    WHERE page_id = settled AND is_current AND page_run_id IS DISTINCT FROM chosen;
    UPDATE page_run SET is_current = true WHERE page_run_id = chosen AND NOT is_current;
    RETURN NULL;
END $$"""


def upgrade() -> None:
    """Mark the current page runs and the scans whose bytes were replaced, and let the database keep the mark."""
    _drop_old_views()
    gone = "When an ingest of its volume no longer found the scan, UTC; NULL while it is present"
    op.add_column("page", sa.Column("gone_at", UtcDateTime(), nullable=True, comment=gone))
    reason = "What became of a scan that is gone: replaced, deleted or moved; NULL while it is present"
    op.add_column("page", sa.Column("gone_reason", sa.String(8), nullable=True, comment=reason))
    _mark_replaced()
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    current = "True for the one result of a scan that is present: the newest finished, else the newest page run"
    # PostgreSQL adds a column that is true everywhere without touching a row; few page runs are not current.
    default = sa.true() if on_postgresql else sa.false()
    op.add_column(
        "page_run", sa.Column("is_current", sa.Boolean(), nullable=False, server_default=default, comment=current)
    )
    _mark_current()
    if on_postgresql:
        op.alter_column("page_run", "is_current", server_default=sa.false())
    condition = sa.text("is_current")
    op.create_index(
        "ix_page_run_current", "page_run", ["page_id"], unique=True, sqlite_where=condition, postgresql_where=condition
    )
    _keep_current(on_postgresql)


def _drop_old_views() -> None:
    for name in reversed(_old_views()):
        op.execute(f"DROP VIEW IF EXISTS {name}")


def _old_views() -> dict[str, str]:
    first = import_module("migrations.versions.0001_initial_schema")
    second = import_module("migrations.versions.0002_asking_the_archive")
    return dict(first.VIEWS) | dict(second._views(op.get_bind().dialect.name))


def _mark_replaced() -> None:
    # a file whose bytes changed left a page of its name behind
    newer = (
        "SELECT 1 FROM page n WHERE n.volume_id = page.volume_id AND n.name = page.name AND n.page_id > page.page_id"
    )
    page = sa.table("page", sa.column("gone_at"), sa.column("gone_reason"))
    replaced = sa.update(page).values(gone_at=database_now(), gone_reason="replaced")
    op.execute(replaced.where(sa.text(f"EXISTS ({newer})")))


def _mark_current() -> None:
    chosen = CHOSEN.format(page="page_run.page_id")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"UPDATE page_run SET is_current = 1 WHERE page_run_id = ({chosen})")
        return
    # a page with one run needs no choice
    op.execute(f"""
        UPDATE page_run SET is_current = false
        WHERE page_id IN (SELECT page_id FROM page_run GROUP BY page_id HAVING count(*) > 1
                          UNION ALL SELECT page_id FROM page WHERE gone_at IS NOT NULL)
          AND page_run_id IS DISTINCT FROM ({chosen})""")


def _keep_current(on_postgresql: bool) -> None:
    if on_postgresql:
        op.execute(POSTGRESQL_SETTLE)
    for name, (event, condition, row) in EVENTS.items():
        if on_postgresql:
            op.execute(
                f"CREATE TRIGGER {name} {event} FOR EACH ROW WHEN ({condition}) "
                "EXECUTE FUNCTION settle_current_page_run()"
            )
        else:
            op.execute(f"CREATE TRIGGER {name} {event} WHEN {condition} BEGIN {_settle(row)} END")


def _settle(row: str) -> str:
    return SQLITE_SETTLE.format(page=f"{row}.page_id")


def downgrade() -> None:
    """Go back to views of all page runs."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for name, (event, _, _) in EVENTS.items():
        table = event.rpartition(" ")[2]
        op.execute(f"DROP TRIGGER {name} ON {table}" if on_postgresql else f"DROP TRIGGER {name}")
    if on_postgresql:
        op.execute("DROP FUNCTION settle_current_page_run")
    op.drop_index("ix_page_run_current", "page_run")
    op.drop_column("page_run", "is_current")
    op.drop_column("page", "gone_reason")
    op.drop_column("page", "gone_at")
    for name, query in _old_views().items():
        op.execute(f"CREATE VIEW {name} AS {query}")
