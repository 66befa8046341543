"""What was read of a catalogue on the web, so that an ingest that was stopped asks for nothing twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, LargeBinary, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime, database_now


class WebDocument(Base):
    """A manifest or collection as its host gave it."""

    __tablename__ = "web_document"
    __table_args__ = ({"comment": "Manifests and collections as their hosts gave them"},)

    volume_id: Mapped[int] = mapped_column(
        Id, ForeignKey("volume.volume_id", ondelete="CASCADE"), primary_key=True, comment="The volume it was read for"
    )
    url: Mapped[str] = mapped_column(Text, primary_key=True, comment="Where it is on the web")
    body: Mapped[bytes] = mapped_column(LargeBinary, comment="Its bytes, compressed by zlib")
    etag: Mapped[str | None] = mapped_column(Text, comment="The host's mark of this version; NULL where it gave none")
    is_walked: Mapped[bool] = mapped_column(
        Boolean, server_default=false(), comment="True once the volume was read to its end: then it is asked for again"
    )
    read_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When the host was asked last, UTC"
    )
