"""A IIIF volume with the real command: whose pages they are, what was missing, and nothing asked for twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.command import Broadsheet
from tests.iiif_host import IiifHost, Picture, a_iiif_host, canvas_2, canvas_3, manifest_2, manifest_3
from tests.servers import wait_until
from tests.unit.printed_pages import printed_page

PAGES = [f"p{number}" for number in range(1, 7)]
SIZE = (600, 500)


@pytest.fixture
def host() -> Iterator[IiifHost]:
    with a_iiif_host() as server:
        ink, _ = printed_page(3, size=20, shape=SIZE[::-1])
        for name in PAGES:
            server.pictures[name] = Picture(Image.fromarray(255 - ink))
        yield server


@pytest.fixture
def broadsheet(tmp_path: Path, host: IiifHost) -> Broadsheet:
    command = Broadsheet(tmp_path, (("BROADSHEET_CACHE_FOLDER", str(tmp_path / "cache")),))
    command.run("db", "upgrade")
    command.run("host", "set", host.url.removeprefix("http://"), "--requests", "1000", "--seconds", "1")
    return command


def test_a_collection_is_ingested_with_what_it_says_and_without_what_it_lacks(
    broadsheet: Broadsheet, host: IiifHost
) -> None:
    books = [f"{host.url}/vol/{name}/manifest.json" for name in ("a", "b")]
    canvases = [canvas_2(host.url, name, SIZE) for name in PAGES[:3]]
    told = {"label": "The Daily News", "navDate": "1898-11-10T00:00:00Z", "license": "https://example.org/pd"}
    host.document("/vol/a/manifest.json", manifest_2(books[0], [*canvases, canvas_2(host.url, "dead", SIZE)], **told))
    host.document("/vol/b/manifest.json", manifest_3(books[1], [canvas_3(host.url, "p4", (1200, 1000)), {"id": "x"}]))
    members = [{"@id": url} for url in (*books, f"{host.url}/vol/gone.json", books[0])]
    top = host.document("/vol/top.json", {"@id": "top", "@type": "sc:Collection", "members": members})
    summary = broadsheet.ingest(top, "--allow-host", "127.0.0.1", "--processes", "1", code=1)
    assert summary["done"] == 4 and summary["quarantined"] == 2
    pages = broadsheet.query("SELECT page, state, width, height, error_code FROM page_status ORDER BY page_number")
    assert [page["state"] for page in pages] == ["done"] * 3 + ["quarantined", "done", "quarantined"]
    assert [page["error_code"] for page in pages if page["error_code"]] == ["missing_source"] * 2
    assert (pages[0]["width"], pages[4]["width"]) == (600, 1200)
    (first, *_) = broadsheet.query("SELECT * FROM page_metadata ORDER BY page_number")
    assert (first["title"], first["date_issued"], first["rights"]) == (
        "The Daily News",
        "1898-11-10",
        "https://example.org/pd",
    )
    asked = host.counts()
    assert max(asked.values()) == 1
    broadsheet.run("overlay", "--volume", top, "--output", "drawn")  # what was read is not asked for again
    assert host.counts() == asked and len(list((broadsheet.folder / "drawn").rglob("*.png"))) == 4


def test_an_ingest_that_is_stopped_asks_for_nothing_twice(broadsheet: Broadsheet, host: IiifHost) -> None:
    canvases = [canvas_2(host.url, name, SIZE) for name in PAGES]
    url = host.document("/vol/manifest.json", manifest_2(f"{host.url}/vol/manifest.json", canvases))
    host.delay = 0.2
    started = broadsheet.start("ingest", url, "--allow-host", "127.0.0.1", "--processes", "1")
    wait_until(lambda: sum(path.endswith(".jpg") for path in host.counts()) >= 3, "three pictures")
    os.killpg(started.pid, signal.SIGINT)
    started.communicate(timeout=60)
    assert started.returncode == 130
    assert broadsheet.ingest(url, "--allow-host", "127.0.0.1", "--processes", "1")["done"] == len(PAGES)
    assert set(host.counts().values()) == {1}


def test_an_address_that_is_no_catalogue_is_told(broadsheet: Broadsheet, host: IiifHost) -> None:
    host.answers["/iiif/page"] = lambda: (200, {}, b"<html>")
    for url, words in ((f"{host.url}/iiif/page", "is no JSON"), (f"{host.url}/none/manifest.json", "answers 404")):
        assert words in broadsheet.run("ingest", url, "--allow-host", "127.0.0.1", code=2).stderr
    assert "--allow-host" in broadsheet.run("ingest", f"{host.url}/manifest.json", code=2).stderr
