"""A page: one scanned image of a volume."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime, database_now

NEVER_SEEN_NS = -1
"""The modification time of a page that is named beside the scans, and whose scan is missing."""
UNREAD = "unread:"


def unread_mark(name: str, version: str) -> str:
    """Return what stands for the SHA-256 of a page in a store while nobody has read it; no two versions share one."""
    return UNREAD + sha256(f"{name}\n{version}".encode()).hexdigest()[:56]


class Page(Base):
    """One scanned image; a file whose bytes change becomes a new page, so results always belong to their bytes."""

    __tablename__ = "page"
    __table_args__ = (
        UniqueConstraint("volume_id", "name", "sha256"),
        Index("ix_page_volume_id_page_number", "volume_id", "page_number"),
        Index(
            "ix_page_version",
            "volume_id",
            "name",
            "version",
            unique=True,
            postgresql_where=text("version <> ''"),
            sqlite_where=text("version <> ''"),
        ),
        {"comment": "One scanned image of a volume"},
    )

    page_id: Mapped[int] = mapped_column(Id, primary_key=True, comment="Number of the page")
    volume_id: Mapped[int] = mapped_column(
        Id, ForeignKey("volume.volume_id", ondelete="CASCADE"), comment="The volume it belongs to"
    )
    page_number: Mapped[int] = mapped_column(Integer, comment="1-based place in the volume's natural order")
    name: Mapped[str] = mapped_column(Text, comment="Member name as shown to people: p0003.tif, book.pdf#3")
    address: Mapped[str] = mapped_column(Text, comment="JSON by which a worker finds the page inside the volume")
    sha256: Mapped[str] = mapped_column(
        String(64),
        index=True,
        comment="SHA-256 of the original bytes, hexadecimal; a mark beginning unread: until a worker has read them",
    )
    version: Mapped[str] = mapped_column(
        Text,
        server_default="",
        comment="What its store calls these bytes (ETag), of a ZIP's member there its checksum; empty on a disk",
    )
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="Length of the original bytes")
    modified_ns: Mapped[int] = mapped_column(
        BigInteger,
        comment="Modification time, nanoseconds since 1970; unchanged means no second hashing, -1 a missing scan",
    )
    gone_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="When an ingest of its volume no longer found the scan, UTC; NULL while it is present"
    )
    gone_reason: Mapped[str | None] = mapped_column(
        String(8), comment="What became of a scan that is gone: replaced, deleted or moved; NULL while it is present"
    )
    created_at: Mapped[datetime] = mapped_column(
        UtcDateTime, server_default=database_now(), comment="When it was first seen, UTC"
    )
