"""The addresses of the run page: the page, the live events, the state for programs, and the decisions."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from orchestrator.status.recount import Recount
from orchestrator.web.access.accounts import Role
from orchestrator.web.access.gate import visitor
from orchestrator.web.rendering import render, render_text
from orchestrator.web.runs.broker import broker_trouble
from orchestrator.web.runs.decide import decide
from orchestrator.web.runs.live import Live
from orchestrator.web.runs.state import RunState, read_state
from orchestrator.web.site import Site, site_of

PING_SECONDS = 15.0
RETRY_MS = 2000
# A browser then asks again, and is let in again or not: somebody may have signed out, or lost their account, since.
STREAM_SECONDS = 600.0
# A proxy that gathers answers would hold the events back.
EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def live_of(request: Request) -> Live:
    """Return the one reading of this process."""
    found: Live | None = getattr(request.app.state, "live", None)
    if found is None:
        found = request.app.state.live = _live(site_of(request))
    return found


def _live(site: Site) -> Live:
    recount = Recount()

    def read(before: RunState) -> RunState:
        return read_state(site.engine, site.settings, recount, before, broker_trouble(site.settings))

    return Live(read, recount.expire)


async def show(request: Request) -> Response:
    """Show where the pages stand."""
    state = await live_of(request).current()
    said = request.session.pop("said", "") if "said" in request.session else ""
    return render(request, "runs.html.j2", state=state, operates=_operates(request), said=said)


async def state_now(request: Request) -> Response:
    """Give what an event holds, to browsers whose events do not come through, and the state itself to programs."""
    state = await live_of(request).current(patience=5.0)
    return Response(_sent(request, state), media_type="application/json", headers={"Cache-Control": "no-store"})


async def events(request: Request) -> Response:
    """Send the whole state whenever it has changed, until the browser goes."""

    async def stream() -> AsyncIterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        end = time.monotonic() + STREAM_SECONDS
        async for state in live_of(request).listen(PING_SECONDS):
            if time.monotonic() > end:
                return
            yield ": still here\n\n" if state is None else f"event: state\ndata: {_sent(request, state)}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers=EVENT_HEADERS)


def _sent(request: Request, state: RunState) -> str:
    """Return what is sent of a state, as JSON."""
    operates = _operates(request)

    def write() -> str:
        shown = render_text("run_state.html.j2", state=state, operates=operates)
        return json.dumps({"html": shown, "state": state.to_dict()})

    return live_of(request).written(state, operates, write)


def _operates(request: Request) -> bool:
    return visitor(request).may_operate


async def act(request: Request) -> Response:
    """Cancel, retry or reorder what a button stands for, and go back to the page with a sentence on it."""
    visitor(request, Role.OPERATOR)
    form = await request.form()
    site = site_of(request)
    said = await run_in_threadpool(decide, site.engine, site.settings.database_url, str(form.get("decision", "")))
    live_of(request).expire()
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"said": said})
    request.session["said"] = said
    return RedirectResponse("/runs", 303)


ROUTES = [
    Route("/runs", show),
    Route("/runs/state", state_now),
    Route("/runs/events", events),
    Route("/runs/decisions", act, methods=["POST"]),
]
MENU = [("Runs", "/runs")]
