"""Faces or lines cut out of their scans: a PNG each, or contact sheets with captions.

Those of a page that lies on its side are turned upright.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from orchestrator.export.naming import page_path
from orchestrator.overlay.legend import INK, shortened
from orchestrator.results.pages import ArchivedPage
from orchestrator.results.scans import open_scan
from workers.errors import PageError
from workers.layout import BoundingBox

if TYPE_CHECKING:
    from workers.stages.palette.normalise import NormalisedPage

What = Literal["faces", "lines"]

_PAPER, _GAP = "white", 12


@dataclass(frozen=True, slots=True)
class SheetStyle:
    """How a contact sheet is laid out: cells in columns and rows, each `cell` pixels wide and high."""

    columns: int
    rows: int
    cell: tuple[int, int]

    @property
    def cells(self) -> int:
        """How many pictures fit on one sheet."""
        return self.columns * self.rows


STYLES: dict[What, SheetStyle] = {"faces": SheetStyle(6, 6, (220, 220)), "lines": SheetStyle(2, 24, (760, 48))}

# a page, the number of a box on it (1-based), the box
Cut = tuple[ArchivedPage, int, BoundingBox]


def cuts(page: ArchivedPage, what: What) -> list[Cut]:
    """Return the boxes of a page that are cut out."""
    boxes = [face.bbox for face in page.layout.faces] if what == "faces" else [line.bbox for line in page.layout.lines]
    return [(page, number, box) for number, box in enumerate(boxes, 1)]


def crop_files(page: ArchivedPage, what: What, max_pixels: int) -> Iterator[tuple[PurePosixPath, Callable[[], bytes]]]:
    """Yield the path of each crop of a page with the function that makes its PNG; the scan is opened once at most."""
    scan = cache(lambda: open_scan(page, max_pixels))
    for _, number, box in cuts(page, what):
        path = page_path(page.volume, page.page, f"/{what[:-1]}-{number:04}.png")
        yield path, lambda box=box: _png(cut_out(scan(), box, page.layout.quarter_turns), page, box)  # type: ignore[misc]


def cut_out(scan: NormalisedPage, box: BoundingBox, quarter_turns: int) -> Image.Image:
    """Return the pixels of a box, turned counter-clockwise; grey where the page is grey."""
    rgb = scan.rgb[box.y_min : box.y_max, box.x_min : box.x_max]
    grey = scan.grey[box.y_min : box.y_max, box.x_min : box.x_max]
    pixels = grey if (rgb == grey[:, :, None]).all() else rgb
    return Image.fromarray(np.ascontiguousarray(np.rot90(pixels, quarter_turns)))


def _png(picture: Image.Image, page: ArchivedPage, box: BoundingBox) -> bytes:
    facts = PngImagePlugin.PngInfo()
    facts.add_itxt("Source", f"{page.volume} {page.page} xywh={','.join(map(str, box.to_xywh()))}")
    facts.add_itxt("Software", f"broadsheet {page.provenance.software.get('broadsheet', 'unknown')}")
    facts.add_itxt("broadsheet:pipeline", page.provenance.fingerprint)
    facts.add_itxt("broadsheet:parameters", page.provenance.parameters)
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=facts)
    return out.getvalue()


def sheet_files(
    pages: Iterable[ArchivedPage], what: What, max_pixels: int
) -> Iterator[tuple[PurePosixPath, Callable[[], bytes]]]:
    """Yield contact sheets in the order of the pages: a path, and the function that makes its PNG."""
    style = STYLES[what]
    number, waiting = 0, list[Cut]()
    for page in pages:
        waiting += cuts(page, what)
        while len(waiting) >= style.cells:
            number += 1
            yield _sheet_file(number, what, waiting[: style.cells], max_pixels)
            del waiting[: style.cells]
    if waiting:
        yield _sheet_file(number + 1, what, waiting, max_pixels)


def _sheet_file(
    number: int, what: What, shown: Sequence[Cut], max_pixels: int
) -> tuple[PurePosixPath, Callable[[], bytes]]:
    kept = list(shown)
    return PurePosixPath(f"{what}-{number:04}.png"), lambda: _sheet_png(kept, STYLES[what], max_pixels)


def _sheet_png(shown: Sequence[Cut], style: SheetStyle, max_pixels: int) -> bytes:
    out = io.BytesIO()
    contact_sheet(list(_pictures(shown, max_pixels)), style).save(out, "PNG")
    return out.getvalue()


def _pictures(shown: Sequence[Cut], max_pixels: int) -> Iterator[tuple[str, Image.Image | None]]:
    """Yield captions and pictures; a scan that cannot be read leaves its captions without a picture."""
    current, scan = -1, None
    for page, number, box in shown:
        if page.page_run_id != current:
            current = page.page_run_id
            try:
                scan = open_scan(page, max_pixels)
            except PageError:
                scan = None
        yield f"{page.page}  {number}", None if scan is None else cut_out(scan, box, page.layout.quarter_turns)


def contact_sheet(pictures: Sequence[tuple[str, Image.Image | None]], style: SheetStyle) -> Image.Image:
    """Return a sheet of pictures, scaled down to their cells, each with its caption below."""
    font = ImageFont.load_default(13)
    width, height = style.cell[0] + _GAP, style.cell[1] + 20 + _GAP
    rows = -(-len(pictures) // style.columns)
    sheet = Image.new("RGB", (style.columns * width + _GAP, rows * height + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, (caption, picture) in enumerate(pictures):
        x, y = _GAP + place % style.columns * width, _GAP + place // style.columns * height
        if picture is None:
            draw.rectangle((x, y, x + style.cell[0], y + style.cell[1]), outline=INK)
            draw.text((x + 8, y + 8), "scan not readable", INK, font)
        else:
            small = picture.convert("RGB")
            small.thumbnail(style.cell)
            sheet.paste(small, (x, y + style.cell[1] - small.height))  # on its caption, not on that of the row above
        draw.text((x, y + style.cell[1] + 3), shortened(caption, style.cell[0], font), INK, font)
    return sheet
