"""A worker: who works for the fleet at the moment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, UtcDateTime, database_now


class Worker(Base):
    """One `broadsheet worker`; it says every few seconds that it is alive, and how many processes it has."""

    __tablename__ = "worker"
    __table_args__ = ({"comment": "Workers that are alive, or were a moment ago"},)

    name: Mapped[str] = mapped_column(Text, primary_key=True, comment="Host and main process: host:pid namespace:pid")
    processes: Mapped[int] = mapped_column(Integer, comment="Pages it works on at once")
    started_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it joined, UTC"
    )
    seen_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it was last heard of, UTC"
    )
    memory_total_kib: Mapped[int | None] = mapped_column(
        BigInteger, comment="Memory of its machine or container, KiB; NULL where it cannot be told"
    )
    memory_available_kib: Mapped[int | None] = mapped_column(
        BigInteger, comment="Memory that was available there when it was last heard of, KiB"
    )
