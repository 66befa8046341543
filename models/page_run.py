"""A page run: one page under one pipeline. This table is the queue of record."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Small, UtcDateTime, database_now


class PageRunState(StrEnum):
    """Where a page run stands; the last three are final."""

    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"


_STATES = ", ".join(f"'{state}'" for state in PageRunState)


IN_FLIGHT = (PageRunState.QUEUED, PageRunState.RUNNING)


class PageRun(Base):
    """One page under one pipeline: its place in the queue, its lease, its outcome."""

    __tablename__ = "page_run"
    __table_args__ = (
        UniqueConstraint("page_id", "pipeline_id"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        # The feeder asks "which next?" and the sweeper "which are late?"; done rows, the many, are in neither index.
        Index(
            "ix_page_run_feed",
            "host",
            "priority",
            "page_run_id",
            postgresql_where=text("state = 'ready'"),
            sqlite_where=text("state = 'ready'"),
        ),
        Index(
            "ix_page_run_in_flight",
            "state",
            "page_run_id",
            postgresql_where=text("state IN ('queued', 'running')"),
            sqlite_where=text("state IN ('queued', 'running')"),
        ),
        Index(
            "ix_page_run_failed",
            "state",
            "error_code",
            postgresql_where=text("error_code IS NOT NULL"),
            sqlite_where=text("error_code IS NOT NULL"),
        ),
        # How fast the fleet is, and what has ended since somebody last looked, without counting all that ever ended.
        Index(
            "ix_page_run_finished_at",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL"),
            sqlite_where=text("finished_at IS NOT NULL"),
        ),
        # At most one result a page; the database's triggers choose it (migration 0004).
        Index(
            "ix_page_run_current",
            "page_id",
            unique=True,
            postgresql_where=text("is_current"),
            sqlite_where=text("is_current"),
        ),
        {"comment": "One page under one pipeline; the queue of record"},
    )

    page_run_id: Mapped[int] = mapped_column(
        Id, primary_key=True, comment="Number of the page run; what messages carry"
    )
    page_id: Mapped[int] = mapped_column(Id, ForeignKey("page.page_id", ondelete="CASCADE"), comment="The page")
    pipeline_id: Mapped[int] = mapped_column(Id, ForeignKey("pipeline.pipeline_id"), comment="The pipeline")
    state: Mapped[str] = mapped_column(
        String(12), server_default=PageRunState.READY, comment="ready, queued, running, done, quarantined or cancelled"
    )
    is_current: Mapped[bool] = mapped_column(
        Boolean,
        server_default=false(),
        comment="True for the one result of a scan that is present: the newest finished, else the newest page run",
    )
    priority: Mapped[int] = mapped_column(Small, server_default="1", comment="0 interactive, 1 bulk; lower goes first")
    host: Mapped[str] = mapped_column(
        String(255), server_default="", comment="Host on the web that it waits for; empty for none"
    )
    host_failures: Mapped[int] = mapped_column(
        Small, server_default="0", comment="How often its host failed at it; after ten times it is quarantined"
    )
    attempts: Mapped[int] = mapped_column(Small, server_default="0", comment="Attempts begun, counted at claim time")
    attempts_forgiven: Mapped[int] = mapped_column(
        Small, server_default="0", comment="Attempts that no longer count, since someone asked for a retry"
    )
    owner: Mapped[str | None] = mapped_column(String(48), comment="Token of the attempt that holds the lease")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When the lease runs out, UTC")
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="Earliest moment of the next attempt, UTC")
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When its message was last sent, UTC")
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When the last attempt began, UTC")
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When it ended for good, UTC")
    error_code: Mapped[str | None] = mapped_column(String(40), comment="Why it failed last; a stable key to group by")
    error_message: Mapped[str | None] = mapped_column(Text, comment="Why it failed last, in words")
    empty_reason: Mapped[str | None] = mapped_column(String(40), comment="Why a done page has no text line; else NULL")
    width: Mapped[int | None] = mapped_column(Integer, comment="Width of the upright scan in pixels")
    height: Mapped[int | None] = mapped_column(Integer, comment="Height of the upright scan in pixels")
    skew_degrees: Mapped[float | None] = mapped_column(Float, comment="Estimated skew of the scan in degrees")
    text_lines: Mapped[int | None] = mapped_column(Integer, comment="Number of text lines found")
    separators: Mapped[int | None] = mapped_column(Integer, comment="Number of separators found")
    faces: Mapped[int | None] = mapped_column(Integer, comment="Number of faces found")
    columns: Mapped[int | None] = mapped_column(Integer, comment="Columns side by side where most are; 0 without lines")
    pictures: Mapped[int | None] = mapped_column(Integer, comment="Number of pictures found")
    doubt: Mapped[float | None] = mapped_column(
        Float, comment="How far the lines fail to explain the page's letters, 0 to 1; NULL where not measured"
    )
    format: Mapped[str | None] = mapped_column(String(16), comment="Format of the scan: JPEG, TIFF, PNG, PDF and more")
    mode: Mapped[str | None] = mapped_column(String(16), comment="How a pixel is stored: 1, L, P, RGB, CMYK, I;16")
    bit_depth: Mapped[int | None] = mapped_column(Small, comment="Bits of one channel")
    dpi_x: Mapped[float | None] = mapped_column(Float, comment="Dots per inch across as stated; else NULL")
    dpi_y: Mapped[float | None] = mapped_column(Float, comment="Dots per inch down as stated; else NULL")
    is_colour: Mapped[bool | None] = mapped_column(Boolean, comment="True where it has colours beside its paper's")
    picture_hash: Mapped[int | None] = mapped_column(
        BigInteger, comment="64-bit difference hash of the picture: a few bits apart means the same picture"
    )
    wall_ms: Mapped[float | None] = mapped_column(Float, comment="Time of the successful attempt in milliseconds")
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it was ingested, UTC"
    )


def is_in_flight() -> ColumnElement[bool]:
    """Return the condition on `page_run` that it is queued or running, found by the index of those.

    The states are written into the statement: SQLite takes a partial index only where it reads its condition.
    """
    return PageRun.state.in_(bindparam("in_flight", IN_FLIGHT, expanding=True, literal_execute=True))
