"""An archive of finished pages, made without looking at a pixel: what readers' tests ask about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine, update

from models import PageRun
from tests.rows import add_page_runs
from workers.layout import BoundingBox, Face, PageLayout, Separator, StageTiming, TextLine
from workers.lease.claims import claim
from workers.lease.recording import record

WIDTH, HEIGHT = 1000, 1400


def text_lines(count: int, x: int = 100, width: int = 350, top: int = 100) -> tuple[TextLine, ...]:
    """Return `count` lines of 20 pixels, one below the other."""
    return tuple(TextLine(BoundingBox.from_xywh(x, top + 30 * n, width, 20)) for n in range(count))


def rule(x: int = 500, origin: str = "printed") -> Separator:
    """Return a separator from the head to the foot of the page."""
    path = ((x, 80), (x, HEIGHT - 80))
    return Separator(BoundingBox(x - 1, 80, x + 2, HEIGHT - 80), "printed" if origin == "printed" else "inserted", path)


def timings(segmentation_ms: float = 300.0) -> tuple[StageTiming, ...]:
    """Return the timings of three stages."""
    return (
        StageTiming("decode", 50.0, 48.0, 90_000, WIDTH * HEIGHT),
        StageTiming("segmentation", segmentation_ms, segmentation_ms * 0.9, 120_000, 20),
        StageTiming("faces", 80.0, 79.0, 120_000, 0),
    )


def page(
    lines: int = 20, faces: Sequence[BoundingBox] = (), ms: float = 300.0, picture_hash: int | None = None
) -> PageLayout:
    """Return a page of one column of lines left of a printed rule."""
    return PageLayout(
        WIDTH,
        HEIGHT,
        text_lines(lines),
        (rule(),),
        tuple(Face(face, "face", 5.5) for face in faces),
        timings(ms),
        None if lines else "blank",
        0.1,
        picture_hash,
        columns=1 if lines else 0,
    )


def store(engine: Engine, page_run_id: int, layout: PageLayout, day: datetime | None = None) -> None:
    """Claim a page run as a worker does and record its layout, as if on `day`."""
    claimed = claim(engine, page_run_id, f"task-{page_run_id}", "test:1", 180)
    assert claimed is not None
    assert record(engine, claimed, layout)
    if day is not None:
        with engine.begin() as connection:
            moment = day.astimezone(UTC)
            changed = update(PageRun).where(PageRun.page_run_id == page_run_id)
            connection.execute(changed.values(finished_at=moment, started_at=moment))


def add_done_pages(
    engine: Engine, layouts: Sequence[PageLayout], source: str = "scans", day: datetime | None = None
) -> list[int]:
    """Store a volume whose pages are these layouts, and return the numbers of the page runs."""
    page_runs = add_page_runs(engine, len(layouts), source=source)
    for page_run_id, layout in zip(page_runs, layouts, strict=True):
        store(engine, page_run_id, layout, day)
    return page_runs
