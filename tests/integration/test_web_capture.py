"""Capture in the browser: a page under Chromium's fake camera, a black picture, a camera that is refused."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from samples.pages import PageDesign, draw
from tests.acceptance.command import Broadsheet
from tests.browser import NARROW, a_browser, a_page
from tests.cameras import FAKE, SCENE, film, photographed
from tests.integration.test_web_accessibility import faults
from tests.npm_packages import package
from tests.web import Archive, serving


@pytest.fixture(scope="module")
def sheet() -> np.ndarray[Any, Any]:
    design = PageDesign(12, columns=2, type_size=34, pitch=42, picture="grey", picture_column=0, title="The Courier")
    return np.asarray(draw(design).image.convert("L"), np.uint8)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A folder without a database: the first picture makes it."""
    folder = tmp_path_factory.mktemp("reading-room")
    return Archive(folder, Broadsheet(folder))


@pytest.fixture(scope="module")
def address(archive: Archive) -> Iterator[str]:
    with serving(archive, "--capture-folder", "taken") as found:
        yield found


@pytest.fixture(scope="module")
def camera(sheet: Any, archive: Archive) -> Iterator[Any]:
    """A Chromium whose camera looks at a printed sheet on a desk."""
    with a_browser(*FAKE, film(archive.folder / "sheet.y4m", photographed(sheet))) as browser:
        yield browser


def files(archive: Archive) -> list[str]:
    return sorted(str(path.relative_to(archive.folder / "taken")) for path in (archive.folder / "taken").rglob("*.*"))


def test_a_page_is_taken_cropped_and_read(camera: Any, address: str, archive: Archive, sheet: Any) -> None:
    with a_page(camera, address) as page:
        page.goto("/capture")
        page.locator("[data-step=live]").wait_for()
        page.get_by_label("Title").fill("The Courier, 1890/91")
        page.locator("output.sharpness", has_text="good").wait_for()
        page.locator("output.exposure", has_text="good").wait_for()
        page.get_by_label("Title").press("Enter")
        page.locator("[role=status]", has_text="This is the sheet").wait_for()
        assert faults(page, (package("axe-core") / "axe.min.js").read_text()) == []
        page.locator("[data-do=keep]").click()
        page.locator(".taken li", has_text="lines").wait_for(timeout=120_000)
        page.locator(".result rect.line").first.wait_for()
        assert page.get_by_label("Number of the page").input_value() == "2"
    assert files(archive) == ["The Courier, 1890_91/0001.jpg"]
    with Image.open(archive.folder / "taken" / files(archive)[0]) as stored:
        flat = np.asarray(stored.convert("L"))
    again, before = (cv2.resize(one, (160, 200), interpolation=cv2.INTER_AREA) for one in (flat, sheet))
    assert np.corrcoef(again.ravel(), before.ravel())[0, 1] > 0.9
    with sqlite3.connect(archive.folder / "broadsheet.db") as connection:
        found = connection.execute(
            "SELECT volume, title, sequence, state, text_lines > 2, faces FROM page_status"
        ).fetchall()
    connection.close()
    assert found == [("taken", "The Courier, 1890_91", 1, "done", 1, 1)]


def test_corners_are_moved_by_hand_and_a_number_is_never_overwritten(
    camera: Any, address: str, archive: Archive
) -> None:
    with a_page(camera, address, NARROW, expected=("400",)) as page:
        page.goto("/capture")
        page.locator("[data-step=live]").wait_for()
        page.get_by_label("Title").fill("Corners")
        page.get_by_role("button", name="Take Space").click()
        page.locator("[role=status]", has_text="This is the sheet").wait_for()
        page.get_by_role("button", name="Whole picture").click()
        corner = page.get_by_role("button", name="right lower corner")
        box = corner.bounding_box()
        crop = page.locator(".crop").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(crop["x"] + crop["width"] / 2, crop["y"] + crop["height"] / 2, steps=4)
        page.mouse.up()
        upper = page.get_by_role("button", name="right upper corner")
        for _ in range(25):
            upper.press("Shift+ArrowLeft")
        with page.expect_response("**/capture/pages?**"):
            page.get_by_role("button", name="left lower corner").press("Enter")
        page.locator(".taken li").wait_for()
        page.get_by_label("Number of the page").fill("1")
        page.get_by_role("button", name="Take Space").click()
        page.locator("[data-step=crop]").wait_for()
        page.get_by_role("button", name="Keep the sheet").click()
        told = page.locator("[role=status]", has_text="already").inner_text()
    assert told == "There is a page 1 of Corners already, and it is not overwritten; the next free number is 2."
    with Image.open(archive.folder / "taken/Corners/0001.jpg") as stored:
        assert stored.width == pytest.approx(np.hypot(*SCENE) / 2, abs=14)  # its longest side, from corner to middle


