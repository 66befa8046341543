"""A volume: what was ingested."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime, database_now


class Volume(Base):
    """A directory, ZIP, TAR, PDF or image file that was given to `broadsheet ingest`."""

    __tablename__ = "volume"
    __table_args__ = (UniqueConstraint("location"), {"comment": "What was ingested, one row for each path given"})

    volume_id: Mapped[int] = mapped_column(Id, primary_key=True, comment="Number of the volume")
    source: Mapped[str] = mapped_column(Text, comment="The path as the user gave it")
    location: Mapped[str] = mapped_column(Text, comment="Absolute path, where the workers find it")
    kind: Mapped[str] = mapped_column(String(16), comment="directory, zip, tar, pdf or image")
    fields: Mapped[str | None] = mapped_column(
        Text, comment="Pattern by which paths describe pages, as given to ingest --fields; NULL without"
    )
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it was first ingested, UTC"
    )
