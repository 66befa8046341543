"""A text line with its place in the reading order."""

from __future__ import annotations

from sqlalchemy import Float, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfBox


class TextLine(OfBox, Base):
    """One text line of a page run; `line_number` is its reading order."""

    __tablename__ = "text_line"
    __table_args__ = ({"comment": "Text lines in reading order"} | CLUSTERED,)

    line_number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="1-based reading order")
    block_number: Mapped[int | None] = mapped_column(Integer, comment="Its block; NULL before schema 0005")
    column_number: Mapped[int | None] = mapped_column(
        Integer, comment="Its column among those side by side at its height, from 1; NULL before schema 0005"
    )
    kind: Mapped[str | None] = mapped_column(
        String(16), comment="body, headline or drop_capital, by its size; NULL before schema 0005"
    )
    confidence: Mapped[float | None] = mapped_column(
        Float, comment="Chance that it is a line, 0 to 1; NULL where read before schema 0011"
    )
    baseline_y_left: Mapped[int | None] = mapped_column(
        Integer, comment="Height of its baseline at its left edge, pixels; NULL where the baseline is no such line"
    )
    baseline_y_right: Mapped[int | None] = mapped_column(
        Integer, comment="Height of its baseline at its right edge, pixels; NULL where the baseline is no such line"
    )
    baseline: Mapped[str | None] = mapped_column(
        Text, comment="JSON [[x, y], ...] where the baseline is bent or stands upright, else NULL"
    )
    boundary: Mapped[str | None] = mapped_column(
        Text, comment="JSON [[x, y], ...] from the neural segmenter, else NULL"
    )