def test_a_black_picture_is_told_and_never_stored(archive: Archive, address: str) -> None:
    before = files(archive)
    black = film(archive.folder / "black.y4m", np.zeros((480, 640), np.uint8))
    with a_browser(*FAKE, black) as browser, a_page(browser, address, expected=("400",)) as page:
        page.goto("/capture")
        page.locator(".warning", has_text="The picture is black").wait_for()
        page.get_by_label("Title").fill("Nothing")
        page.get_by_role("button", name="Take Space").click()
        page.locator("[role=status]", has_text="Nothing was taken").wait_for()
        token = page.locator("meta[name=csrf-token]").get_attribute("content")
        answer = page.request.post(
            "/capture/pages?title=Nothing&number=1", data=picture(np.zeros((480, 640), np.uint8)),
            headers={"X-CSRF-Token": token, "Content-Type": "image/jpeg"},
        )  # fmt: skip
        told = answer.status, answer.text()[:20]
    assert told == (400, "The picture is black")
    assert files(archive) == before


def test_a_refused_camera_is_told_with_what_to_do(address: str) -> None:
    refusing = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    with a_browser(*refusing) as browser, a_page(browser, address) as page:
        page.goto("/capture")
        page.locator("[role=status]", has_text="allow it for this site").wait_for()
        assert page.get_by_role("button", name="Start the camera").is_visible()


def test_without_a_camera_a_file_can_be_chosen(chromium: Any, address: str, archive: Archive, sheet: Any) -> None:
    with a_page(chromium, address) as page:
        page.goto("/capture")
        page.locator("[role=status]", has_text="No camera is connected").wait_for()
        page.get_by_label("Title").fill("Files")
        scan = {"name": "scan.jpg", "mimeType": "image/jpeg", "buffer": picture(photographed(sheet))}
        page.get_by_label("Or a picture file").set_input_files(scan)
        page.locator("[role=status]", has_text="This is the sheet").wait_for()
        page.get_by_role("button", name="Whole picture").click()
        page.get_by_role("button", name="Keep the sheet").click()
        page.locator(".taken li").wait_for()
    assert (archive.folder / "taken/Files/0001.jpg").read_bytes() == scan["buffer"]


@pytest.mark.parametrize(
    ("query", "content", "sentence"),
    [
        ("title=..%2F..&number=1", None, "Give the pages a title"),
        ("title=T&number=0", None, "The number of a page is 1 to 99,999."),
        ("title=T&number=1&corners=1,2", None, "The corners are no four points"),
        ("title=T&number=1&corners=0,0,1,1,1,0,0,1", None, "The corners make no sheet"),
        ("title=T&number=1", b"<svg/>", "The picture"),
        ("title=T&number=1", b"GIF", "The picture"),
    ],
)
def test_what_makes_no_page_is_refused_in_a_sentence(
    chromium: Any, address: str, archive: Archive, sheet: Any, query: str, content: bytes | None, sentence: str
) -> None:
    before = files(archive)
    with a_page(chromium, address) as page:
        page.goto("/runs")
        headers = {
            "X-CSRF-Token": page.locator("meta[name=csrf-token]").get_attribute("content"),
            "Content-Type": "image/jpeg",
        }
        answer = page.request.post(f"/capture/pages?{query}", data=content or picture(sheet), headers=headers)
        told = answer.status, answer.text()[: len(sentence)]
    assert told == (400, sentence)
    assert files(archive) == before


MEASURES = """async ([levels, width, height]) => {
  const { measure, nothingIn, exposure } = await import("/static/capture/measure.js");
  const found = measure(levels.flatMap((level) => [level, level, level, 255]), width, height);
  return { ...found, nothing: nothingIn(found), light: exposure(found).word };
}"""


def test_the_browser_measures_as_the_server_does(chromium: Any, address: str, sheet: Any) -> None:
    small = cv2.resize(photographed(sheet), (160, 120), interpolation=cv2.INTER_AREA)
    with a_page(chromium, address) as page:
        page.goto("/runs")
        found = page.evaluate(MEASURES, [small.ravel().tolist(), 160, 120])
        dim = page.evaluate(MEASURES, [(small // 6).ravel().tolist(), 160, 120])
        grey = page.evaluate(MEASURES, [np.full(120 * 160, 90).tolist(), 160, 120])
    assert found["mean"] == pytest.approx(float(small.mean()), abs=1.5)
    assert found["nothing"] == dim["nothing"] == ""
    assert (found["light"], dim["light"].split(":")[0]) == ("good", "too dark")
    assert grey["nothing"].startswith("The picture is empty")


def picture(grey: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "JPEG", quality=90)
    return out.getvalue()
