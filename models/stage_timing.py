"""What one stage of a page run cost."""

from __future__ import annotations

from sqlalchemy import Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.results import CLUSTERED, OfPageRun


class StageTiming(OfPageRun, Base):
    """Time, memory and output of one stage in the successful attempt."""

    __tablename__ = "stage_timing"
    __table_args__ = ({"comment": "What each stage of a page run cost"} | CLUSTERED,)

    stage: Mapped[str] = mapped_column(
        String(20),
        primary_key=True,
        comment="decode, palette, binarization, separators, segmentation, second_reader, structure, faces or record",
    )
    stage_number: Mapped[int] = mapped_column(Integer, comment="1-based place in the page's way")
    wall_ms: Mapped[float] = mapped_column(Float, comment="Elapsed milliseconds")
    cpu_ms: Mapped[float] = mapped_column(Float, comment="CPU milliseconds of the process")
    peak_rss_kib: Mapped[int] = mapped_column(
        Integer, comment="Peak memory of the process in the stage, KiB; 0 unknown"
    )
    items: Mapped[int] = mapped_column(Integer, comment="Things that came out: lines, separators, faces, pixels")
