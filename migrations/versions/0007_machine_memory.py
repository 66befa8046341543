"""The memory of the machines that workers run on, for all who watch a run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = {
    "memory_total_kib": "Memory of its machine or container, KiB; NULL where it cannot be told",
    "memory_available_kib": "Memory that was available there when it was last heard of, KiB",
}


def upgrade() -> None:
    """Add two columns to the workers."""
    for name, comment in COLUMNS.items():
        op.add_column("worker", sa.Column(name, sa.BigInteger(), nullable=True, comment=comment))


def downgrade() -> None:
    """Remove them."""
    for name in COLUMNS:
        op.drop_column("worker", name)
