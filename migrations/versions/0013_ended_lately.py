"""What has ended lately, for those who watch a run of a million pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ENDED = sa.text("finished_at IS NOT NULL")


def upgrade() -> None:
    """Add the index of the moments at which page runs ended."""
    op.create_index("ix_page_run_finished_at", "page_run", ["finished_at"], postgresql_where=ENDED, sqlite_where=ENDED)


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_page_run_finished_at", "page_run")
