"""What is known of lines, pages and faces, as columns; blocks and pictures."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.base import Id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WORD = sa.String(16)
# Their sentences are those of the models, written as comments with the views.
LINE: dict[str, Any] = {
    "block_number": sa.Integer(),
    "column_number": sa.Integer(),
    "kind": _WORD,
    "baseline_y_left": sa.Integer(),
    "baseline_y_right": sa.Integer(),
}
PAGE_RUN: dict[str, Any] = {
    "columns": sa.Integer(),
    "pictures": sa.Integer(),
    "doubt": sa.Float(),
    "format": _WORD,
    "mode": _WORD,
    "bit_depth": sa.SmallInteger(),
    "dpi_x": sa.Float(),
    "dpi_y": sa.Float(),
    "is_colour": sa.Boolean(),
}
CALIBRATED = "0.97 / (1 + (8.5 / level) * (8.5 / level) * (8.5 / level))"


def upgrade() -> None:
    """Add the columns and the two tables; old levels of faces become confidences."""
    for table, columns in (("text_line", LINE), ("page_run", PAGE_RUN)):
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column("face", sa.Column("level", sa.Float(), server_default="0", nullable=False))
    op.execute("UPDATE face SET level = confidence")
    op.execute(f"UPDATE face SET confidence = {CALIBRATED} WHERE level > 1")  # YuNet's scores end at 1
    _create_table(
        "text_block",
        "block_number",
        sa.Column("column_number", sa.Integer(), nullable=False),
        sa.Column("first_line", sa.Integer(), nullable=False),
        sa.Column("text_lines", sa.Integer(), nullable=False),
    )
    _create_table(
        "picture",
        "picture_number",
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("outline", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
    )


def _create_table(name: str, number: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("page_run_id", Id, nullable=False),
        sa.Column(number, sa.Integer(), nullable=False),
        *columns,
        *(sa.Column(side, sa.Integer(), nullable=False) for side in ("x_min", "y_min", "x_max", "y_max")),
        sa.ForeignKeyConstraint(
            ["page_run_id"], ["page_run.page_run_id"], name=op.f(f"fk_{name}_page_run_id_page_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("page_run_id", number, name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Remove them; levels are the confidences again."""
    op.drop_table("picture")
    op.drop_table("text_block")
    op.execute("UPDATE face SET confidence = level")
    op.drop_column("face", "level")
    for table, columns in (("page_run", PAGE_RUN), ("text_line", LINE)):
        for name in reversed(columns):
            op.drop_column(table, name)
