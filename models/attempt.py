"""An attempt: one try at one page run, also those that ended with a killed worker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Small, UtcDateTime, database_now


class Attempt(Base):
    """One try; written when the page is claimed, so that a try that never came back is seen too."""

    __tablename__ = "attempt"
    __table_args__ = ({"comment": "One try at a page run"},)

    page_run_id: Mapped[int] = mapped_column(
        Id, ForeignKey("page_run.page_run_id", ondelete="CASCADE"), primary_key=True, comment="The page run"
    )
    attempt_number: Mapped[int] = mapped_column(Small, primary_key=True, comment="1 for the first try")
    owner: Mapped[str] = mapped_column(String(48), comment="Token that fences this attempt's writes")
    worker: Mapped[str] = mapped_column(Text, comment="Host and process that ran it: host:pid namespace:pid")
    outcome: Mapped[str | None] = mapped_column(
        String(12), comment="done, quarantined, retry, lost or cancelled; NULL while it runs"
    )
    stage: Mapped[str | None] = mapped_column(String(20), comment="The stage it failed in")
    error_code: Mapped[str | None] = mapped_column(String(40), comment="Why it failed; a stable key")
    error_message: Mapped[str | None] = mapped_column(Text, comment="Why it failed, in words")
    traceback: Mapped[str | None] = mapped_column(Text, comment="Python's traceback where there was one")
    signal: Mapped[int | None] = mapped_column(
        Small, comment="The signal that ended its process; 9 is a kill, 11 a crash"
    )
    log: Mapped[str | None] = mapped_column(Text, comment="The last log lines of a process that died")
    peak_rss_kib: Mapped[int | None] = mapped_column(Integer, comment="Peak resident memory of the process, KiB")
    started_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it claimed the page, UTC"
    )
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When it ended, UTC")
