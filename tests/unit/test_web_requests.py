"""What clients send is bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from orchestrator.web.requests import JSON_BYTES, sent_bytes, sent_values
from workers.errors import UnreadableInput


def request(parts: list[bytes]) -> Request:
    left = iter(parts)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(left), "more_body": True}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_what_is_sent_without_an_end_is_refused() -> None:
    endless = [b"x" * 10_000] * 1_000  # asked for more than these, it would fail
    with pytest.raises(HTTPException) as refused:
        asyncio.run(sent_bytes(request(endless), 50_000))
    assert refused.value.status_code == 413
    with pytest.raises(HTTPException):
        asyncio.run(sent_values(request([b" " * JSON_BYTES, b" ", b" "])))


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"right"', b"[" * 5_000, b"\xff"])
def test_what_is_no_json_object_is_told(body: bytes) -> None:
    whole = Request({"type": "http", "method": "POST", "headers": []}, _once(body))
    with pytest.raises(UnreadableInput, match="What was sent is no JSON"):
        asyncio.run(sent_values(whole))


def _once(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
