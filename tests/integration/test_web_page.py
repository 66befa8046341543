"""A page in the browser: its scan to zoom into, layers, boxes that tell of themselves, keys."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.command import Broadsheet
from tests.browser import NARROW, a_page
from tests.web import Archive, serving


@contextmanager
def opened(chromium: Any, address: str, path: str = "/pages/1", **options: Any) -> Iterator[Any]:
    """Yield a page of the archive when its boxes have come."""
    with a_page(chromium, address, expected=["willReadFrequently"], **options) as page:  # we do read it often
        page.goto(path)
        page.wait_for_selector("#scan[data-boxes]")
        page.wait_for_load_state("networkidle")
        yield page


def drawn_pixels(page: Any) -> int:
    """Return how many pixels the layers have drawn over the scan."""
    count: int = page.locator(".overlay").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
        ".filter((value, n) => n % 4 === 3 && value > 0).length"
    )
    return count


def test_a_page_shows_its_scan_and_what_was_found(chromium: Any, web_address: str, web_archive: Archive) -> None:
    stored = web_archive.broadsheet.query("SELECT text_lines FROM page_status WHERE page_id = 1")[0]["text_lines"]
    with opened(chromium, web_address) as page:
        assert f"{stored} lines" in page.locator(".panel").inner_text()
        shown = page.locator("#scan canvas:not(.overlay)").first.evaluate(
            "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
        )
        assert shown > 20, "the scan itself is drawn, not one colour"
        assert drawn_pixels(page) > 0
        assert "It took" in page.locator("#explanation").inner_text()


def test_layers_are_switched_by_keys_and_by_buttons(chromium: Any, web_address: str) -> None:
    with opened(chromium, web_address) as page:
        every = drawn_pixels(page)
        for key in "lrif":
            page.keyboard.press(key)
        assert drawn_pixels(page) == 0
        page.get_by_role("button", name="Lines").click()
        assert 0 < drawn_pixels(page) <= every
        page.keyboard.press("c")
        assert page.get_by_role("button", name="Columns").get_attribute("aria-pressed") == "true"


def on_screen(page: Any, archive: Archive, sql: str) -> tuple[float, float]:
    """Return where the middle of a box is, as long as the whole page is shown."""
    (box,) = archive.broadsheet.query(sql)
    (scan,) = archive.broadsheet.query(f"SELECT width, height FROM page_status WHERE page_id = {box['page_id']}")
    place = page.locator("#scan").bounding_box()
    scale = min(place["width"] / scan["width"], place["height"] / scan["height"])
    x, y = box["x"] + box["width"] / 2 - scan["width"] / 2, box["y"] + box["height"] / 2 - scan["height"] / 2
    return place["x"] + place["width"] / 2 + scale * x, place["y"] + place["height"] / 2 + scale * y


def test_a_box_that_is_clicked_tells_its_row_and_why_it_is_there(
    chromium: Any, web_address: str, web_archive: Archive
) -> None:
    with opened(chromium, web_address, "/pages/2") as page:
        page.keyboard.press("]")
        assert page.locator("#selected h2").inner_text() == "Line 1"
        assert page.url.endswith("#line-1")
        page.keyboard.press("Escape")
        assert "Click a box" in page.locator("#selected").inner_text()
        page.mouse.click(
            *on_screen(page, web_archive, "SELECT * FROM page_lines WHERE page_id = 2 AND reading_order = 9")
        )
        assert page.locator("#selected h2").inner_text() == "Line 9"
        assert "read as number 9" in page.locator("#selected").inner_text()
        assert "reading_order" in page.locator("#selected dl").inner_text()


def test_what_each_step_threw_away_is_a_layer(chromium: Any, web_address: str) -> None:
    with opened(chromium, web_address) as page:
        page.keyboard.press("t")
        page.wait_for_selector("#steps .legend")
        assert "find body lines" in page.locator("#steps").inner_text()
        page.keyboard.press("]")
        assert "ound by" in page.locator("#selected").inner_text()


def test_keys_turn_the_pages(chromium: Any, web_address: str) -> None:
    with opened(chromium, web_address) as page:
        page.keyboard.press("n")
        page.wait_for_url("**/pages/2")
        page.keyboard.press("p")
        page.wait_for_url("**/pages/1")


def test_behind_the_last_suspect_the_page_stays_and_says_so(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address, expected=["willReadFrequently", "404"]) as page:
        shown = ["/pages/1"]
        page.goto(shown[0])
        while not (told := page.locator("#turned").inner_text()):
            page.keyboard.press("s")
            page.wait_for_function("was => location.pathname !== was || turned.textContent", arg=shown[-1])
            shown.append(urlsplit(page.url).path)
            page.wait_for_load_state()
        assert "looks odd" in told
        assert shown[-1] == shown[-2] and len(set(shown)) == len(shown) - 1


def test_zooming_in_asks_for_sharper_tiles(chromium: Any, web_address: str) -> None:
    with opened(chromium, web_address) as page, page.expect_request("**/iiif/image/1/**") as asked:
        for _ in range(4):
            page.keyboard.press("+")
    assert "/full/" not in asked.value.url


def test_a_scan_that_cannot_be_read_is_told_in_a_sentence(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address) as page:
        page.goto("/pages/4")
        assert "cannot be decoded" in page.locator(".viewer").inner_text()
        assert "quarantined" in page.locator(".panel").inner_text()


def test_a_page_fits_a_telephone_in_the_dark(chromium: Any, web_address: str) -> None:
    with opened(chromium, web_address, size=NARROW, color_scheme="dark") as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
        assert page.locator("h1").is_visible()


@contextmanager
def from_iiif(archive: Archive, folder: Path, service: str) -> Iterator[str]:
    """Show a copy of the archive whose first page comes from an image service, and yield the address."""
    shutil.copyfile(archive.folder / "broadsheet.db", folder / "broadsheet.db")
    with closing(sqlite3.connect(folder / "broadsheet.db")) as connection, connection:
        canvas = "UPDATE page SET address = json_set(address, '$.canvas', json_object('service', ?)) WHERE page_id = 1"
        connection.execute(canvas, (service,))
    with serving(Archive(folder, Broadsheet(folder))) as address:
        yield address


def test_a_page_from_iiif_is_shown_by_its_own_service(
    chromium: Any, web_archive: Archive, web_address: str, tmp_path: Path
) -> None:
    with serving(web_archive, "--allow-origin", "*") as other:
        with (
            from_iiif(web_archive, tmp_path, f"{other}/iiif/image/1") as address,
            a_page(chromium, address, expected=[f"another host: {other}"]) as page,
            page.expect_response(lambda answer: answer.url.startswith(other) and answer.url.endswith(".jpg")) as tile,
        ):
            page.goto("/pages/1")
        assert tile.value.status == 200


def test_a_service_that_answers_no_browser_is_asked_by_our_server(
    chromium: Any, web_archive: Archive, web_address: str, tmp_path: Path
) -> None:
    refused = [f"another host: {web_address}", "CORS", "ERR_FAILED", "HTTP 0", web_address]
    with (
        from_iiif(web_archive, tmp_path, f"{web_address}/iiif/image/1") as address,
        a_page(chromium, address, expected=refused) as page,
        page.expect_response(lambda answer: answer.url.startswith(f"{address}/iiif/image/1/")) as tile,
    ):
        page.goto("/pages/1")
    assert tile.value.status == 200
