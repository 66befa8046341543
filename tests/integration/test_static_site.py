"""`broadsheet report --site`: a folder that a browser opens without a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from click.testing import CliRunner
from lxml import html
from PIL import Image
from sqlalchemy import Engine, select, update

import models
from orchestrator.commands.report import report
from orchestrator.report.site.build import write_site
from orchestrator.results.selection import Selection
from tests.archive import HEIGHT, WIDTH, add_done_pages, page, rule
from tests.npm_packages import package
from tests.rows import add_page_runs
from workers.errors import UnreadableInput
from workers.layout import BoundingBox, Face, PageLayout, Picture
from workers.sources.address import PageAddress

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
from tests.browser import NARROW, WIDE, a_page

HOSTILE = "<script>alert(1)</script>&p.tif"
FACE = BoundingBox(600, 300, 700, 420)


def pictured() -> PageLayout:
    outline = ((550, 100), (899, 100), (899, 599), (550, 599))
    picture = Picture(BoundingBox(550, 100, 900, 600), outline, "photograph", 0.12)
    rules = (rule(), rule(940, "inserted"))
    return replace(page(12), separators=rules, faces=(Face(FACE, "face", 0.9),), pictures=(picture,))


@pytest.fixture
def archive(sqlite_engine: Engine, tmp_path: Path) -> Engine:
    """Three pages with scans, one of them with a hostile name, and one that failed in another volume."""
    folder = tmp_path / "scans"
    folder.mkdir()
    generator = np.random.default_rng(1)
    with_scans = add_done_pages(sqlite_engine, [pictured(), page(0), pictured()], "scans")
    (failed,) = add_page_runs(sqlite_engine, 1, "quarantined", "broken")
    with sqlite_engine.begin() as connection:
        connection.execute(update(models.Volume).where(models.Volume.source == "scans").values(location=str(folder)))
        for number, run in enumerate(with_scans, 1):
            name = f"p{number:04}.tif"
            Image.fromarray(generator.integers(0, 255, (HEIGHT, WIDTH), np.uint8)).save(folder / name)
            of_run = select(models.PageRun.page_id).where(models.PageRun.page_run_id == run).scalar_subquery()
            values = {"address": PageAddress((name,)).to_json()} | ({"name": HOSTILE} if number == 3 else {})
            connection.execute(update(models.Page).where(models.Page.page_id == of_run).values(values))
        broken = update(models.PageRun).where(models.PageRun.page_run_id == failed)
        connection.execute(broken.values(error_code="unreadable_image", error_message="<b>It is torn.</b>"))
    return sqlite_engine


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_site_is_walked_from_volumes_to_the_boxes_of_a_page(
    archive: Engine, tmp_path: Path, chromium: Any, size: tuple[int, int]
) -> None:
    written = write_site(archive, tmp_path / "site", Selection(), 10**9)
    assert (written.files, written.failed) == (4, 0)
    with a_page(chromium, "", size) as shown:
        shown.goto((tmp_path / "site/index.html").as_uri())
        shown.get_by_role("link", name="scans").click()
        assert shown.locator(".wall img").evaluate_all("found => found.map(one => one.naturalHeight > 0)") == [True] * 3
        shown.locator(".wall a").first.click()
        assert {
            kind: shown.locator(f"g.{kind} polygon").count() for kind in ("line", "separator", "picture", "face")
        } == {"line": 12, "separator": 2, "picture": 1, "face": 1}
        lines = shown.locator("g.line polygon").first
        assert lines.is_visible()
        shown.keyboard.press("l")
        assert not lines.is_visible()
        shown.get_by_text("Lines", exact=True).click()
        assert lines.is_visible()
        shown.keyboard.press("n")
        shown.get_by_text("blank").wait_for()
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_axe_finds_no_serious_fault_on_a_site(archive: Engine, tmp_path: Path, chromium: Any) -> None:
    axe = (package("axe-core") / "axe.min.js").read_text()
    write_site(archive, tmp_path / "site", Selection(), 10**9)
    with a_page(chromium, "", color_scheme="dark") as shown:
        for name in ("index.html", "volumes/1.html", "pages/1.html", "pages/4.html", "faces.html", "report.html"):
            shown.goto((tmp_path / "site" / name).as_uri())
            shown.evaluate(axe)
            found = shown.evaluate("axe.run({preload: false})")["violations"]
            assert [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")] == []


def test_a_face_and_a_suspect_lead_to_their_page(archive: Engine, tmp_path: Path, chromium: Any) -> None:
    write_site(archive, tmp_path / "site", Selection(), 10**9)
    with a_page(chromium, "") as shown:
        shown.goto((tmp_path / "site/faces.html").as_uri())
        shown.locator(".wall a").first.click()
        assert shown.locator("#face-1:target").is_visible()
    told = html.parse(tmp_path / "site/report.html")
    targets = {link.get("href").partition("#")[0] for link in told.findall(".//figure/a")}
    assert {"pages/1.html", "pages/3.html"} <= targets
    assert all((tmp_path / "site" / target).is_file() for target in targets)


def test_a_report_leads_from_faces_to_pictures_in_a_folder_beside_it(archive: Engine, tmp_path: Path) -> None:
    options = ["--output", str(tmp_path / "my report.html"), "--database", f"sqlite:///{tmp_path / 'only.db'}"]
    assert CliRunner().invoke(report, options, standalone_mode=False).return_value == 0
    links = html.parse(tmp_path / "my report.html").findall(".//figure/a")
    faces = [link for link in links if link.find("img").get("alt") == "face"]
    assert len(faces) == 2
    assert {unquote(link.get("href")) for link in faces} == {"my report_pages/1.jpg", "my report_pages/3.jpg"}
    for link in links:
        with Image.open(tmp_path / unquote(link.get("href"))) as larger:
            assert larger.size == (WIDTH, HEIGHT)
        assert link.find("img").get("src").startswith("data:image/jpeg;base64,")


def test_names_and_sentences_are_text_wherever_they_stand(archive: Engine, tmp_path: Path) -> None:
    write_site(archive, tmp_path / "site", Selection(), 10**9)
    for path in (tmp_path / "site").rglob("*.html"):
        document = html.parse(path)
        assert all(script.get("src", "").endswith("static/site.js") for script in document.iter("script"))
        assert not any((element.text or "") == "It is torn." for element in document.iter("b"))
    third = html.parse(tmp_path / "site/pages/3.html")
    assert third.find(".//h1").text == HOSTILE
    assert html.parse(tmp_path / "site/pages/4.html").find(".//p[@role='alert']").text == "<b>It is torn.</b>"


def test_the_same_command_completes_a_site_and_brings_it_up_to_date(archive: Engine, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(archive, site, Selection(), 10**9)
    (site / "pictures/1.jpg").unlink()
    (site / "pictures/99.jpg").write_bytes(b"of a page run that is no longer current")
    kept = (site / "pictures/3.jpg").stat().st_mtime_ns
    with archive.begin() as connection:
        connection.execute(update(models.Page).where(models.Page.page_id == 2).values(name="renamed.tif"))
    write_site(archive, site, Selection(), 10**9)
    assert sorted(path.name for path in (site / "pictures").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    assert (site / "pictures/3.jpg").stat().st_mtime_ns == kept
    assert "renamed.tif" in (site / "volumes/1.html").read_text()
    with pytest.raises(UnreadableInput, match="holds another export"):
        write_site(archive, site, Selection(volumes=("scans",)), 10**9)


def test_a_scan_that_is_gone_is_told_and_the_site_is_whole(archive: Engine, tmp_path: Path) -> None:
    (tmp_path / "scans/p0001.tif").unlink()
    database = ["--database", f"sqlite:///{tmp_path / 'only.db'}"]
    run = CliRunner().invoke(
        report, ["--site", str(tmp_path / "site"), "--volume", "scans", *database], standalone_mode=False
    )
    assert run.return_value == 1
    assert "p0001.tif" in run.stderr and "1 page" in run.stderr
    assert "could not be read" in (tmp_path / "site/pages/1.html").read_text()
    assert not (tmp_path / "site/volumes/2.html").exists()
