"""Review in the browser: verdicts by keys, boxes corrected by mouse and keyboard, another reading compared first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from PIL import Image
from sqlalchemy import create_engine, text, update

import migrations
from models import Page, Volume
from models.session import open_engine
from tests.acceptance.command import Broadsheet
from tests.archive import add_done_pages, page
from tests.browser import NARROW, WIDE, a_page
from tests.integration.test_web_accessibility import faults
from tests.npm_packages import package
from tests.web import Archive, serving
from workers.layout import BoundingBox
from workers.sources.address import PageAddress


@pytest.fixture(scope="module")
def reviewed(web_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The archive of the web tests, in a copy of its own that is written to."""
    folder = tmp_path_factory.mktemp("reviewed")
    for part in web_archive.folder.glob("broadsheet.db*"):
        shutil.copy(part, folder)
    return Archive(folder, Broadsheet(folder))


@pytest.fixture(scope="module")
def address(reviewed: Archive) -> Iterator[str]:
    with serving(reviewed) as found:
        yield found


@pytest.fixture
def rows(reviewed: Archive) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    engine = create_engine(reviewed.database_url)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    ask("SELECT 1")
    yield ask
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM review"))
    engine.dispose()


Rows = Callable[[str], list[tuple[Any, ...]]]
SAID = "SELECT verdict, box_kind, box_number FROM page_reviews ORDER BY review_id"


def shown(page: Any, place: str) -> None:
    """Wait until the page at a place of the list is shown."""
    page.locator(".place", has_text=place).wait_for()
    page.locator(".review.loading").wait_for(state="detached")


def writes(request: Any) -> bool:
    return bool(request.method == "POST")


def stored(page: Any, action: Callable[[], object]) -> dict[str, Any]:
    """Do something, and return what the server answers to what it sends."""
    with page.expect_response(lambda answer: writes(answer.request)) as answer:
        action()
    told = answer.value.text()
    return json.loads(told) if told.startswith("{") else {"told": told}


def pixels(page: Any, x: float, y: float) -> tuple[float, float]:
    """Return where a point of the page, in shares of its size, is in the window."""
    box = page.locator(".paper svg").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_verdicts_are_given_and_undone_by_keys(chromium: Any, address: str, rows: Rows) -> None:
    with a_page(chromium, address) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        stored(page, lambda: page.keyboard.press("r"))
        shown(page, "2 of 4")
        stored(page, lambda: page.keyboard.press("w"))
        shown(page, "3 of 4")
        assert rows(SAID) == [("right", None, None), ("wrong", None, None)]
        stored(page, lambda: page.keyboard.press("u"))
        shown(page, "2 of 4")
        assert "Undone: the verdict wrong" in page.locator("[role=status]").first.inner_text()
        assert rows(SAID) == [("right", None, None)]
        page.keyboard.press("n")
        shown(page, "3 of 4")
        page.goto("/review?which=all")
        shown(page, "1 of 3")  # what has a verdict is not shown again


def test_where_no_page_is_shown_nothing_can_be_said_of_one(chromium: Any, address: str, rows: Rows) -> None:
    with a_page(chromium, address, size=NARROW) as page:
        right, undo = page.locator("[data-do=right]"), page.locator("[data-do=undo]")
        page.goto("/review?which=all&volume=999")
        page.get_by_text("There is nothing to review here").wait_for()
        assert undo.is_visible()
        assert not right.is_visible() and not page.locator("[data-draw=line]").is_visible()
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        for _ in range(4):
            page.keyboard.press("n")
        page.get_by_text("That was the last page of this list.").wait_for()
        assert not right.is_visible() and page.locator(".review h1").inner_text() == "Review"
        page.keyboard.press("b")
        shown(page, "4 of 4")
        assert right.is_visible() and page.locator("[data-draw=line]").is_visible()
        assert rows(SAID) == []


def test_the_browser_asks_before_a_verdict_that_is_not_stored_is_left(chromium: Any, address: str, rows: Rows) -> None:
    held: list[Any] = []
    with a_page(chromium, address) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        page.route(
            "**/review/pages/*", lambda route: held.append(route) if writes(route.request) else route.continue_()
        )
        with page.expect_request(writes):
            page.keyboard.press("r")
        with page.expect_event("dialog") as asked:
            page.close(run_before_unload=True)
        assert asked.value.type == "beforeunload"
        asked.value.dismiss()
        stored(page, lambda: held.pop().continue_())
        assert rows(SAID) == [("right", None, None)]


