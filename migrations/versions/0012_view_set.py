"""Which definitions the views for readers were made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; who makes the views writes it."""
    op.create_table(
        "view_set",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_view_set")),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("view_set")
