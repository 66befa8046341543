"""What a report shows of pages: suspects and faces small, and each of their pages larger in a folder beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from sqlalchemy import Engine, String, bindparam, text

from orchestrator.export.crops import cut_out, cuts
from orchestrator.export.folder import Written, going_on, make_folder
from orchestrator.overlay.drawing import marked_scan
from orchestrator.report.figures import Suspect
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from orchestrator.terminal.files import writing_beside

LARGER, SMALLER, FACE = 1600, (320, 960), (200, 200)  # px, at most
FACE_MARGIN = 20  # percent


@dataclass(slots=True)
class Pictures:
    """Addresses of pictures: `pages` small and `larger` ones by page run, `faces` by page run and number.

    Those of scans that could not be drawn are missing. Small ones are data: addresses, larger ones relative.
    """

    pages: dict[int, str] = field(default_factory=dict)
    larger: dict[int, str] = field(default_factory=dict)
    faces: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face with its page."""

    page_run_id: int
    page: str
    number: int
    confidence: float


def surest_faces(engine: Engine, scope: Selection, count: int) -> list[ShownFace]:
    """Return the `count` surest faces of a scope, the surest first."""
    view = "page_faces" if scope.pipeline is None else "page_faces_all"
    sql = f"""
        SELECT page_run_id, page, face_number, confidence FROM {view}
        WHERE (:every_volume OR volume IN :volumes){"" if scope.pipeline is None else " AND pipeline = :pipeline"}
        ORDER BY confidence DESC, page_run_id, face_number LIMIT :count"""
    statement = text(sql).bindparams(bindparam("volumes", expanding=True, type_=String()))
    values = {"every_volume": not scope.volumes, "volumes": list(scope.volumes), "count": count}
    with engine.connect() as connection:
        rows = connection.execute(statement, values | ({"pipeline": scope.pipeline} if scope.pipeline else {}))
        return [ShownFace(*row) for row in rows]


def draw_pictures(
    engine: Engine,
    suspects: Sequence[Suspect],
    faces: Sequence[ShownFace],
    folder: Path,
    max_pixels: int,
    tell: Callable[[str], object] = str,
) -> Pictures:
    """Draw the pages of suspects and faces into `folder`, and small ones; `tell` is told of those that cannot be."""
    made = Pictures()
    runs = tuple(dict.fromkeys([one.page_run_id for one in suspects] + [face.page_run_id for face in faces]))
    wanted: Mapping[int, set[int]] = {run: {face.number for face in faces if face.page_run_id == run} for run in runs}
    for page in read_pages(engine, Selection(page_runs=runs)) if runs else ():
        with going_on(page.page, Written(), tell):
            _draw(made, page, wanted[page.page_run_id], folder, max_pixels)
    return made


def _draw(made: Pictures, page: ArchivedPage, faces: set[int], folder: Path, max_pixels: int) -> None:
    scan, run = open_scan(page, max_pixels), page.page_run_id
    large = marked_scan(page.layout, scan, LARGER)
    make_folder(folder)
    with writing_beside(folder / f"{run}.jpg", replace=True) as beside:
        large.save(beside, "JPEG", quality=85)
    made.larger[run] = f"{quote(folder.name)}/{run}.jpg"
    made.pages[run] = _data(large, SMALLER)
    for _, number, box in cuts(page, "faces", FACE_MARGIN):
        if number in faces:
            made.faces[run, number] = _data(cut_out(scan, box, page.layout.quarter_turns), FACE)


def _data(picture: Image.Image, size: tuple[int, int]) -> str:
    out, small = io.BytesIO(), picture.copy()
    small.thumbnail(size, reducing_gap=2.0)
    small.save(out, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
