"""Whose page it is: title, date, place in its issue."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id


class PageDescription(Base):
    """What a path, a table or a catalogue says of a page; it can be given and corrected without reading the page."""

    __tablename__ = "page_description"
    __table_args__ = ({"comment": "Whose page it is: title, date, place in its issue"},)

    page_id: Mapped[int] = mapped_column(
        Id, ForeignKey("page.page_id", ondelete="CASCADE"), primary_key=True, comment="The page"
    )
    title: Mapped[str | None] = mapped_column(Text, comment="Title of the newspaper, periodical or book")
    title_id: Mapped[str | None] = mapped_column(Text, comment="Identifier of the title: LCCN, ISSN, VD18")
    place: Mapped[str | None] = mapped_column(Text, comment="Place of publication")
    language: Mapped[str | None] = mapped_column(Text, comment="Language, as given")
    frequency: Mapped[str | None] = mapped_column(Text, comment="How often it appears, as given")
    date_issued: Mapped[str | None] = mapped_column(Text, comment="Date of issue: 1898, 1898-11 or 1898-11-10")
    date_precision: Mapped[str | None] = mapped_column(String(8), comment="year, month or day")
    issue: Mapped[str | None] = mapped_column(Text, comment="Number of the issue, as given")
    edition: Mapped[str | None] = mapped_column(Text, comment="Edition of the day, as given")
    section: Mapped[str | None] = mapped_column(Text, comment="Section of the issue, as given")
    sequence: Mapped[int | None] = mapped_column(Integer, comment="Place in its issue; 1 is the front page")
    page_label: Mapped[str | None] = mapped_column(Text, comment="Page number as printed")
    batch: Mapped[str | None] = mapped_column(Text, comment="Batch of the digitisation")
    reel: Mapped[str | None] = mapped_column(Text, comment="Reel of microfilm")
    rights: Mapped[str | None] = mapped_column(Text, comment="Rights, as given")
    source_url: Mapped[str | None] = mapped_column(Text, comment="Where the page is on the web")
