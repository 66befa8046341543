"""Faces and pictures as walls of crops, each leading to its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from models import Face, PageDescription, PageRun
from models.session import open_engine_read_only
from orchestrator.web.crops import FACES, PER_WALL, crop_address, read_crops
from orchestrator.web.site import Site
from tests.archive import add_done_pages, page
from tests.browser import NARROW, a_page
from tests.integration.test_web import get
from workers.config import Settings
from workers.errors import UnreadableInput


def test_a_face_is_found_on_the_wall_and_leads_to_its_page(chromium: Any, web_address: str) -> None:
    for size in ((1280, 800), NARROW):
        with a_page(chromium, web_address, size) as page:
            page.goto("/")
            page.get_by_role("link", name="Pictures", exact=True).click()
            page.get_by_role("link", name="Faces", exact=True).click()
            page.get_by_label("Order").select_option("surest first")
            page.get_by_label("To").fill("1890-03")
            page.get_by_label("To").press("Enter")
            crop = page.locator(".crops img").first
            crop.scroll_into_view_if_needed()
            assert crop.evaluate("async (img) => { await img.decode(); return img.naturalWidth }") > 50
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            crop.click()
            page.wait_for_url("**/pages/*")
            page.locator("#selected h2", has_text="Face").wait_for()  # the one that was clicked is chosen


def test_what_an_address_cannot_ask_is_told(web_address: str) -> None:
    for asked in ("volume=x", "order=best", "skip=-1", "skip=1000000"):
        status, told, _ = get(f"{web_address}/faces?{asked}")
        assert status == 400 and ("must be a whole number" in told or "The order is one of" in told)
    assert "Nothing fits all of that" in get(f"{web_address}/faces?from=1999")[1]


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    """Two pages of different days with many faces on each, the later day first."""
    runs = add_done_pages(engine, [page(), page()])
    with engine.begin() as connection:
        for run, day in zip(runs, ("1900-02-01", "1900-01-01"), strict=True):
            page_id = connection.scalar(select(PageRun.page_id).where(PageRun.page_run_id == run))
            described = {"page_id": page_id, "title": "Day", "date_issued": day, "date_precision": "day"}
            connection.execute(insert(PageDescription), described)
            faces = [
                {
                    "page_run_id": run, "face_number": n, "label": "face", "confidence": n / 100, "level": 1.0,
                    "x_min": n, "y_min": n, "x_max": n + 10, "y_max": n + 10,
                }
                for n in range(1, 41)
            ]  # fmt: skip
            connection.execute(Face.__table__.delete().where(Face.page_run_id == run))
            connection.execute(insert(Face), faces)
    url = engine.url.render_as_string(hide_password=False)
    return Site(open_engine_read_only(url), Settings(database_url=url), tmp_path)


def test_faces_come_by_volume_by_date_or_by_confidence(site: Site) -> None:
    def first(order: str) -> tuple[str, float]:
        crop = read_crops(site, FACES, {"order": order}).crops[0]
        return crop["date_issued"], round(crop["measure"], 2)

    assert [first(order) for order in ("volume", "date", "most", "least")] == [
        ("1900-02-01", 0.01),
        ("1900-01-01", 0.01),
        ("1900-02-01", 0.4),
        ("1900-02-01", 0.01),
    ]
    with pytest.raises(UnreadableInput):
        read_crops(site, FACES, {"order": "c.x; DROP TABLE page"})


def test_a_long_wall_comes_in_parts_that_hold_every_face_once(site: Site) -> None:
    wall = read_crops(site, FACES, {})
    assert len(wall.crops) == PER_WALL and wall.earlier is None and wall.later == f"/faces?skip={PER_WALL}"
    rest = read_crops(site, FACES, {"skip": str(PER_WALL)})
    assert len(rest.crops) == 80 - PER_WALL and rest.later is None and rest.earlier == "/faces?skip=0"


def test_a_crop_never_leaves_its_page() -> None:
    row = {"page_id": 7, "x": 5, "y": 90, "width": 50, "height": 20, "page_width": 60, "page_height": 100}
    assert crop_address(row, 0.2) == "/iiif/image/7/0,86,60,14/!320,320/0/default.jpg"
