"""What was found on a page, as data for the viewer, and what each step of finding lines threw away."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.results.line_steps import line_steps, step_name
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.selection import Selection
from orchestrator.web.errors import NotHere
from orchestrator.web.iiif import drawing, pictures_of
from orchestrator.web.site import Site, site_of
from workers.layout import LINE_CHANGES, BoundingBox, LineStep

# kind -> the promised view, its columns, their order
_VIEWS = {
    "line": (
        "page_lines",
        "reading_order, x, y, width, height, block_number, column_number, kind, baseline_y_left, baseline_y_right, "
        "baseline, boundary",
        "reading_order",
    ),
    "block": (
        "page_blocks",
        "reading_order, x, y, width, height, column_number, first_line, text_lines",
        "reading_order",
    ),
    "separator": ("page_separators", "separator_number, x, y, width, height, origin, path", "separator_number"),
    "picture": ("page_pictures", "picture_number, x, y, width, height, kind, share, outline", "picture_number"),
    "face": ("page_faces", "face_number, x, y, width, height, label, confidence, level", "face_number"),
}


def read_boxes(site: Site, page_id: int) -> dict[str, dict[str, Any]]:
    """Return by kind the columns of what was found on a page, and its rows."""
    found = {}
    for kind, (view, columns, order) in _VIEWS.items():
        rows = site.ask(f"SELECT {columns} FROM {view} WHERE page_id = :page_id ORDER BY {order}", page_id=page_id)
        found[kind] = {"columns": columns.split(", "), "rows": [list(row.values()) for row in rows]}
    return found


def boxes(request: Request) -> Response:
    """Send what was found on a page."""
    return JSONResponse(read_boxes(site_of(request), request.path_params["page_id"]))


@drawing
def thrown_away(request: Request) -> Response:
    """Send what each step of finding lines did on a page; it is read again for that, once."""
    page = archived_page(site_of(request), request.path_params["page_id"])
    pictures = pictures_of(request)
    scan = pictures.scan(request.path_params["page_id"])
    name = f"{scan.key}-{page.provenance.fingerprint}-steps.json"
    content = pictures.kept(name, lambda: _as_json(line_steps(page, pictures.whole(scan))))
    return Response(content, media_type="application/json")


def archived_page(site: Site, page_id: int) -> ArchivedPage:
    """Return a page with its result as values.

    Raises:
        NotHere: there is none.
    """
    found = site.ask("SELECT page_run_id FROM page_status WHERE page_id = :page_id AND state = 'done'", page_id=page_id)
    if not found:
        raise NotHere(f"Page {page_id} has no result, so there are no steps to tell of.")
    return next(read_pages(site.engine, Selection(page_runs=(found[0]["page_run_id"],))))


def _as_json(steps: tuple[LineStep, ...]) -> bytes:
    told = [
        {"step": step_name(step), "lines": step.lines}
        | {change: [_corners(box) for box in getattr(step, change)] for change in LINE_CHANGES}
        for step in steps
    ]
    return json.dumps({"steps": told}, separators=(",", ":")).encode()


def _corners(box: BoundingBox) -> list[int]:
    return [box.x_min, box.y_min, box.width, box.height]


ROUTES = [
    Route("/pages/{page_id:int}/boxes.json", boxes),
    Route("/pages/{page_id:int}/steps.json", thrown_away),
]
