"""A face that was detected."""

from __future__ import annotations

from sqlalchemy import Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfBox


class Face(OfBox, Base):
    """A face, or what else the cascade that was asked for finds."""

    __tablename__ = "face"
    __table_args__ = ({"comment": "Faces"} | CLUSTERED,)

    face_number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="1-based, in the detector's order")
    label: Mapped[str] = mapped_column(String(40), comment="face, or the name of the cascade that was asked for")
    confidence: Mapped[float] = mapped_column(Float, comment="Share of such faces that are true, 0 to 1")
    level: Mapped[float] = mapped_column(
        Float,
        server_default="0",
        comment="The detector's own level, higher is surer: CenterFace's or YuNet's score, or a cascade's weights",
    )
