"""Budgets of hosts on the web, and which page runs count against them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.base import Id, UtcDateTime, database_now

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

READY: dict[str, Any] = {"postgresql_where": sa.text("state = 'ready'"), "sqlite_where": sa.text("state = 'ready'")}


def upgrade() -> None:
    """Add the tables, and let the feeder find the ready page runs of one host."""
    op.create_table(
        "host_budget",
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("period_seconds", sa.Float(), nullable=False),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("is_set", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pace", sa.Float(), server_default="1", nullable=False),
        sa.Column("pace_changed_at", UtcDateTime(), nullable=True),
        sa.Column("refusals", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("held_until", UtcDateTime(), nullable=True),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_budget")),
    )
    op.create_table(
        "host_request",
        sa.Column("host_request_id", Id, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("counts_until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host"], ["host_budget.host"], name=op.f("fk_host_request_host_host_budget"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host_request_id", name=op.f("pk_host_request")),
    )
    op.create_index("ix_host_request_host_counts_until", "host_request", ["host", "counts_until"])
    op.create_table(
        "web_document",
        sa.Column("volume_id", Id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("is_walked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("read_at", UtcDateTime(), server_default=database_now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volume.volume_id"], name=op.f("fk_web_document_volume_id_volume"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("volume_id", "url", name=op.f("pk_web_document")),
    )
    op.add_column("page_run", sa.Column("host", sa.String(255), server_default="", nullable=False))
    op.drop_index("ix_page_run_feed", "page_run")
    op.create_index("ix_page_run_feed", "page_run", ["host", "priority", "page_run_id"], **READY)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_page_run_feed", "page_run")
    op.drop_column("page_run", "host")
    op.create_index("ix_page_run_feed", "page_run", ["priority", "page_run_id"], **READY)
    for table in ("web_document", "host_request", "host_budget"):
        op.drop_table(table)
