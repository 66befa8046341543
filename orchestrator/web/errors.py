"""Errors are sentences, as a page to a browser and as plain text to what asks for pictures or data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from orchestrator.query.query import QueryError
from orchestrator.web.rendering import render
from workers.errors import BroadsheetError, PageError, ServiceDown, TransientError, UnreadableInput

AWAY = "The database does not answer at the moment. Nothing is lost; this page comes back when the database does."
SENTENCES = {
    403: "You may not do this here.",
    404: "There is no such page here. It may have been forgotten, or the address is mistyped.",
    405: "This address does not take that kind of request.",
    413: "What was sent is larger than this server takes.",
}
_LOG = logging.getLogger(__name__)


class NotHere(BroadsheetError):
    """What is asked for by number or name is not in the database."""


def status_of(error: Exception) -> int:
    """Return the status of HTTP by which an error is told."""
    match error:
        case ServiceDown() | TransientError():
            return 503
        case NotHere():
            return 404
        case PageError():
            return 410  # the scan behind the page is no longer what was read
        case QueryError() | UnreadableInput():
            return 400
        case _:
            return 500


def _ours(request: Request, error: Exception) -> Response:
    return answer(request, status_of(error), str(error))


def _away(request: Request, error: Exception) -> Response:
    _LOG.warning("The database does not answer: %s", error.__class__.__name__)
    return answer(request, 503, AWAY)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    plain = error.detail == HTTPStatus(error.status_code).phrase  # nobody said more than the number does
    sentence = SENTENCES.get(error.status_code, f"{error.detail}.") if plain else error.detail
    response = answer(request, error.status_code, sentence)
    response.headers.update(error.headers or {})
    return response


def _mistake(request: Request, error: Exception) -> Response:
    told = f"This is a mistake of Broadsheet's own: {type(error).__name__}. The log of the server has the details."
    return answer(request, 500, told)


def answer(request: Request, status: int, sentence: str) -> Response:
    """Return a sentence as what the asker can show."""
    headers = {"Retry-After": "5"} if status == 503 else {}
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(sentence + "\n", status, headers)
    response = render(request, "error.html.j2", status, status=status, sentence=sentence)
    response.headers.update(headers)
    return response


HANDLERS: Mapping[Any, Callable[[Request, Exception], Response]] = {
    BroadsheetError: _ours,
    OperationalError: _away,
    HTTPException: _http,
    Exception: _mistake,
}
