"""How likely each text line is one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was read before has none. No row is touched."""
    op.add_column("text_line", sa.Column("confidence", sa.Float(), nullable=True))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("text_line", "confidence")
