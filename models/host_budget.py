"""What a host on the web is asked for at most, and the requests that count against it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, false
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Small, UtcDateTime


class HostBudget(Base):
    """How much the whole fleet asks of one host, and how it is kept at the moment."""

    __tablename__ = "host_budget"
    __table_args__ = ({"comment": "What the whole fleet asks of a host on the web at most"},)

    host: Mapped[str] = mapped_column(String(255), primary_key=True, comment="Name of the host, with its port if odd")
    requests: Mapped[int] = mapped_column(Integer, comment="Most requests in any period")
    period_seconds: Mapped[float] = mapped_column(Float, comment="Length of the period in seconds")
    in_flight: Mapped[int] = mapped_column(Integer, comment="Most requests at once")
    is_set: Mapped[bool] = mapped_column(
        Boolean, server_default=false(), comment="True where somebody set it; else published by the host, or usual"
    )
    pace: Mapped[float] = mapped_column(
        Float, server_default="1", comment="Share of the budget asked for now: less after the host said it was too much"
    )
    pace_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When the pace was last changed, UTC")
    refusals: Mapped[int] = mapped_column(Small, server_default="0", comment="Refusals in a row, the last ones")
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="The host asks for nothing before, UTC")
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="When the next request is due, UTC")


class HostRequest(Base):
    """A request that counts against its host's budget; one whose worker died counts until its time ran out."""

    __tablename__ = "host_request"
    __table_args__ = (
        Index("ix_host_request_host_counts_until", "host", "counts_until"),
        {"comment": "Requests that count against the budget of a host"},
    )

    host_request_id: Mapped[int] = mapped_column(Id, primary_key=True, comment="Number of the request")
    host: Mapped[str] = mapped_column(
        String(255), ForeignKey("host_budget.host", ondelete="CASCADE"), comment="The host that was asked"
    )
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="When it was allowed, UTC")
    lease_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="While it is in flight: when it counts as given up, UTC; NULL when it has ended"
    )
    counts_until: Mapped[datetime] = mapped_column(UtcDateTime, comment="When it no longer counts, UTC")
