"""The sample archive as rows: its truth for boxes, times that follow a rule, so that answers can be written down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert, select, update

from models import Page, PageDescription, PageRun, Pipeline, Volume
from models import StageTiming as StageTimingRow
from samples.archive import make_archive
from tests.archive import store
from workers.layout import BoundingBox, Face, PageLayout, Picture, ScanFacts, Separator, StageTiming, TextLine
from workers.stages.segmentation.column_numbers import number_columns
from workers.stages.segmentation.line_kinds import line_kinds

FINGERPRINT = "5a3b1e0000000001"
WEEKS = (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 9, 9, tzinfo=UTC))
# volume -> the week in which it was worked on
VOLUMES = {"morning_courier": 0, "evening_post.zip": 0, "gazette.tif": 1, "weekly_herald.pdf": 1}
SHORT = 80  # pixels; lines that short are stored as less certain ones
BROKEN = "p9.jpg"
# Where the face is in the pictures of the sample archive, as fractions of the picture: left, top, right, bottom.
FACE_IN_PICTURE = (0.32, 0.15, 0.62, 0.39)


def read_truth(folder: Path) -> dict[str, dict[str, Any]]:
    """Make the archive in `folder` and return the truth of its pages by volume and page, in their order."""
    list(make_archive(folder))
    outer = json.loads((folder / "truth.json").read_text())
    prefixes = {"evening_post.zip": "post_", "gazette.tif": "gazette.tif#", "weekly_herald.pdf": "weekly_herald.pdf#"}
    found = {name: {page: outer[page] for page in outer if page.startswith(start)} for name, start in prefixes.items()}
    courier = json.loads((folder / "morning_courier" / "truth.json").read_text())
    return {"morning_courier": courier, **found}


def store_truth(engine: Engine, truth: Mapping[str, Mapping[str, Any]]) -> None:
    """Store every page as if a worker had found exactly what is printed; one page of the courier is broken."""
    with engine.begin() as connection:
        versions = json.dumps({"broadsheet": "0.1.0"})
        connection.execute(insert(Pipeline), {"fingerprint": FINGERPRINT, "parameters": "{}", "versions": versions})
    for volume, week in VOLUMES.items():
        pages = dict(truth[volume])
        if volume == "morning_courier":
            pages = {name: pages.get(name) for name in (*list(pages)[:-1], BROKEN, list(pages)[-1])}
        for run, page in zip(_add_volume(engine, volume, list(pages)), pages.values(), strict=True):
            if page is None:
                _break(engine, run)
            else:
                store(engine, run, _layout(page, 1.0 + 0.5 * week), WEEKS[week])
        _describe(engine, volume)
    with engine.begin() as connection:  # the one stage that was really timed
        timed = update(StageTimingRow).where(StageTimingRow.stage == "record")
        connection.execute(timed.values(wall_ms=5.0, cpu_ms=5.0, peak_rss_kib=260_000))


def _add_volume(engine: Engine, volume: str, names: Sequence[str]) -> list[int]:
    with engine.begin() as connection:
        values = {"source": volume, "location": f"/archive/{volume}", "kind": "directory"}
        volume_id = connection.execute(insert(Volume).returning(Volume.volume_id), values).scalar_one()
        pipeline_id = connection.execute(select(Pipeline.pipeline_id)).scalar_one()
        runs = []
        for number, name in enumerate(names, 1):
            page = {
                "volume_id": volume_id, "page_number": number, "name": name, "address": '{"members":[],"frame":null}',
                "sha256": f"{volume_id:032x}{number:032x}", "size_bytes": 1, "modified_ns": 0,
            }  # fmt: skip
            page_id = connection.execute(insert(Page).returning(Page.page_id), page).scalar_one()
            run = {"page_id": page_id, "pipeline_id": pipeline_id, "state": "queued"}
            runs.append(connection.execute(insert(PageRun).returning(PageRun.page_run_id), run).scalar_one())
        return runs


def _describe(engine: Engine, volume: str) -> None:
    """Say whose pages they are: issues of two pages each, of 1898 or 1899."""
    title, date = volume.partition(".")[0].replace("_", " ").title(), f"{1898 + VOLUMES[volume]}-05-01"
    with engine.begin() as connection:
        of_volume = select(Page.page_id, Page.page_number).join(Volume).where(Volume.source == volume)
        whose = {"title": title, "date_issued": date, "date_precision": "day"}
        rows = [
            whose | {"page_id": page_id, "issue": str(number // 2 + 1), "sequence": 1 + number % 2}
            for page_id, number in connection.execute(of_volume)
        ]
        connection.execute(insert(PageDescription), rows)


def _break(engine: Engine, page_run_id: int) -> None:
    broken = {
        "state": "quarantined", "attempts": 1, "error_code": "unreadable_image",
        "error_message": f"{BROKEN} cannot be decoded; copy or scan it again.",
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(update(PageRun).where(PageRun.page_run_id == page_run_id).values(**broken))


def _layout(page: Mapping[str, Any], slowness: float) -> PageLayout:
    boxes, rules = (np.array(page[name], np.int64).reshape(-1, 4) for name in ("lines", "separators"))
    numbers, columns = number_columns(boxes, rules, page["width"], right_to_left=False)
    described = zip(page["lines"], numbers.tolist(), line_kinds(boxes), strict=True)
    lines = tuple(
        TextLine(BoundingBox(*box), column=column, kind=kind, confidence=0.98 if box[2] - box[0] > SHORT else 0.6)
        for box, column, kind in described
    )
    separators = tuple(
        Separator(BoundingBox(*box), "printed", ((box[0], box[1]), (box[2] - 1, box[3] - 1)))
        for box in page["separators"]
    )
    faces = tuple(Face(_face(box), "face", 0.9, 18.0) for box in page["images"])
    timings = tuple(
        StageTiming(stage, ms, 0.9 * ms, kib, items)
        for stage, ms, kib, items in (
            ("decode", 60.0, 180_000, page["width"] * page["height"]),
            ("separators", (40.0 + 30.0 * len(separators)) * slowness, 210_000, len(separators)),
            ("segmentation", 100.0 + 2.0 * len(lines), 260_000, len(lines)),
            ("faces", 150.0 + 120.0 * len(faces), 260_000, len(faces)),
        )
    )
    reason = None if lines else "blank"
    looks = hash(tuple(map(tuple, page["lines"]))) if lines else 0
    pictures = tuple(_picture(box, page["width"] * page["height"]) for box in page["images"])
    scan = ScanFacts("PNG", "L", 8, (150.0, 150.0), is_colour=False)
    return PageLayout(
        page["width"],
        page["height"],
        lines,
        separators,
        faces,
        timings,
        reason,
        1.5 if len(lines) % 10 == 0 else 0.0,
        looks,
        doubt=0.3 if len(page["images"]) > 0 else 0.01,
        columns=columns,
        pictures=pictures,
        scan=scan,
    )


def _picture(box: Sequence[int], page_area: int) -> Picture:
    left, top, right, bottom = box
    outline = ((left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1))
    return Picture(BoundingBox(*box), outline, "photograph", (right - left) * (bottom - top) / page_area)


def _face(box: Sequence[int]) -> BoundingBox:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    a, b, c, d = FACE_IN_PICTURE
    return BoundingBox(
        round(left + a * width), round(top + b * height), round(left + c * width), round(top + d * height)
    )
