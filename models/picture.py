"""A picture on a page."""

from __future__ import annotations

from sqlalchemy import Float, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfBox


class Picture(OfBox, Base):
    """A photograph, a drawing, or what else is printed there that is no type."""

    __tablename__ = "picture"
    __table_args__ = ({"comment": "Pictures"} | CLUSTERED,)

    picture_number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="1-based, from head to foot")
    kind: Mapped[str] = mapped_column(String(16), comment="photograph where no white paper shows in it, else other")
    outline: Mapped[str] = mapped_column(Text, comment="JSON [[x, y], ...], a polygon")
    share: Mapped[float] = mapped_column(Float, comment="Part of the page that it covers, 0 to 1")
