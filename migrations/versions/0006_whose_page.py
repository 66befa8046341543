"""Whose page it is; and no orphans, whatever program deletes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import Id

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXTS = (
    "title", "title_id", "place", "language", "frequency", "date_issued", "issue", "edition", "section", "page_label",
    "batch", "reel", "rights", "source_url",
)  # fmt: skip
# SQLite follows foreign keys only where a program asks it to on its connection.
CHILDREN = {
    "volume": ("volume_id", ("page",)),
    "page": ("page_id", ("page_run", "page_description")),
    "page_run": (
        "page_run_id",
        ("attempt", "text_line", "text_block", "separator", "picture", "face", "stage_timing"),
    ),
}


def upgrade() -> None:
    """Add the descriptions of pages, a volume's pattern, and on SQLite what deletes with its parent."""
    op.create_table(
        "page_description",
        sa.Column("page_id", Id, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in TEXTS),
        sa.Column("date_precision", sa.String(8), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["page_id"], ["page.page_id"], name=op.f("fk_page_description_page_id_page"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("page_id", name=op.f("pk_page_description")),
    )
    op.add_column("volume", sa.Column("fields", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        for table, (key, children) in CHILDREN.items():
            deletes = " ".join(f"DELETE FROM {child} WHERE {key} = old.{key};" for child in children)
            op.execute(f"CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {deletes} END")


def downgrade() -> None:
    """Remove them."""
    if op.get_bind().dialect.name == "sqlite":
        for table in CHILDREN:
            op.execute(f"DROP TRIGGER {table}_deleted")
    op.drop_column("volume", "fields")
    op.drop_table("page_description")
