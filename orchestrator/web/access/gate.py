"""The gate before all pages: Host header, who is there, and that a write was sent by one of our own pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.web.access.accounts import Role
from orchestrator.web.access.entrance import Entrance, Visitor

SESSION_SECONDS = 7 * 24 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What is shown before somebody has signed in: nothing of the archive.
OPEN_PATHS = ("/login", "/static/", "/healthz")
TOKEN_FIELD, TOKEN_HEADER = "csrf_token", "x-csrf-token"
FORM_BYTES = 1 << 20
STALE = "This page is too old, or another site sent it. Nothing was changed; load the page again and repeat it."


Refuse = Callable[[Request, int, str], Response]
"""Makes the answer that says a sentence with a status."""


class Gate:
    """ASGI middleware that lets a request through with its visitor in `request.state.visitor`, or answers it."""

    def __init__(self, app: ASGIApp, entrance: Entrance, refuse: Refuse) -> None:
        self._app, self._entrance, self._refuse = app, entrance, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = self._refusal(request)
        if answer is None and request.method not in SAFE_METHODS:
            sentence, receive = await _unmeant(request, receive)
            answer = self._refuse(request, 403, sentence) if sentence else None
        await (self._app if answer is None else answer)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        entrance = self._entrance
        host = request.headers.get("host", "")
        if not entrance.knows_host(host):
            return PlainTextResponse(f"This server has no name {host[:80]!r}; start it with --host-name NAME.", 421)
        if entrance.header:
            if request.url.path == "/healthz":
                return None
            if not entrance.trusts(request.client.host if request.client else ""):
                return self._refuse(request, 403, "Visitors come through the proxy here, not to this address.")
            name = request.headers.get(entrance.header, "").strip()
            if not name:
                return self._refuse(request, 401, f"The proxy did not say who is there ({entrance.header}).")
            request.state.visitor = entrance.by_header(name)
        elif entrance.asks_for_password:
            return self._signed_in(request)
        else:
            request.state.visitor = entrance.without_password()
        return None

    def _signed_in(self, request: Request) -> Response | None:
        found = visitor_of_session(self._entrance, request.session)
        if found is not None:
            request.state.visitor, request.state.asks_for_password = found, True
            return None
        if request.url.path.startswith(OPEN_PATHS):
            return None
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?{urlencode({'next': asked})}", 303)
        return self._refuse(request, 401, "Sign in first.")


class Sessions:
    """ASGI middleware around the gate: signed sessions in a cookie that no script can read, nor a plain connection."""

    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        self._entrance = entrance
        self._plain, self._secure = (
            SessionMiddleware(
                app, entrance.secret, entrance.cookie, SESSION_SECONDS, same_site="lax", https_only=https_only
            )
            for https_only in (False, True)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its session."""
        if scope["type"] == "http" and self._came_by_https(Request(scope)):
            scope["scheme"] = "https"
        await (self._secure if scope.get("scheme") == "https" else self._plain)(scope, receive, send)

    def _came_by_https(self, request: Request) -> bool:
        peer = request.client.host if request.client else ""
        return request.headers.get("x-forwarded-proto") == "https" and self._entrance.trusts(peer)


def visitor_of_session(entrance: Entrance, session: Mapping[str, Any]) -> Visitor | None:
    """Return who has signed in, None where nobody has or their account or password has changed since."""
    name = session.get("name")
    account = entrance.accounts.get(str(name)) if entrance.accounts and name else None
    if account is None or not secrets.compare_digest(str(session.get("seal", "")), entrance.seal(account)):
        return None
    return Visitor(account.name, account.role)


def csrf_token(request: Request) -> str:
    """Return the session's token that every form and script of ours sends along with what it writes."""
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(24)
    return str(request.session["csrf"])


def access_context(request: Request) -> dict[str, Any]:
    """Return what every template knows: `visitor` (None before the login), `asks_for_password`, `csrf_token()`."""
    state = request.state
    return {
        "visitor": getattr(state, "visitor", None),
        "asks_for_password": getattr(state, "asks_for_password", False),
        "csrf_token": lambda: csrf_token(request),
    }


def visitor(request: Request, least: Role = Role.READER) -> Visitor:
    """Return who asks.

    Raises:
        HTTPException: 403, they may not do what needs the role `least`.
    """
    found: Visitor = request.state.visitor
    if found.role < least:
        has, needs = found.role.name.lower(), least.name.lower()
        raise HTTPException(403, f"This is for those with the role {needs}; {found.name} has the role {has}.")
    return found


async def _unmeant(request: Request, receive: Receive) -> tuple[str, Receive]:
    """Return why not if a write does not carry the session's token, and what gives its body to those after us."""
    known, sent = request.session.get("csrf"), request.headers.get(TOKEN_HEADER, "")
    if not sent and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        body = await _body(request)
        if body is None:
            return "This form is too large.", receive
        sent = parse_qs(body.decode("latin-1")).get(TOKEN_FIELD, [""])[0]
        receive = _again(body, receive)
    meant = bool(known) and secrets.compare_digest(sent.encode(), str(known).encode())
    return "" if meant else STALE, receive


async def _body(request: Request) -> bytes | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            return None
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def give() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
