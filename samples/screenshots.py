"""`python -m samples.screenshots DATABASE NAME...`: pictures of the web pages for the README, from a real browser.

    make demo && .venv/bin/python -m samples.screenshots demo/broadsheet.db wall page

Chromium and Playwright are needed, as for the tests.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = (1024, 640)
COLOURS = 84  # of the palette: enough for text and scans, and a tenth of the bytes
RARE = (  # few pixels have these
    "0072b2", "d55e00", "cc79a7", "009e73", "e69f00", "332288", "ffd600", "1b6e52", "a8321c", "005a8c",
)  # fmt: skip
# name -> where it begins, and what is clicked and pressed there
STEPS: dict[str, tuple[str, str | None, str]] = {
    "wall": ("/pages", None, ""),
    "page": ("/pages?faces=1", ".wall a", "c]"),
    "front": ("/pages", ".wall a", "]]]"),
    "runs": ("/runs", None, ""),
}


def take(page: Page, name: str) -> bytes:
    """Return a screenshot as PNG, with as few colours as it needs."""
    path, link, keys = STEPS[name]
    page.goto(path)
    if link is not None:
        page.locator(link).first.click()
        page.locator("#scan[data-boxes]").wait_for()
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1_000)  # until the view has come to rest
    return with_few_colours(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def with_few_colours(picture: Image.Image) -> bytes:
    """Return an RGB picture as PNG with a palette, the colours of our boxes among it."""
    palette, out = Image.new("P", (1, 1)), io.BytesIO()
    most = picture.quantize(COLOURS).getpalette() or []
    palette.putpalette([*most[: 3 * COLOURS], *bytes.fromhex("".join(RARE))])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Serve the database, open the pages and write `docs/web-NAME.png`."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m samples.screenshots", description="Takes pictures of the pages.")
    parser.add_argument("database", help="a database of finished pages, e.g. demo/broadsheet.db")
    parser.add_argument("names", nargs="+", choices=STEPS, help="which pages")
    parser.add_argument("--prefix", default="docs/web-", help="what the files' names begin with")
    asked = parser.parse_args()
    command = [str(Path(sys.executable).with_name("broadsheet")), "web", "--port", "0", "--database", asked.database]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stderr is not None
        address = re.search(r"http://\S+", server.stderr.readline())
        assert address is not None
        options = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)  # type: ignore[arg-type]
        page = browser.new_page(base_url=address[0], viewport={"width": SIZE[0], "height": SIZE[1]})
        for name in asked.names:
            Path(f"{asked.prefix}{name}.png").write_bytes(take(page, name))
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
