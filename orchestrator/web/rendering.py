"""Templates: every value is escaped, a value that is missing is an error, and no page has a line of script in it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from orchestrator.terminal.wording import ms_in_words, plural, seconds_in_words
from orchestrator.web.access.gate import access_context

HERE = Path(__file__).parent
STATIC = HERE / "static"
DASH = "\N{EN DASH}"  # where there is nothing to tell


def render(request: Request, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
    """Return the page that a template of `templates/` makes of the values."""
    known = {"request": request, "menu": request.app.state.menu, "here": request.url.path, **access_context(request)}
    return HTMLResponse(render_text(template, **known, **values), status_code)


def render_text(template: str, **values: Any) -> str:
    """Return what a template makes of the values alone: a part of a page."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["static"] = static_address
    environment.filters |= {
        "number": number, "moment": moment, "duration": ms_in_words, "seconds": seconds_in_words, "plural": plural_of,
    }  # fmt: skip
    return environment


@cache
def static_address(name: str) -> str:
    """Return the address of a file of `static/`; another content has another address, so that it may be kept."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def number(value: float | None) -> str:
    """Return a count with its thousands apart, a dash where there is none."""
    return DASH if value is None else f"{value:,.0f}"


def plural_of(count: int, noun: str) -> str:
    """Return `1 page`, `2 pages`."""
    return plural(count, noun)


def moment(value: object) -> str:
    """Return a moment of either database as `2026-03-29 14:05:07` UTC."""
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    return read.strftime("%Y-%m-%d %H:%M:%S") if isinstance(read, datetime) else DASH
