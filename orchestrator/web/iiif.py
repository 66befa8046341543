"""Pictures of pages, by number: thumbnails, and a IIIF Image 3 service that any viewer can use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestrator.web.images.asked import FORMATS, Asked, service
from orchestrator.web.images.pictures import Pictures
from orchestrator.web.site import site_of
from workers.errors import PageError

THUMBNAIL = (320, 480)  # px, at most
_SECONDS = 300  # so long a browser need not ask again; another database may be shown at the same address
_LINKED_DATA = 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"'
UNREADABLE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 420"><rect width="320" height="420" fill="#8884"/>'
    '<path d="M110 160l100 100m0-100l-100 100" stroke="#888" stroke-width="10"/></svg>'
)


_THREADS = CapacityLimiter(8)  # of their own: whoever waits for a scan to be decoded keeps no page waiting


def drawing(endpoint: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Let an endpoint that may decode a scan run in one of the few threads for that."""

    @wraps(endpoint)
    async def run(request: Request) -> Response:
        return await to_thread.run_sync(endpoint, request, limiter=_THREADS)

    return run


def pictures_of(request: Request) -> Pictures:
    """Return the pictures of the archive that the request is about."""
    pictures: Pictures = request.app.state.pictures
    return pictures


@drawing
def thumbnail(request: Request) -> Response:
    """Send the whole page small; a cross where its scan cannot be read, for the page beside it says why."""
    pictures = pictures_of(request)
    scan = pictures.scan(request.path_params["page_id"])
    try:
        width, height = pictures.size(scan)
        scale = min(1.0, THUMBNAIL[0] / width, THUMBNAIL[1] / height)
        small = Asked((0, 0, width, height), max(1, round(width * scale)), max(1, round(height * scale)))
        return Response(pictures.draw(scan, small), headers=_kept(), media_type="image/jpeg")
    except PageError:
        return Response(UNREADABLE, headers=_kept(), media_type="image/svg+xml")


@drawing
def picture(request: Request) -> Response:
    """Send a part of a page in the size that is asked for."""
    path = request.path_params
    content = pictures_of(request).picture(
        path["page_id"], path["region"], path["size"], path["rotation"], path["quality"], path["format"]
    )
    return Response(content, headers=_kept() | allowed(request), media_type=FORMATS[path["format"]])


@drawing
def information(request: Request) -> Response:
    """Describe the image service of a page."""
    pictures = pictures_of(request)
    size = pictures.size(pictures.scan(request.path_params["page_id"]))
    wants_plain = "application/json" in request.headers.get("accept", "")
    return JSONResponse(
        service(image_address(request, request.path_params["page_id"]), *size),
        headers=allowed(request),
        media_type="application/json" if wants_plain else _LINKED_DATA,
    )


def to_information(request: Request) -> Response:
    """Lead from the address of the service to its description."""
    place = image_address(request, request.path_params["page_id"])
    return RedirectResponse(f"{place}/info.json", 303, headers=allowed(request))


def image_address(request: Request, page_id: int) -> str:
    """Return the address of the image service of a page, as other programs see it."""
    return f"{str(request.base_url).rstrip('/')}/iiif/image/{page_id}"


def allowed(request: Request) -> dict[str, str]:
    """Return the header by which viewers on other sites may have an answer, as it was configured."""
    origins, origin = site_of(request).origins, request.headers.get("origin", "")
    if "*" in origins:
        return {"Access-Control-Allow-Origin": "*"}
    return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin in origins else {})


def _kept() -> dict[str, str]:
    return {"Cache-Control": f"private, max-age={_SECONDS}"}


_IMAGE = "/iiif/image/{page_id:int}"
ROUTES: list[Any] = [
    Route("/thumbnails/{page_id:int}.jpg", thumbnail),
    Route(_IMAGE, to_information),
    Route(f"{_IMAGE}/info.json", information),
    Route(f"{_IMAGE}/{{region}}/{{size}}/{{rotation}}/{{quality}}.{{format}}", picture),
]
