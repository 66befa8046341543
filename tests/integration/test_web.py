"""`broadsheet web`: the pages as a browser sees them, and what is told when something is away."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest
from PIL import Image

from tests.browser import a_page
from tests.web import Archive, serving


def get(address: str, accept: str = "text/html") -> tuple[int, str, dict[str, str]]:
    """Return the status, the text and the headers of an answer."""
    request = urllib.request.Request(address, headers={"Accept": accept})
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode(), dict(answer.headers)


def read_picture(address: str) -> Image.Image:
    """Return the picture at an address."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return Image.open(io.BytesIO(answer.read()))


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


def test_a_volume_leads_to_its_issues_and_an_issue_to_its_pages(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address) as page:
        page.goto("/")
        page.get_by_role("link", name="courier").click()
        assert page.locator("tbody tr").all_inner_texts()[0].startswith("1890-03-29\tThe Courier")
        page.get_by_role("link", name="1890-03-31", exact=True).click()
        captions = page.locator(".wall .page-name").all_inner_texts()
        pictures = page.locator(".wall img")
        page.wait_for_load_state("networkidle")
        assert pictures.evaluate_all("all => all.map(one => one.naturalWidth > 0)") == [True, True]
    assert captions == ["The Courier/1890-03-31/0001.png", "The Courier/1890-03-31/0002.jpg"]


def test_filters_have_an_address_and_show_their_sql(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address) as page:
        page.goto("/pages")
        assert page.locator(".wall li").count() == 5
        page.get_by_label("State").select_option("quarantined")
        page.get_by_role("button", name="Show").click()
        assert "state=quarantined" in page.url
        assert page.locator(".wall li").all_inner_texts()[0].split("\n")[-1] == "quarantined"
        page.get_by_text("as SQL").click()
        sql = page.locator("pre").inner_text()
        assert "state = 'quarantined'" in sql
        again = page.url
    with a_page(chromium, web_address) as page:
        page.goto(again)
        assert page.locator(".wall li").count() == 1


def test_a_long_wall_is_shown_in_parts(chromium: Any, web_address: str) -> None:
    with a_page(chromium, web_address) as page:
        page.goto("/pages?per=2")
        seen = [page.locator(".page-name").all_inner_texts()]
        for _ in range(2):
            page.get_by_role("link", name="Later pages").click()
            seen.append(page.locator(".page-name").all_inner_texts())
        page.get_by_role("link", name="Earlier pages").click()
        assert page.locator(".page-name").all_inner_texts() == seen[1]
    assert [len(part) for part in seen] == [2, 2, 1]


def test_the_image_service_describes_itself_and_gives_parts(web_address: str) -> None:
    status, text, _ = get(f"{web_address}/iiif/image/1/info.json", "application/json")
    told = json.loads(text)
    assert (status, told["profile"], told["id"]) == (200, "level1", f"{web_address}/iiif/image/1")
    picture = read_picture(f"{web_address}/iiif/image/1/0,0,200,100/100,/0/default.jpg")
    assert picture.size == (100, 50)
    whole = read_picture(f"{web_address}/iiif/image/1/full/300,/0/default.jpg")
    assert whole.width == 300
    assert abs(whole.height - 300 * told["height"] / told["width"]) <= 1


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/iiif/image/99/info.json", 404, "no page 99"),
        ("/iiif/image/4/info.json", 410, "cannot be decoded"),
        ("/iiif/image/1/0,0,9,9/90,90/0/default.jpg", 400, "nothing is enlarged"),
        ("/pages?lines_from=many", 400, "lines_from must be a whole number"),
        ("/volumes/77", 404, "no volume 77"),
    ],
)
def test_what_cannot_be_shown_is_told_in_a_sentence(web_address: str, path: str, status: int, says: str) -> None:
    found, text, _ = get(web_address + path)
    assert (found, says in text) == (status, True)


def test_other_sites_have_pictures_only_where_they_were_allowed(web_archive: Archive, web_address: str) -> None:
    assert "access-control-allow-origin" not in get(f"{web_address}/iiif/image/1/info.json")[2]
    with serving(web_archive, "--allow-origin", "*") as address:
        assert get(f"{address}/iiif/image/1/info.json")[2]["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in get(f"{address}/pages")[2]


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_the_remedy_is_told(missing: str) -> None:
    hidden = f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['broadsheet', 'web']"
    code = f"{hidden}; from orchestrator.cli import main; sys.exit(main())"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == f"broadsheet web needs {missing}, which is not installed: pip install 'broadsheet[web]'\n"
