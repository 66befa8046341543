"""The application: the families of pages, each with its routes, behind the headers that keep a browser safe."""

from __future__ import annotations

from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from orchestrator.web import browse, crops, iiif, manifests, page, page_boxes, walls
from orchestrator.web.access.accounts import Role
from orchestrator.web.access.entrance import Entrance
from orchestrator.web.access.gate import Gate, Sessions
from orchestrator.web.access.login import Login
from orchestrator.web.ask import pages as ask
from orchestrator.web.capture import routes as capture
from orchestrator.web.errors import HANDLERS, answer
from orchestrator.web.headers import SafeHeaders
from orchestrator.web.images.pictures import Pictures
from orchestrator.web.reading import Reading
from orchestrator.web.rendering import STATIC
from orchestrator.web.review import routes as review
from orchestrator.web.review.desk import Desk
from orchestrator.web.runs import pages as runs
from orchestrator.web.site import Site

# Each has ROUTES, and MENU where it is in the navigation of those with its LEAST_ROLE: (label, path), in the order in
# which people meet them.
FAMILIES: tuple[ModuleType, ...] = (
    browse,
    walls,
    page,
    page_boxes,
    crops,
    review,
    capture,
    ask,
    runs,
    iiif,
    manifests,
)


class Files(StaticFiles):
    """Our own files: asked for again each time, unless their address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        named = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = "max-age=31536000, immutable" if named else "no-cache"
        return response


def make_app(site: Site, entrance: Entrance | None = None) -> Starlette:
    """Return the application that shows `site` to those whom `entrance` lets in; this machine's user without one."""
    entrance = entrance or Entrance()
    routes = [*Login(entrance).routes, *(route for family in FAMILIES for route in family.ROUTES)]
    static = Mount("/static", Files(directory=STATIC), name="static")
    guards = [Middleware(SafeHeaders), Middleware(Sessions, entrance), Middleware(Gate, entrance, answer)]
    routes.append(Route("/healthz", _alive))
    app = Starlette(routes=[*routes, static], middleware=guards, exception_handlers=HANDLERS)
    app.state.site = site
    app.state.pictures = Pictures(site)
    app.state.reading = Reading(site.settings)
    app.state.desk = Desk(site, app.state.reading)
    app.state.menu = [
        (*entry, getattr(family, "LEAST_ROLE", Role.READER))
        for family in FAMILIES
        for entry in getattr(family, "MENU", ())
    ]
    return app


async def _alive(_request: Request) -> PlainTextResponse:
    """Answer whoever looks after the process; nothing of the archive is in it."""
    return PlainTextResponse("ok\n")
