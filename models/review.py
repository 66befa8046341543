"""What a person says of a result: a verdict on the page, or a correction of one box."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime, database_now


class Verdict(StrEnum):
    """What is said: the first three of the page as a whole, the others of one box."""

    RIGHT = "right"
    WRONG = "wrong"
    READ_AGAIN = "read_again"
    FALSE_BOX = "false_box"
    MISSING_BOX = "missing_box"
    MOVED_SEPARATOR = "moved_separator"


PAGE_VERDICTS = (Verdict.RIGHT, Verdict.WRONG, Verdict.READ_AGAIN)
_VERDICTS = ", ".join(f"'{verdict}'" for verdict in Verdict)
BOX_KINDS = ("line", "separator", "face", "picture")
_KINDS = ", ".join(f"'{kind}'" for kind in BOX_KINDS)


class Review(Base):
    """One thing a person said of a page run. It never changes the results, and taking it back keeps the row."""

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint(f"verdict IN ({_VERDICTS})", name="verdict"),
        CheckConstraint(f"box_kind IN ({_KINDS})", name="box_kind"),
        Index("ix_review_page_run", "page_run_id"),
        Index("ix_review_reviewer", "reviewer", "review_id"),  # "what did I say last?"
        {"comment": "What people say of results: verdicts on pages and corrections of boxes"},
    )

    review_id: Mapped[int] = mapped_column(Id, primary_key=True, comment="Number of the statement; the newest counts")
    page_run_id: Mapped[int] = mapped_column(
        Id,
        ForeignKey("page_run.page_run_id", ondelete="CASCADE"),
        comment="The page run it is about; it stays with it when the page is read again",
    )
    reviewer: Mapped[str] = mapped_column(String(120), comment="Who said it")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=database_now(), comment="When, UTC")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When it was taken back, UTC; else NULL")
    verdict: Mapped[str] = mapped_column(
        String(16), comment="right, wrong or read_again; false_box, missing_box or moved_separator"
    )
    box_kind: Mapped[str | None] = mapped_column(
        String(10), comment="line, separator, face or picture; NULL for a verdict on the page"
    )
    box_number: Mapped[int | None] = mapped_column(
        Integer, comment="Its number in the results; NULL for a box that is missing there"
    )
    x_min: Mapped[int | None] = mapped_column(
        Integer, comment="Left edge of the box (where it belongs, if moved), pixels of the upright original scan"
    )
    y_min: Mapped[int | None] = mapped_column(Integer, comment="Top edge, pixels")
    x_max: Mapped[int | None] = mapped_column(Integer, comment="Right edge, exclusive, pixels")
    y_max: Mapped[int | None] = mapped_column(Integer, comment="Bottom edge, exclusive, pixels")
    asked_parameters: Mapped[str | None] = mapped_column(
        Text, comment="Parameters that the page is to be read with again, canonical JSON"
    )
