"""One page: its scan to zoom into, what was found on it, why, and the way to its neighbours."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.report.explain import explain_pages
from orchestrator.results.selection import Selection
from orchestrator.web.errors import NotHere
from orchestrator.web.headers import policy_with
from orchestrator.web.iiif import pictures_of
from orchestrator.web.images.asked import service
from orchestrator.web.rendering import render
from orchestrator.web.site import Site, site_of
from orchestrator.web.suspects import next_suspect
from workers.errors import PageError, TransientError
from workers.sources.iiif.image import CanvasImage

# The layers of the viewer: name, label, key, whether it is shown at first.
LAYERS = (
    ("line", "Lines", "l", True),
    ("number", "Numbers", "o", False),
    ("column", "Columns", "c", False),
    ("block", "Blocks", "b", False),
    ("separator", "Separators", "r", True),
    ("picture", "Pictures", "i", True),
    ("face", "Faces", "f", True),
    ("thrown", "Thrown away", "t", False),
)
_SERVICE = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+/[^\s;,'\"]*")
_NEIGHBOUR = """
SELECT page_id FROM page_status
WHERE volume_id = :volume AND (page_number, page_id) {sign} (:number, :page)
ORDER BY page_number {order}, page_id {order} LIMIT 1"""


def page(request: Request) -> Response:
    """Show a page."""
    site = site_of(request)
    found = read_page(site, request.path_params["page_id"])
    size, trouble = _size(request, found)
    remote = own_service(pictures_of(request).scan(found["page_id"]).address.canvas)
    response = render(
        request, "page.html.j2", p=found, layers=LAYERS, trouble=trouble,
        service=size and service(f"/iiif/image/{found['page_id']}", *size),
        before=_neighbour(site, found, "<", "DESC"), after=_neighbour(site, found, ">", "ASC"), remote=remote,
    )  # fmt: skip
    if remote:
        response.headers["Content-Security-Policy"] = policy_with(remote[: remote.index("/", len("https://"))])
    return response


def own_service(image: CanvasImage | None) -> str | None:
    """Return the image service of a page from IIIF, from which a browser can have the whole scan; None without one."""
    whole = image is not None and image.place is None and image.region == "full"
    return image.service if image is not None and whole and _SERVICE.fullmatch(image.service) else None


def read_page(site: Site, page_id: int) -> dict[str, Any]:
    """Return the row of a page in `page_status`.

    Raises:
        NotHere: there is none.
    """
    found = site.ask("SELECT * FROM page_status WHERE page_id = :page_id", page_id=page_id)
    if not found:
        raise NotHere(f"The database has no page {page_id}, or its scan is gone.")
    return found[0]


def _size(request: Request, found: dict[str, Any]) -> tuple[tuple[int, int] | None, str | None]:
    """Return the size of the scan; else the sentence on why it cannot be shown."""
    if found["width"]:
        return (found["width"], found["height"]), None
    pictures = pictures_of(request)
    try:
        return pictures.size(pictures.scan(found["page_id"])), None
    except (PageError, TransientError) as error:
        return None, str(error)


def _neighbour(site: Site, found: dict[str, Any], sign: str, order: str) -> int | None:
    sql = _NEIGHBOUR.format(sign=sign, order=order)
    rows = site.ask(sql, volume=found["volume_id"], number=found["page_number"], page=found["page_id"])
    return rows[0]["page_id"] if rows else None


def to_next_suspect(request: Request) -> Response:
    """Lead to the next page of the volume that looks odd."""
    site = site_of(request)
    found = read_page(site, request.path_params["page_id"])
    following = next_suspect(site, found)
    if following is None:
        raise NotHere(f"No page of {found['volume']} after {found['page']} looks odd.")
    return RedirectResponse(f"/pages/{following}", 303)


def explanation(request: Request) -> Response:
    """Say why a page took long or looks odd: a part of the page, which it loads by itself."""
    site = site_of(request)
    found = read_page(site, request.path_params["page_id"])
    (told,) = explain_pages(site.engine, Selection(page_runs=(found["page_run_id"],)))
    return render(request, "explanation.html.j2", e=told)


_PAGE = "/pages/{page_id:int}"
ROUTES = [
    Route(_PAGE, page),
    Route(f"{_PAGE}/next-suspect", to_next_suspect),
    Route(f"{_PAGE}/explanation", explanation),
]
