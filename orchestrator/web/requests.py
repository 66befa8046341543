"""What clients send: JSON and bytes, no more of either than we take."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from workers.errors import UnreadableInput

JSON_BYTES = 64 * 1024


async def sent_bytes(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        HTTPException: 413, it is longer than `most` bytes.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise HTTPException(413)
    return bytes(body)


async def sent_values(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        UnreadableInput: it holds none.
        HTTPException: 413, it is too long.
    """
    body = await sent_bytes(request, JSON_BYTES)
    try:
        values = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise UnreadableInput("What was sent is no JSON.") from error
    if not isinstance(values, dict):
        raise UnreadableInput("What was sent is no JSON object.")
    return values
