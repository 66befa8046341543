"""A IIIF export on the web, opened by viewers that nobody here wrote, in a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.npm_packages import package
from tests.web import Archive

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
from tests.browser import a_page

MIRADOR_PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div id="viewer"></div>
<script src="/mirador.js"></script><script>
const seen = Mirador.viewer({id: 'viewer', windows: [{manifestId: 'MANIFEST', canvasId: 'CANVAS'}],
  window: {sideBarOpen: true, defaultSideBarPanel: 'annotations', highlightAllAnnotations: true}});
</script>"""
ANNOTORIOUS_PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/annotorious.css"><img id="page" src="PICTURE"><script src="/annotorious.js"></script>
<script>
const picture = document.getElementById('page');
picture.decode().then(async () => {
  const annotator = Annotorious.createImageAnnotator(picture, {adapter: Annotorious.W3CImageFormat('CANVAS')});
  annotator.setAnnotations((await (await fetch('ANNOTATIONS')).json()).items);
  window.seen = annotator;
});
</script>"""

# what React and reselect have to say about Mirador itself
OF_MIRADOR = ("element.ref was removed in React 19", "The result function returned its own inputs", "GL Driver Message")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def published(web_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of an export with manifests, and where it is on the web."""
    folder = tmp_path_factory.mktemp("published")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_port}"
    export = ["export", "--format", "iiif", "--manifest", "--base-url", f"{address}/out", "--output", folder / "out"]
    web_archive.broadsheet.run(*map(str, export))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, address
    server.shutdown()
    thread.join()
    server.server_close()


def boxes(folder: Path, address: str, canvas: dict[str, Any]) -> int:
    """Return how many boxes the annotation page of a canvas holds."""
    (link,) = canvas["annotations"]
    return len(json.loads((folder / unquote(link["id"].removeprefix(f"{address}/"))).read_text())["items"])


def test_mirador_lists_every_box_of_a_page(chromium: Any, published: tuple[Path, str]) -> None:
    folder, address = published
    (folder / "mirador.js").write_bytes((package("mirador") / "dist/mirador.min.js").read_bytes())
    manifest = json.loads((folder / "out/courier/manifest.json").read_text())
    canvas = manifest["items"][1]
    page = MIRADOR_PAGE.replace("MANIFEST", manifest["id"]).replace("CANVAS", canvas["id"])
    (folder / "mirador.html").write_text(page)
    picture = canvas["items"][0]["items"][0]["body"]["id"]
    with a_page(chromium, address, expected=OF_MIRADOR) as shown:
        with shown.expect_response(lambda response: response.url == picture) as answer:
            shown.goto("/mirador.html")
        assert answer.value.ok
        expected = boxes(folder, address, canvas)
        assert expected > 100
        shown.get_by_text(f"Showing {expected} annotations").wait_for()
        assert shown.locator("li", has_text="line ").count() > 100
        assert shown.locator("li").count() == expected


def test_annotorious_draws_every_box_of_a_page(chromium: Any, published: tuple[Path, str]) -> None:
    folder, address = published
    for name in ("annotorious.js", "annotorious.css"):
        (folder / name).write_bytes((package("@annotorious/annotorious") / "dist" / name).read_bytes())
    canvas = json.loads((folder / "out/courier/manifest.json").read_text())["items"][0]
    page = ANNOTORIOUS_PAGE.replace("PICTURE", canvas["items"][0]["items"][0]["body"]["id"])
    page = page.replace("CANVAS", canvas["id"]).replace("ANNOTATIONS", canvas["annotations"][0]["id"])
    (folder / "annotorious.html").write_text(page)
    with a_page(chromium, address) as shown:
        shown.goto("/annotorious.html")
        shown.wait_for_function("window.seen")
        expected = boxes(folder, address, canvas)
        assert expected > 100
        assert shown.evaluate("seen.getAnnotations().length") == expected
        assert shown.locator("rect.a9s-inner").count() == expected