def test_a_server_that_was_started_again_takes_verdicts_of_an_open_page(
    chromium: Any, reviewed: Archive, address: str, rows: Rows
) -> None:
    with a_page(chromium, address, expected=("403",)) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        with serving(reviewed) as again:  # another process: it knows neither the session nor the token

            def pass_on(route: Any) -> None:
                route.continue_(url=route.request.url.replace(address, again))

            page.route("**/review**", pass_on)
            with page.expect_response(lambda answer: writes(answer.request) and answer.ok):
                page.keyboard.press("r")
    assert rows(SAID) == [("right", None, None)]


def test_a_box_is_marked_false_and_taken_back_by_mouse_and_keys(chromium: Any, address: str, rows: Rows) -> None:
    with a_page(chromium, address) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        page.locator("rect.line").first.click(force=True)
        number = int(page.locator(".chosen").inner_text().split()[1])
        stored(page, lambda: page.keyboard.press("x"))
        page.locator("rect.line.false").wait_for()
        assert rows(SAID) == [("false_box", "line", number)]
        assert "1 corrected" in page.locator("[data-do=right]").inner_text()
        stored(page, lambda: page.locator("[data-do=false]").click())
        page.locator("rect.line.false").wait_for(state="detached")
        assert rows(SAID) == []


def test_a_missing_box_is_drawn_with_the_mouse_and_with_the_keyboard(chromium: Any, address: str, rows: Rows) -> None:
    with a_page(chromium, address) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        page.keyboard.press("f")
        page.mouse.move(*pixels(page, 0.2, 0.3))
        page.mouse.down()
        page.mouse.move(*pixels(page, 0.35, 0.4), steps=4)
        stored(page, page.mouse.up)
        page.locator("rect.face.drawn").wait_for()
        page.keyboard.press("l")
        page.keyboard.press("ArrowRight")  # begins in the middle
        page.keyboard.press("Shift+ArrowRight")
        stored(page, lambda: page.keyboard.press("Enter"))
        page.locator("rect.line.drawn").wait_for()
        run = rows("SELECT page_run_id FROM page_reviews")[0][0]
    width, height = rows(f"SELECT width, height FROM page_run WHERE page_run_id = {run}")[0]
    kind, x, y, right, low = rows(
        "SELECT box_kind, x_min, y_min, x_max, y_max FROM review WHERE withdrawn_at IS NULL ORDER BY review_id"
    )[0]
    shares = (x / width, y / height, right / width, low / height)
    assert (kind, shares) == ("face", pytest.approx((0.2, 0.3, 0.35, 0.4), abs=0.01))
    assert [row[:2] for row in rows(SAID)] == [("missing_box", "face"), ("missing_box", "line")]


def test_a_separator_is_moved_by_dragging_and_by_arrow_keys(chromium: Any, address: str, rows: Rows) -> None:
    with a_page(chromium, address) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        page.keyboard.press("m")
        assert page.locator(".chosen").inner_text().startswith("separator")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        stored(page, lambda: page.keyboard.press("Enter"))
        moved = page.locator("rect.separator.moved").first
        moved.wait_for()
        run, number, x = rows("SELECT page_run_id, box_number, x FROM page_reviews")[0]
        of_box = f"FROM separator WHERE page_run_id = {run} AND separator_number = {number}"
        assert x > rows(f"SELECT x_min {of_box}")[0][0]
        box = moved.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] - 40, box["y"] + box["height"] / 2, steps=4)
        stored(page, page.mouse.up)
    latest = rows("SELECT x FROM page_reviews WHERE is_latest")
    assert len(latest) == 1
    assert latest[0][0] < rows(f"SELECT x_min {of_box}")[0][0]


def test_another_reading_is_compared_on_the_page_before_it_is_asked_for(
    chromium: Any, address: str, rows: Rows
) -> None:
    with a_page(chromium, address) as page:
        page.goto("/review?which=all")
        shown(page, "1 of 4")
        run = page.locator(".review").get_attribute("data-shown")
        page.keyboard.press("a")
        told = stored(page, lambda: page.keyboard.press("3"))["told"]
        assert "separators" in told
        assert "the same" in page.locator("dialog .result").inner_text()
        assert rows(SAID) == []  # nothing is stored by looking
        page.keyboard.press("Escape")
        page.locator("dialog[open]").wait_for(state="detached")
        assert page.locator("rect.difference").count() == 0
        page.keyboard.press("a")
        stored(page, lambda: page.keyboard.press("3"))
        stored(page, lambda: page.keyboard.press("Enter"))
        shown(page, "2 of 4")
        assert rows(SAID) == [("read_again", None, None)]
        # the page is read by the server's own worker, and is the current one then
        page.locator("nav a", has_text="Review").wait_for()
        for _ in range(300):
            found = rows(
                "SELECT n.state, n.is_current, n.separators FROM page_run o JOIN page_run n ON n.page_id = o.page_id "
                f"WHERE o.page_run_id = {run} AND n.page_run_id <> o.page_run_id"
            )
            if found[0][0] == "done":
                break
            page.wait_for_timeout(100)
        assert found == [("done", 1, 0)]


