"""A separator between columns."""

from __future__ import annotations

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfBox


class Separator(OfBox, Base):
    """A printed rule, or one inserted into a white gutter."""

    __tablename__ = "separator"
    __table_args__ = ({"comment": "Lines between columns"} | CLUSTERED,)

    separator_number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="1-based, left to right")
    origin: Mapped[str] = mapped_column(String(8), comment="inserted or printed")
    path: Mapped[str] = mapped_column(Text, comment="JSON [[x, y], ...] from top to bottom along its middle")
