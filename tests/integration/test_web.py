"""`broadsheet web`: the pages as a browser sees them, and what is told when something is away."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from tests.browser import a_page
from tests.web import Archive


def get(address: str, accept: str = "text/html") -> tuple[int, str, dict[str, str]]:
    """Return the status, the text and the headers of an answer."""
    request = urllib.request.Request(address, headers={"Accept": accept})
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode(), dict(answer.headers)


def test_the_volumes_are_shown_with_what_became_of_their_pages(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address) as page:
        page.goto("/")
        rows = page.locator("tbody tr").all_inner_texts()
    assert [row.split("\t")[:4] for row in rows] == [["courier", "4", "3", "1"], ["letters", "1", "all", "\N{EN DASH}"]]


def test_an_address_that_leads_nowhere_is_told_in_a_sentence(web_address: str) -> None:
    status, text, _ = get(web_address + "/volume/here")
    assert (status, "There is no such page here." in text) == (404, True)
    assert get(web_address + "/volume/here", "image/*")[1].startswith("There is no such page here.")


def test_no_answer_lets_a_browser_run_what_is_not_ours(web_address: str) -> None:
    for path in ("/", "/nowhere", "/static/style.css"):
        headers = get(web_address + path)[2]
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_port_that_is_taken_is_told_with_the_remedy(web_archive: Archive, web_address: str) -> None:
    port = web_address.rpartition(":")[2]
    told = web_archive.broadsheet.run("web", "--port", port, code=2).stderr
    assert told == f"Port {port} is taken by another program; give another with --port.\n"
