"""Signing in and out, where there is a password file."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field

import anyio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.web.access.accounts import Account
from orchestrator.web.access.entrance import Entrance
from orchestrator.web.access.gate import visitor_of_session
from orchestrator.web.rendering import render

# A password is tried a few times by a person, and a thousand times by a program.
TRIES, TRIES_SECONDS = 10, 300.0
REMEMBERED = 10_000
# To check a password takes a processor a tenth of a second, on purpose.
CHECKED_AT_ONCE = 2
WRONG = "This name and password do not belong together."
TOO_OFTEN = "Too many wrong passwords; wait five minutes and try again."


@dataclass(slots=True)
class Failures:
    """How often each visitor gave a wrong password lately; at most `REMEMBERED` of them."""

    _times: OrderedDict[tuple[str, str], list[float]] = field(default_factory=OrderedDict)

    def too_many(self, who: tuple[str, str]) -> bool:
        """Return whether they must wait."""
        since = time.monotonic() - TRIES_SECONDS
        return sum(moment > since for moment in self._times.get(who, ())) >= TRIES

    def note(self, who: tuple[str, str]) -> None:
        """Remember a wrong password."""
        self._times[who] = [*self._times.pop(who, [])[-TRIES:], time.monotonic()]
        if len(self._times) > REMEMBERED:
            self._times.popitem(last=False)

    def forget(self, who: tuple[str, str]) -> None:
        """Forget the wrong passwords of somebody who has come in."""
        self._times.pop(who, None)


class Login:
    """The pages to sign in and out at an entrance."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance, self._failures = entrance, Failures()
        self._checks = anyio.Semaphore(CHECKED_AT_ONCE)
        self.routes = [
            Route("/login", self.show),
            Route("/login", self.sign_in, methods=["POST"]),
            Route("/logout", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Ask for name and password."""
        target = within(request.query_params.get("next", "/"))
        if not self._entrance.asks_for_password or visitor_of_session(self._entrance, request.session):
            return RedirectResponse(target, 303)
        return render(request, "login.html.j2", next=target, name="", trouble="")

    async def sign_in(self, request: Request) -> Response:
        """Let somebody in who knows the password, and show the page they came for."""
        form = await request.form()
        name, password, target = (str(form.get(field, "")) for field in ("name", "password", "next"))
        who = (request.client.host if request.client else "", name)
        if self._failures.too_many(who):
            return render(request, "login.html.j2", 429, next=within(target), name=name, trouble=TOO_OFTEN)
        account = await self._check(name, password)
        if account is None:
            self._failures.note(who)
            return render(request, "login.html.j2", 401, next=within(target), name=name, trouble=WRONG)
        self._failures.forget(who)
        request.session.clear()  # nothing that was known before the login is of use after it
        request.session.update(name=account.name, seal=self._entrance.seal(account))
        return RedirectResponse(within(target), 303)

    async def sign_out(self, request: Request) -> Response:
        """Forget who was there."""
        request.session.clear()
        return RedirectResponse("/login" if self._entrance.asks_for_password else "/", 303)

    async def _check(self, name: str, password: str) -> Account | None:
        accounts = self._entrance.accounts
        if accounts is None:
            return None
        async with self._checks:
            return await anyio.to_thread.run_sync(accounts.sign_in, name, password)


def within(target: str) -> str:
    """Return the address to go on to, if it is one of this server; else the first page."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and target.isprintable() and "\\" not in target else "/"
