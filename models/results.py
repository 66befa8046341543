"""What hangs on a page run and is addressed by number within it, so that an insert returns nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Integer
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from models.base import Id

# On SQLite the table is the B-tree of its key: a page run's rows lie together, are stored once and found at once.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class OfPageRun:
    """The column that ties a row to its page run."""

    @declared_attr
    def page_run_id(cls) -> Mapped[int]:
        """Return the first part of the natural key."""
        # First in the key: a page run's rows lie together, and deleting them needs no scan.
        return mapped_column(
            Id,
            ForeignKey("page_run.page_run_id", ondelete="CASCADE"),
            primary_key=True,
            sort_order=-1,
            comment="The page run",
        )


class OfBox(OfPageRun):
    """The four columns of a box."""

    x_min: Mapped[int] = mapped_column(Integer, comment="Left edge, pixels of the upright original scan")
    y_min: Mapped[int] = mapped_column(Integer, comment="Top edge, pixels")
    x_max: Mapped[int] = mapped_column(Integer, comment="Right edge, exclusive, pixels")
    y_max: Mapped[int] = mapped_column(Integer, comment="Bottom edge, exclusive, pixels")
