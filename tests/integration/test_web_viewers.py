"""Other people's viewers open what is served here: Mirador 4 and Universal Viewer, from another site."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.test_web import get
from tests.npm_packages import package
from tests.web import Archive, serving

MIRADOR = """<!doctype html><meta charset="utf-8"><title>Mirador</title><div id="viewer"></div>
<script src="mirador.min.js"></script>
<script>Mirador.viewer({id: "viewer", windows: [{manifestId: decodeURIComponent(location.hash.slice(1))}]})</script>"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def another_site(folder: Path) -> Iterator[str]:
    """Serve the files of a folder and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def open_address(web_archive: Archive) -> Iterator[str]:
    """Where the archive is served for viewers of all sites."""
    with serving(web_archive, "--allow-origin", "*") as address:
        yield address


def test_a_manifest_has_every_page_that_is_read_with_its_picture_and_its_boxes(web_address: str) -> None:
    status, text, _ = get(f"{web_address}/iiif/1/manifest.json")
    told = json.loads(text)
    assert (status, told["type"], len(told["items"])) == (200, "Manifest", 3)
    assert [one["label"]["none"][0] for one in told["structures"]] == [
        "The Courier 1890-03-29",
        "The Courier 1890-03-31",
    ]
    painting = told["items"][0]["items"][0]["items"][0]
    assert painting["body"]["service"][0]["id"] == f"{web_address}/iiif/image/1"
    boxes = json.loads(get(told["items"][0]["annotations"][0]["id"])[1])
    assert boxes["items"][0]["target"]["source"] == told["items"][0]["id"]
    listed = json.loads(get(f"{web_address}/iiif/collection.json")[1])["items"]
    assert listed[0]["id"] == told["id"]


@pytest.mark.parametrize("viewer", ["mirador", "universalviewer"])
def test_a_viewer_of_another_site_opens_a_volume(chromium: Any, open_address: str, viewer: str, tmp_path: Path) -> None:
    manifest = quote(f"{open_address}/iiif/1/manifest.json", safe="")
    folder = package(viewer) / "dist"
    path = f"uv.html#?manifest={manifest}"
    if viewer == "mirador":
        (tmp_path / "mirador.min.js").symlink_to(folder / "mirador.min.js")
        (tmp_path / "index.html").write_text(MIRADOR)
        folder, path = tmp_path, f"index.html#{manifest}"
    context = chromium.new_context()
    page = context.new_page()
    with another_site(folder) as site, page.expect_response(_is_tile(open_address), timeout=60_000) as tile:
        page.goto(f"{site}/{path}")
    assert tile.value.status == 200
    context.close()


def _is_tile(address: str) -> Any:
    """Return whether an answer is a part of the first page, in more than a thumbnail's size."""
    return lambda answer: (
        answer.url.startswith(f"{address}/iiif/image/1/") and answer.url.endswith(".jpg") and "512" in answer.url
    )