def test_what_cannot_be_stored_is_told_and_nothing_is_lost_on_the_page(chromium: Any, address: str, rows: Rows) -> None:
    with a_page(chromium, address, expected=("Failed to load resource", "failed: ")) as page:
        page.goto("/review?which=all")
        shown(page, "1 of ")
        page.route("**/review/pages/*", lambda route: route.abort() if writes(route.request) else route.continue_())
        page.keyboard.press("r")
        page.locator("[role=status]", has_text="The server does not answer").first.wait_for()
    assert rows(SAID) == []


def test_without_a_folder_the_page_with_the_camera_says_how_to_get_one(chromium: Any, address: str) -> None:
    with a_page(chromium, address) as page:
        page.goto("/capture")
        assert "--capture-folder" in page.locator("[role=alert]").inner_text()


def test_only_reviewers_review_and_only_from_our_own_pages(chromium: Any, reviewed: Archive, tmp_path: Path) -> None:
    secret = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "accounts").write_text(f"rita:{secret}:reader\nrob:{secret}:reviewer\n")
    with serving(reviewed, "--auth", str(tmp_path / "accounts")) as found:
        for name, allowed in (("rita", False), ("rob", True)):
            with a_page(chromium, found, expected=("403",)) as page:
                page.goto("/review")
                page.get_by_label("Name").fill(name)
                page.get_by_label("Password").fill("secret")
                page.keyboard.press("Enter")
                heading = page.locator(".review h1" if allowed else "[role=alert]")
                heading.wait_for()
                assert allowed or "the role reviewer" in heading.inner_text()
                token = page.locator("meta[name=csrf-token]").get_attribute("content")
                with_token = {"X-CSRF-Token": token} if allowed else {"X-CSRF-Token": "guessed"}
                assert page.request.post("/review/undo", headers=with_token).status == (200 if allowed else 403)
                assert page.request.post("/review/undo").status == 403


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where sixty suspects wait, each with a scan."""
    folder = tmp_path_factory.mktemp("many")
    Image.new("L", (1000, 1400), 240).save(folder / "p.tif")
    archive = Archive(folder, Broadsheet(folder))
    engine = open_engine(archive.database_url)
    migrations.upgrade(engine)
    add_done_pages(engine, [page(3, [BoundingBox(120, 90, 300, 200)]) for _ in range(60)])
    with engine.begin() as connection:
        connection.execute(update(Volume).values(location=str(folder)))
        connection.execute(update(Page).values(address=PageAddress(("p.tif",)).to_json()))
    engine.dispose()
    with serving(archive) as found:
        yield found


def test_many_verdicts_in_a_row_are_all_stored(chromium: Any, many: str) -> None:
    with a_page(chromium, many, NARROW) as page:
        page.goto("/review")
        for place in range(1, 40):
            shown(page, f"{place} of 60")
            page.keyboard.press("r" if place % 4 else "w")
        shown(page, "40 of 60")
        last = page.locator(".review").get_attribute("data-shown")
        with page.expect_response(lambda answer: writes(answer.request) and answer.url.endswith(f"/{last}")):
            page.keyboard.press("w")  # stored after all that was said before
        shown(page, "41 of 60")
        page.goto("/review")
        shown(page, "1 of 20")
        assert "a face of which text lines cover" in page.locator(".reasons").inner_text()


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_review_has_no_serious_fault_of_accessibility(
    chromium: Any, many: str, size: tuple[int, int], scheme: str
) -> None:
    with a_page(chromium, many, size, color_scheme=scheme) as page:
        page.goto("/review?which=all")
        page.locator(".review[data-shown]").wait_for()
        page.keyboard.press("a")
        assert faults(page, (package("axe-core") / "axe.min.js").read_text()) == []
