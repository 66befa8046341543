"""Which definitions the views for readers were made of."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class ViewSet(Base):
    """One row: the hash of the definitions, so that software with other ones makes the views anew."""

    __tablename__ = "view_set"
    __table_args__ = ({"comment": "Which definitions the views were made of; one row"},)

    fingerprint: Mapped[str] = mapped_column(
        String(64), primary_key=True, comment="SHA-256 over the definitions and sentences of all views, hexadecimal"
    )
