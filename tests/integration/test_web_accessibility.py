"""Every page can be used by people who do not see it as others do: axe-core finds no serious fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import NARROW, a_page
from tests.npm_packages import package

# one of each kind of page; what is in the navigation comes by itself
PATHS = (
    "/ask?query=most_lines",
    "/faces?order=most",
    "/volumes/1",
    "/pages?state=quarantined",
    "/pages/1",
    "/pages/4",
    "/pages/77",
)


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    return (package("axe-core") / "axe.min.js").read_text()


def faults(page: Any, axe: str) -> list[str]:
    """Return the serious faults of the page that is open, each with the element that has it."""
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {node['html'][:120]} ({node['failureSummary'].splitlines()[-1].strip()[:160]})"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility(chromium: Any, web_address: str, axe: str, scheme: str) -> None:
    size = NARROW if scheme == "dark" else (1280, 800)
    told = {}
    with a_page(chromium, web_address, size, expected=["404", "Failed to load"], color_scheme=scheme) as page:
        page.goto("/")
        menu = [link.get_attribute("href") for link in page.locator("header nav a").all()]
        for path in (*menu, *PATHS):
            page.goto(path)
            page.wait_for_load_state("domcontentloaded")
            page.locator("main").wait_for()
            told[path] = faults(page, axe)
            if page.evaluate("document.documentElement.scrollWidth") > size[0]:
                told[path] = [*told[path], "wider than the screen"]
    assert {path: found for path, found in told.items() if found} == {}
