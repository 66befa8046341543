"""The application: the families of pages, each with its routes, behind the headers that keep a browser safe."""

from __future__ import annotations

from types import ModuleType

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from orchestrator.web import browse, iiif, walls
from orchestrator.web.errors import HANDLERS
from orchestrator.web.headers import SafeHeaders
from orchestrator.web.images.pictures import Pictures
from orchestrator.web.rendering import STATIC
from orchestrator.web.site import Site

# Each has ROUTES, and MENU where it is in the navigation: (label, path), in the order in which people meet them.
FAMILIES: tuple[ModuleType, ...] = (browse, walls, iiif)


def make_app(site: Site) -> Starlette:
    """Return the application that shows `site`."""
    routes = [route for family in FAMILIES for route in family.ROUTES]
    static = Mount("/static", StaticFiles(directory=STATIC), name="static")
    app = Starlette(routes=[*routes, static], middleware=[Middleware(SafeHeaders)], exception_handlers=HANDLERS)
    app.state.site = site
    app.state.pictures = Pictures(site)
    app.state.menu = [entry for family in FAMILIES for entry in getattr(family, "MENU", ())]
    return app
