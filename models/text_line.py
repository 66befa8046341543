"""A text line with its place in the reading order."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfBox


class TextLine(OfBox, Base):
    """One text line of a page run; `line_number` is its reading order."""

    __tablename__ = "text_line"
    __table_args__ = ({"comment": "Text lines in reading order"} | CLUSTERED,)

    line_number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="1-based reading order")
    baseline: Mapped[str | None] = mapped_column(
        Text, comment="JSON [[x, y], ...] from the neural segmenter, else NULL"
    )
    boundary: Mapped[str | None] = mapped_column(
        Text, comment="JSON [[x, y], ...] from the neural segmenter, else NULL"
    )
