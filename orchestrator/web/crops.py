"""Walls of crops: the faces and the pictures of the archive, by volume, by date, or by how sure or large they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.web.rendering import render
from orchestrator.web.site import Site, site_of
from workers.errors import UnreadableInput

PER_WALL, FARTHEST = 60, 100_000
MARGIN = 0.2  # of its width and height, around a face: a forehead and a collar tell more than a nose
SIDE = 320  # px of a crop, twice as many as it is shown with


@dataclass(frozen=True, slots=True)
class Kind:
    """What a wall shows: the view, its columns for the number and the measure, what its rows are called there."""

    name: str
    title: str
    view: str
    number: str
    measure: str
    what: str
    measured: str
    surest: str
    least: str
    margin: float


FACES = Kind("faces", "Faces", "page_faces", "face_number", "confidence", "label", "sure", "surest first",
             "least sure first", MARGIN)  # fmt: skip
PICTURES = Kind("pictures", "Pictures", "page_pictures", "picture_number", "share", "kind", "of the page",
                "largest first", "smallest first", 0.0)  # fmt: skip
KINDS = {kind.name: kind for kind in (FACES, PICTURES)}
VOLUMES = "SELECT volume_id, source AS volume FROM volume ORDER BY source, volume_id LIMIT 1000"
# by the name in the address; NULL sorts first on one database and last on the other
ORDERS = {
    "volume": "s.volume_id, s.page_number, c.{number}",
    "date": "CASE WHEN s.date_issued IS NULL THEN 1 ELSE 0 END, s.date_issued, s.page_id, c.{number}",
    "most": "c.{measure} DESC, s.page_id, c.{number}",
    "least": "c.{measure}, s.page_id, c.{number}",
}
_CONDITIONS = {
    "volume": "s.volume_id = :volume",
    "from": "s.date_issued >= :from",
    "to": "substr(s.date_issued, 1, {length}) <= :to",
}


@dataclass(frozen=True, slots=True)
class CropWall:
    """A part of the crops that were asked for, with the addresses of the parts beside it."""

    kind: Kind
    asked: Mapping[str, str]
    crops: list[dict[str, Any]]
    sql: str
    earlier: str | None
    later: str | None


def read_crops(site: Site, kind: Kind, asked: Mapping[str, str]) -> CropWall:
    """Return the wall that an address asks for.

    Raises:
        UnreadableInput: a value of the address is not of its kind.
    """
    given = {name: asked[name].strip() for name in ("order", *_CONDITIONS) if asked.get(name, "").strip()}
    order = given.get("order", "volume")
    if order not in ORDERS:
        raise UnreadableInput(f"The order is one of {', '.join(ORDERS)}.")
    skipped = _whole("skip", asked.get("skip", "0"), FARTHEST)
    values: dict[str, Any] = {name: text for name, text in given.items() if name in _CONDITIONS}
    if "volume" in values:
        values["volume"] = _whole("volume", values["volume"], 10**9)
    sql = _statement(kind, order, given)
    found = site.ask_with(f"{sql}\nLIMIT {PER_WALL + 1} OFFSET {skipped}", values)
    crops = [row | {"address": crop_address(row, kind.margin)} for row in found[:PER_WALL]]
    return CropWall(
        kind,
        given,
        crops,
        sql,
        _part(kind, given, max(0, skipped - PER_WALL)) if skipped else None,
        _part(kind, given, skipped + PER_WALL) if len(found) > PER_WALL and skipped < FARTHEST else None,
    )


def crop_address(row: Mapping[str, Any], margin: float) -> str:
    """Return the address of the part of the scan around a box, with a margin, within the page."""
    across, down = round(row["width"] * margin), round(row["height"] * margin)
    left, top = max(0, row["x"] - across), max(0, row["y"] - down)
    right = min(row["page_width"], row["x"] + row["width"] + across)
    bottom = min(row["page_height"], row["y"] + row["height"] + down)
    return f"/iiif/image/{row['page_id']}/{left},{top},{right - left},{bottom - top}/!{SIDE},{SIDE}/0/default.jpg"


def _statement(kind: Kind, order: str, given: Mapping[str, str]) -> str:
    conditions = [condition.format(length=len(given[name])) for name, condition in _CONDITIONS.items() if name in given]
    where = "\nWHERE " + " AND ".join(conditions) if conditions else ""
    return (
        f"SELECT s.page_id, s.volume, s.page, s.title, s.date_issued, s.width AS page_width, s.height AS page_height,\n"
        f"       c.x, c.y, c.width, c.height, c.{kind.what} AS what, c.{kind.measure} AS measure\n"
        f"FROM {kind.view} c JOIN page_status s ON s.page_run_id = c.page_run_id{where}\n"
        f"ORDER BY {ORDERS[order].format(number=kind.number, measure=kind.measure)}"
    )


def _part(kind: Kind, given: Mapping[str, str], skipped: int) -> str:
    return f"/{kind.name}?{urlencode({**given, 'skip': skipped})}"


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) > most:
        raise UnreadableInput(f"{name} must be a whole number up to {most:,}, not {text[:40]}.")
    return int(text)


def wall(request: Request) -> Response:
    """Show the crops that the address asks for."""
    site, kind = site_of(request), KINDS[request.url.path.strip("/")]
    shown = read_crops(site, kind, request.query_params)
    volumes = site.ask(VOLUMES)
    return render(request, "crops.html.j2", wall=shown, kinds=KINDS.values(), volumes=volumes)


ROUTES = [Route(f"/{name}", wall) for name in KINDS]
MENU = (("Faces", "/faces"), ("Pictures", "/pictures"))
