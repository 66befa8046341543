"""Workers that are alive, and what a process that died leaves behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime, database_now

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of workers and two columns to the attempts."""
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False, comment="Host and main process: host:pid"),
        sa.Column("processes", sa.Integer(), nullable=False, comment="Pages it works on at once"),
        sa.Column(
            "started_at", UtcDateTime(), server_default=database_now(), nullable=False, comment="When it joined, UTC"
        ),
        sa.Column(
            "seen_at",
            UtcDateTime(),
            server_default=database_now(),
            nullable=False,
            comment="When it was last heard of, UTC",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
        comment="Workers that are alive, or were a moment ago",
    )
    signal = "The signal that ended its process; 9 is a kill, 11 a crash"
    op.add_column("attempt", sa.Column("signal", sa.SmallInteger(), nullable=True, comment=signal))
    log = "The last log lines of a process that died"
    op.add_column("attempt", sa.Column("log", sa.Text(), nullable=True, comment=log))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("attempt", "log")
    op.drop_column("attempt", "signal")
    op.drop_table("worker")
