"""A block of text lines."""

from __future__ import annotations

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfBox


class TextBlock(OfBox, Base):
    """Lines that follow each other in one column; `block_number` is its place in the reading order."""

    __tablename__ = "text_block"
    __table_args__ = ({"comment": "Blocks of text lines in reading order"} | CLUSTERED,)

    block_number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="1-based reading order")
    column_number: Mapped[int] = mapped_column(Integer, comment="The column of most of its lines, from 1")
    first_line: Mapped[int] = mapped_column(Integer, comment="Reading order of its first line")
    text_lines: Mapped[int] = mapped_column(Integer, comment="Number of its lines")
