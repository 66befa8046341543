"""A real browser for the tests of the web pages: Debian's Chromium, driven by Playwright.

Every page that a test opens must keep its console free of errors and ask no other host; `a_page` looks after both.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

WIDE, NARROW = (1280, 800), (390, 844)
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Complaints:
    """What went wrong on a page behind its back; `expected` are parts of messages that a test brings about itself."""

    address: str
    expected: Sequence[str] = ()
    found: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        """Listen to the console, to errors of scripts and to requests."""
        page.on("console", lambda told: self._note(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("request", self._same_host)
        page.on("requestfailed", self._failed)

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # the page was left while it was loading
            self._note(f"failed: {request.url} {request.failure}")

    def _same_host(self, request: Any) -> None:
        host = urlsplit(request.url)
        if host.scheme in ("http", "https", "ws", "wss") and host.netloc != urlsplit(self.address).netloc:
            self._note(f"another host: {request.url}")

    def _note(self, message: str) -> None:
        if not any(part in message for part in self.expected):
            self.found.append(message)


_running: list[Any] = []


@contextmanager
def _playwright() -> Iterator[Any]:
    """Yield the one Playwright that a thread may have: browsers with other options may be open at once."""
    if _running:
        yield _running[0]
        return
    with sync_api.sync_playwright() as playwright:
        _running.append(playwright)
        yield playwright
        _running.clear()


@contextmanager
def a_browser(*options: str) -> Iterator[Any]:
    """Yield a headless Chromium; skips with the reason where none is installed."""
    program = next((found for found in map(shutil.which, _NAMES) if found), None)
    if program is None:
        pytest.skip("no Chromium on the PATH: apt-get install chromium")
    with _playwright() as playwright:
        # no sandbox: the tests run as root in containers, and open nothing but our own pages
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *options])
        yield browser
        browser.close()


@contextmanager
def a_page(
    browser: Any, address: str, size: tuple[int, int] = WIDE, expected: Sequence[str] = (), **options: Any
) -> Iterator[Any]:
    """Yield a page of a fresh profile whose addresses begin with `address`; fails on whatever it complained of."""
    complaints = Complaints(address, expected)
    context = browser.new_context(base_url=address, viewport={"width": size[0], "height": size[1]}, **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints.watch(page)
    yield page
    context.close()
    assert not complaints.found, complaints.found
