"""The addresses of review."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Engine, text
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.review import Verdict
from orchestrator.database import open_existing
from orchestrator.page_runs.decisions import cancel
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.selection import Selection
from orchestrator.reviews.presets import PRESETS
from orchestrator.reviews.statements import (
    Statement,
    UnusableStatement,
    say_of,
    standing,
    take_back,
    take_back_last,
)
from orchestrator.web.access.accounts import Role
from orchestrator.web.access.gate import visitor
from orchestrator.web.errors import NotHere
from orchestrator.web.rendering import render
from orchestrator.web.requests import sent_values
from orchestrator.web.review import again
from orchestrator.web.review.desk import desk_of
from orchestrator.web.site import site_of
from workers.layout import BoundingBox

PICTURE_PX, LARGE_PX = 1400, 4000  # width of the scan as it is shown first, and when it is looked at closely
VOLUMES = "SELECT volume_id, source AS volume FROM volume ORDER BY source"
_SAYABLE = (Verdict.RIGHT, Verdict.WRONG, Verdict.FALSE_BOX, Verdict.MISSING_BOX, Verdict.MOVED_SEPARATOR)
_MOST = 1_000_000  # boxes of a page, and pixels of a side
_TOLD = {
    Verdict.RIGHT: "the verdict right", Verdict.WRONG: "the verdict wrong", Verdict.READ_AGAIN: "reading it again",
    Verdict.FALSE_BOX: "a box marked false", Verdict.MISSING_BOX: "a box that was drawn",
    Verdict.MOVED_SEPARATOR: "a separator that was moved",
}  # fmt: skip


@cache
def writer(database_url: str) -> Engine:
    """Return the engine by which reviewers write, one for each database."""
    return open_existing(database_url, read_only=False)


def show(request: Request) -> Response:
    """Show the page on which pages are reviewed."""
    visitor(request, Role.REVIEWER)
    return render(
        request, "review.html.j2", volumes=site_of(request).ask(VOLUMES), volume=_number(request, "volume"),
        which=request.query_params.get("which", ""), presets=PRESETS,
    )  # fmt: skip


def queue(request: Request) -> Response:
    """Tell which pages are to be reviewed, in order; first the one that was asked for, if any was."""
    desk, first = desk_of(request), _number(request, "run")
    found = desk.pages(_number(request, "volume"), suspects_only=request.query_params.get("which") != "all")
    listed = [{"page_run_id": one.page_run_id, "reasons": one.reasons} for one in found if one.page_run_id != first]
    asked = [] if first is None else [{"page_run_id": first, "reasons": desk.reasons(first)}]
    return JSONResponse({"pages": asked + listed})


def page(request: Request) -> Response:
    """Tell all that is shown of a page."""
    site = site_of(request)
    found = _page(request)
    about = site.ask("SELECT page_id, is_current FROM page_status_all WHERE page_run_id = :run", run=found.page_run_id)[
        0
    ]
    said = standing(site.engine, [found.page_run_id]).get(found.page_run_id, [])
    return JSONResponse(
        {
            "page_run_id": found.page_run_id, "page": found.page, "volume": found.volume,
            "width": found.layout.width, "height": found.layout.height, "is_current": bool(about["is_current"]),
            "address": f"/pages/{about['page_id']}", "picture": _picture(found, about["page_id"], PICTURE_PX),
            "large_picture": _picture(found, about["page_id"], LARGE_PX),
            "reasons": desk_of(request).reasons(found.page_run_id),
            "statements": [_said(one) for one in said], **_boxes(found),
        }
    )  # fmt: skip


def _boxes(found: ArchivedPage) -> dict[str, Any]:
    layout = found.layout
    return {
        "lines": [one.bbox.to_xywh() for one in layout.lines],
        "separators": [one.bbox.to_xywh() for one in layout.separators],
        "faces": [one.bbox.to_xywh() for one in layout.faces],
        "pictures": [one.bbox.to_xywh() for one in layout.pictures],
    }


def _picture(found: ArchivedPage, page_id: int, width: int) -> str:
    return f"/iiif/image/{page_id}/full/{min(width, found.layout.width)},/0/default.jpg"


def _said(said: Statement) -> dict[str, Any]:
    box = None if said.box is None else dict(zip(("x", "y", "width", "height"), said.box.to_xywh(), strict=True))
    names = ("review_id", "verdict", "box_kind", "box_number", "reviewer")
    return {name: getattr(said, name) for name in names} | {"box": box}


async def say(request: Request) -> Response:
    """Store what a reviewer says of a page."""
    reviewer = visitor(request, Role.REVIEWER).name
    said = statement_of(await sent_values(request))
    engine = writer(site_of(request).settings.database_url)
    number = await run_in_threadpool(say_of, engine, request.path_params["page_run_id"], reviewer, said)
    return JSONResponse({"review_id": number})


def statement_of(sent: dict[str, Any]) -> Statement:
    """Return the statement that a client sent.

    Raises:
        UnusableStatement: it is none.
    """
    verdict, kind, number = sent.get("verdict"), sent.get("box_kind"), sent.get("box_number")
    counted = number is None or (isinstance(number, int) and 0 < number <= _MOST)
    if verdict not in _SAYABLE or not isinstance(kind, str | None) or not counted:
        raise UnusableStatement("That is nothing that can be said of a page.")
    return Statement(Verdict(verdict), kind, number, _box_of(sent.get("box")))


def _box_of(sent: object) -> BoundingBox | None:
    if sent is None:
        return None
    try:
        values = [sent[name] for name in ("x", "y", "width", "height")]  # type: ignore[index]
        x, y, width, height = (min(max(round(float(value)), 0), _MOST) for value in values)
        return BoundingBox.from_xywh(x, y, width, height)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnusableStatement("That is no box; draw it on the page.") from error


def withdraw(request: Request) -> Response:
    """Take back one statement."""
    reviewer = visitor(request, Role.REVIEWER).name
    engine = writer(site_of(request).settings.database_url)
    taken = take_back(engine, reviewer, request.path_params["review_id"])
    if taken is None:
        raise UnusableStatement("This is not yours to take back, or is taken back already.")
    return JSONResponse({"page_run_id": taken[0]})


def undo(request: Request) -> Response:
    """Take back what the reviewer said last; what was to be read again, and is not yet begun, is not read."""
    reviewer = visitor(request, Role.REVIEWER).name
    engine = writer(site_of(request).settings.database_url)
    taken = take_back_last(engine, reviewer)
    if taken is None:
        return JSONResponse({"page_run_id": None, "told": ""})
    page_run_id, said = taken
    if said.verdict == Verdict.READ_AGAIN:
        leave(engine, page_run_id, said)
    return JSONResponse({"page_run_id": page_run_id, "told": f"Undone: {_TOLD[said.verdict]}."})


def leave(engine: Engine, page_run_id: int, said: Statement) -> None:
    """Cancel the reading that a statement, taken back now, asked for, if it has not begun."""
    asked = """
        SELECT other.page_run_id FROM page_run said
        JOIN page_run other ON other.page_id = said.page_id AND other.state = 'ready'
        JOIN pipeline l ON l.pipeline_id = other.pipeline_id AND l.parameters = :parameters
        WHERE said.page_run_id = :run"""
    with engine.connect() as connection:
        waiting = tuple(connection.scalars(text(asked), {"run": page_run_id, "parameters": said.asked_parameters}))
    if waiting:
        cancel(engine, Selection(page_runs=waiting))


async def compare(request: Request) -> Response:
    """Tell what other parameters change on a page."""
    visitor(request, Role.REVIEWER)
    sent = await sent_values(request)
    found = await run_in_threadpool(_page, request)
    return JSONResponse(await run_in_threadpool(again.compared, desk_of(request), found, str(sent.get("preset", ""))))


async def read_again(request: Request) -> Response:
    """Have a page read with other parameters."""
    reviewer = visitor(request, Role.REVIEWER).name
    sent = await sent_values(request)
    engine = writer(site_of(request).settings.database_url)
    found = await run_in_threadpool(_page, request)
    run, review = await run_in_threadpool(again.read_again, engine, found, str(sent.get("preset", "")), reviewer)
    desk_of(request).reading.ask([run])
    return JSONResponse({"review_id": review, "page_run_id": run, "told": f"{found.page} is read again now."})


def _page(request: Request) -> ArchivedPage:
    number = request.path_params["page_run_id"]
    found = next(read_pages(site_of(request).engine, Selection(page_runs=(number,))), None)
    if found is None:
        raise NotHere(f"The database has no result of number {number}.")
    return found


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


MENU = (("Review", "/review"),)
LEAST_ROLE = Role.REVIEWER
_PAGE = "/review/pages/{page_run_id:int}"
ROUTES = [
    Route("/review", show),
    Route("/review/queue", queue),
    Route(_PAGE, page),
    Route(_PAGE, say, methods=["POST"]),
    Route(f"{_PAGE}/compare", compare, methods=["POST"]),
    Route(f"{_PAGE}/again", read_again, methods=["POST"]),
    Route("/review/statements/{review_id:int}/withdraw", withdraw, methods=["POST"]),
    Route("/review/undo", undo, methods=["POST"]),
]
