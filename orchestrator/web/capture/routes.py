"""The addresses of capture."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.web.access.accounts import Role
from orchestrator.web.access.gate import visitor
from orchestrator.web.capture.ingesting import ingest_page
from orchestrator.web.capture.sheet import Quad, find_sheet
from orchestrator.web.capture.storing import (
    PICTURE_BYTES,
    Unusable,
    checked_picture,
    folder_of,
    next_number,
    page_file,
    store_page,
)
from orchestrator.web.errors import NotHere
from orchestrator.web.reading import Reading
from orchestrator.web.rendering import render
from orchestrator.web.requests import sent_bytes
from orchestrator.web.site import Site, site_of

LOOKED_AT_BYTES = 4 * 1024 * 1024
_FEW_AT_ONCE = threading.BoundedSemaphore(2)  # a large picture takes hundreds of megabytes while it is laid flat
NO_FOLDER = (
    "This server was started without a folder for pictures: start it with broadsheet web --capture-folder DIR, "
    "and the pages that are taken here become a volume there."
)
_STATE = """
SELECT page_id, page, state, error_message, text_lines, faces, width, height
FROM page_status_all WHERE page_run_id = :run"""


def show(request: Request) -> Response:
    """Show the page with the camera."""
    visitor(request, Role.REVIEWER)
    return render(request, "capture.html.j2", trouble="" if site_of(request).capture_folder else NO_FOLDER)


def number(request: Request) -> Response:
    """Tell which number the next page of a title has."""
    visitor(request, Role.REVIEWER)
    folder = folder_of(_folder(request), request.query_params.get("title", ""))
    return JSONResponse({"number": next_number(folder)})


async def begin(request: Request) -> Response:
    """Let a worker load its libraries while the first page is laid under the camera."""
    visitor(request, Role.REVIEWER)
    _reading(request).ask(())
    return JSONResponse({})


async def look(request: Request) -> Response:
    """Tell whether there is anything in a small copy of a picture, and where its sheet lies, in shares of its size."""
    visitor(request, Role.REVIEWER)
    content = await sent_bytes(request, LOOKED_AT_BYTES)
    return JSONResponse(await run_in_threadpool(_looked_at, content, site_of(request).settings.max_pixels))


def _looked_at(content: bytes, max_pixels: int) -> dict[str, object]:
    try:
        with _FEW_AT_ONCE:
            picture = checked_picture(content, max_pixels)
    except Unusable as error:
        return {"trouble": str(error), "corners": None}
    found = find_sheet(picture.page.grey)
    return {"trouble": "", "corners": None if found is None else (found / picture.size).clip(0, 1).tolist()}


async def take(request: Request) -> Response:
    """Store a picture as a page, and have it read."""
    visitor(request, Role.REVIEWER)
    root = _folder(request)
    content = await sent_bytes(request, PICTURE_BYTES)
    asked = request.query_params
    title, corners = asked.get("title", ""), asked.get("corners", "")
    stored = await run_in_threadpool(
        _take, site_of(request), root, content, title, _whole(asked.get("number", "")), corners
    )
    _reading(request).ask((stored["page_run_id"],))
    return JSONResponse(stored)


def _take(site: Site, root: Path, content: bytes, title: str, page_number: int, corners: str) -> dict[str, int]:
    folder = folder_of(root, title)
    with _FEW_AT_ONCE:
        picture = checked_picture(content, site.settings.max_pixels)
        path = store_page(folder, page_number, *page_file(picture, quad_of(corners, *picture.size)))
    page_run_id, page_id = ingest_page(site, root, path)
    return {"page_run_id": page_run_id, "page_id": page_id, "number": page_number, "next_number": next_number(folder)}


def quad_of(text: str, width: int, height: int) -> Quad | None:
    """Return corners `x,y,x,y,x,y,x,y` in shares of a picture's size in its pixels; None where the text is empty.

    Raises:
        Unusable: these are no four corners.
    """
    if not text:
        return None
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != 8 or not all(math.isfinite(share) and 0 <= share <= 1 for share in shares):
        raise Unusable("The corners are no four points of the picture.")
    return np.array(shares, np.float64).reshape(4, 2) * (width, height)


def state(request: Request) -> Response:
    """Tell how far the reading of a page run is."""
    rows = site_of(request).ask(_STATE, run=request.path_params["page_run_id"])
    if not rows:
        raise NotHere("There is no such page.")
    return JSONResponse(rows[0] | {"trouble": _reading(request).trouble})


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _folder(request: Request) -> Path:
    folder = site_of(request).capture_folder
    if folder is None:
        raise Unusable(NO_FOLDER)
    return folder


def _reading(request: Request) -> Reading:
    reading: Reading = request.app.state.reading
    return reading


MENU = (("Capture", "/capture"),)
LEAST_ROLE = Role.REVIEWER
ROUTES = [
    Route("/capture", show),
    Route("/capture/number", number),
    Route("/capture/begin", begin, methods=["POST"]),
    Route("/capture/look", look, methods=["POST"]),
    Route("/capture/pages", take, methods=["POST"]),
    Route("/capture/pages/{page_run_id:int}", state),
]
