"""Walls of thumbnails: the pages that an address asks for, a part at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.web.filters import COLUMNS, ORDER, REASONS, STATES, Filters, read_filters, read_place
from orchestrator.web.rendering import render
from orchestrator.web.site import Site, site_of
from orchestrator.web.suspects import with_suspects_found
from orchestrator.web.volumes import VOLUMES

PER_WALL, MOST_PER_WALL = 120, 500
MOST_NAMES = 1_000  # of volumes are offered
COUNTED = 1_000  # pages are counted up to here: beyond, the number would cost more than the wall
_DESCENDING = ", ".join(f"{name} DESC" for name in ORDER.split(", "))


@dataclass(frozen=True, slots=True)
class Wall:
    """A part of the pages that fit, in their order, with the addresses of the parts beside it, None at the ends."""

    filters: Filters
    pages: list[dict[str, Any]]
    count: int
    earlier: str | None
    later: str | None

    @property
    def count_in_words(self) -> str:
        """How many pages fit."""
        return f"more than {COUNTED:,}" if self.count > COUNTED else f"{self.count:,}"


def read_wall(site: Site, asked: Mapping[str, str]) -> Wall:
    """Return the wall that an address asks for.

    Raises:
        UnreadableInput: a value of the address is not of its kind.
        StillAsking: the suspects of a large archive are not known yet.
    """
    filters, place = read_filters(asked), read_place(asked)
    per_wall = min(MOST_PER_WALL, int(asked["per"])) if asked.get("per", "").isdecimal() else PER_WALL
    forward = place is None or place.forward
    run = with_suspects_found(site, filters)
    where = run.where(*([place.condition] if place else []))
    order = ORDER if forward else _DESCENDING
    sql = f"SELECT {COLUMNS} FROM page_status{where} ORDER BY {order} LIMIT {per_wall + 1}"
    pages = site.ask_with(sql, run.values)
    goes_on, pages = len(pages) > per_wall, pages[:per_wall]
    if not forward:
        pages.reverse()
    before, after = (place is not None, goes_on) if forward else (goes_on, True)
    extra = {"per": asked["per"]} if "per" in asked else {}
    return Wall(
        filters,
        pages,
        len(pages) if place is None and not goes_on else _count(site, run),
        _address(filters, extra | {"before": _key(pages[0])}) if before and pages else None,
        _address(filters, extra | {"after": _key(pages[-1])}) if after and pages else None,
    )


def _count(site: Site, filters: Filters) -> int:
    sql = f"SELECT count(*) AS n FROM (SELECT 1 FROM page_status{filters.where()} LIMIT {COUNTED + 1}) counted"
    return int(site.ask_with(sql, filters.values)[0]["n"])


def _key(page: Mapping[str, Any]) -> str:
    return ".".join(str(page[name]) for name in ORDER.split(", "))


def _address(filters: Filters, more: Mapping[str, str]) -> str:
    return "/pages?" + urlencode({**filters.asked, **more})


def pages(request: Request) -> Response:
    """Show the pages that the address asks for."""
    site = site_of(request)
    names = site.kept("volumes", lambda: site.ask(VOLUMES))[:MOST_NAMES]
    wall = read_wall(site, request.query_params)
    return render(request, "pages.html.j2", wall=wall, volumes=names, states=STATES, reasons=REASONS)


MENU = (("Pages", "/pages"),)
ROUTES = [Route("/pages", pages)]
