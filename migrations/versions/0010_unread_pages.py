"""Pages in stores, known by their version before anybody has read their bytes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the version, by which a page in a store is found again."""
    op.add_column("page", sa.Column("version", sa.Text(), server_default="", nullable=False))
    known = sa.text("version <> ''")
    op.create_index(
        "ix_page_version", "page", ["volume_id", "name", "version"], unique=True,
        sqlite_where=known, postgresql_where=known,
    )  # fmt: skip


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_page_version", "page")
    op.drop_column("page", "version")
