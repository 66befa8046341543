"""A pipeline: a set of parameters and versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime, database_now


class Pipeline(Base):
    """Parameters and software versions; the same fingerprint gives the same results."""

    __tablename__ = "pipeline"
    __table_args__ = (
        UniqueConstraint("fingerprint"),
        {"comment": "A set of parameters and versions that decides the results"},
    )

    pipeline_id: Mapped[int] = mapped_column(Id, primary_key=True, comment="Number of the pipeline")
    fingerprint: Mapped[str] = mapped_column(String(16), comment="Its name: a hash over parameters and versions")
    parameters: Mapped[str] = mapped_column(Text, comment="Every parameter, canonical JSON")
    versions: Mapped[str] = mapped_column(
        Text, comment="Versions of Python, OpenCV, Pillow, Broadsheet and others; stages: hashes of their code; JSON"
    )
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it was first used, UTC"
    )
