"""What people say of results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id, UtcDateTime, database_now

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OF_PAGE_RUN = ("attempt", "text_line", "text_block", "separator", "picture", "face", "stage_timing")
VERDICTS = "'right', 'wrong', 'read_again', 'false_box', 'missing_box', 'moved_separator'"


def upgrade() -> None:
    """Add the table; on SQLite its rows go with their page run."""
    op.create_table(
        "review",
        sa.Column("review_id", Id, nullable=False),
        sa.Column("page_run_id", Id, nullable=False),
        sa.Column("reviewer", sa.String(120), nullable=False),
        sa.Column("created_at", UtcDateTime(), server_default=database_now(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("box_kind", sa.String(10), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("box_number", "x_min", "y_min", "x_max", "y_max")),
        sa.Column("asked_parameters", sa.Text(), nullable=True),
        sa.CheckConstraint(f"verdict IN ({VERDICTS})", name=op.f("ck_review_verdict")),
        sa.CheckConstraint("box_kind IN ('line', 'separator', 'face', 'picture')", name=op.f("ck_review_box_kind")),
        sa.ForeignKeyConstraint(
            ["page_run_id"], ["page_run.page_run_id"], name=op.f("fk_review_page_run_id_page_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_review")),
    )
    op.create_index("ix_review_page_run", "review", ["page_run_id"])
    op.create_index("ix_review_reviewer", "review", ["reviewer", "review_id"])
    _delete_with_page_run(*OF_PAGE_RUN, "review")


def downgrade() -> None:
    """Remove it."""
    _delete_with_page_run(*OF_PAGE_RUN)
    op.drop_table("review")


def _delete_with_page_run(*tables: str) -> None:
    # SQLite follows foreign keys only where a program asks it to on its connection
    if op.get_bind().dialect.name == "sqlite":
        deletes = " ".join(f"DELETE FROM {table} WHERE page_run_id = old.page_run_id;" for table in tables)
        op.execute("DROP TRIGGER page_run_deleted")
        op.execute(f"CREATE TRIGGER page_run_deleted AFTER DELETE ON page_run BEGIN {deletes} END")
