"""How often a host failed at one page alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count."""
    op.add_column("page_run", sa.Column("host_failures", sa.SmallInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("page_run", "host_failures")
