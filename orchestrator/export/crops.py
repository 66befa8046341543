"""Faces, lines or pictures cut out of their scans: a PNG each, or contact sheets with captions.

Those of a page that lies on its side are turned upright.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from orchestrator.export.folder import PageFile, Written, going_on
from orchestrator.export.naming import PageFiles
from orchestrator.export.options import What
from orchestrator.results.legend import INK, shortened
from orchestrator.results.mark import marked
from orchestrator.results.pages import ArchivedPage
from orchestrator.results.scans import open_scan
from workers.layout import BoundingBox

if TYPE_CHECKING:
    from workers.stages.palette.normalise import NormalisedPage

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


STYLES: dict[What, SheetStyle] = {
    "faces": SheetStyle(6, 6, (220, 220)),
    "lines": SheetStyle(2, 24, (760, 48)),
    "pictures": SheetStyle(4, 4, (340, 340)),
}

# a page, the number of a box on it (1-based), the box
Cut = tuple[ArchivedPage, int, BoundingBox]


def cuts(page: ArchivedPage, what: What, margin: int = 0) -> list[Cut]:
    """Return the boxes of a page that are cut out, on each side `margin` percent of the shorter side larger."""
    found = page.layout
    shown: Mapping[What, Sequence[Any]] = {"faces": found.faces, "lines": found.lines, "pictures": found.pictures}
    boxes = [grown(box.bbox, margin, found.width, found.height) for box in shown[what]]
    return [(page, number, box) for number, box in enumerate(boxes, 1)]


def grown(box: BoundingBox, percent: int, width: int, height: int) -> BoundingBox:
    """Return a box with a margin of so many percent of its shorter side, within a page of that size."""
    by = round(min(box.width, box.height) * percent / 100)
    return BoundingBox(
        max(0, box.x_min - by), max(0, box.y_min - by), min(width, box.x_max + by), min(height, box.y_max + by)
    )


def crop_files(
    page: ArchivedPage, what: What, place: PageFiles, max_pixels: int, margin: int = 0
) -> Iterator[PageFile]:
    """Yield the path of each crop of a page with the function that makes its PNG; the scan is opened once at most."""
    scan = cache(lambda: open_scan(page, max_pixels))
    for _, number, box in cuts(page, what, margin):
        path = place.path(page.volume, page.page, f"/{what[:-1]}-{number:04}.png")
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


class ScanReader:
    """Opens scans, the last one once; one that cannot be read is told, counted in `written`, and None."""

    def __init__(self, max_pixels: int, written: Written, tell: Callable[[str], None]) -> None:
        self._max_pixels, self._written, self._tell = max_pixels, written, tell
        self._page_run_id = -1
        self._scan: NormalisedPage | None = None

    def scan(self, page: ArchivedPage) -> NormalisedPage | None:
        """Return the upright pixels of a page."""
        if page.page_run_id != self._page_run_id:
            self._page_run_id, self._scan = page.page_run_id, None
            with going_on(page.page, self._written, self._tell):
                self._scan = open_scan(page, self._max_pixels)
        return self._scan


def sheets(pages: Iterable[ArchivedPage], what: What, margin: int = 0) -> Iterator[list[Cut]]:
    """Yield what stands on each contact sheet, in the order of the pages."""
    waiting, cells = list[Cut](), STYLES[what].cells
    for page in pages:
        waiting += cuts(page, what, margin)
        while len(waiting) >= cells:
            yield waiting[:cells]
            del waiting[:cells]
    if waiting:
        yield waiting


def sheet_files(pages: Iterable[ArchivedPage], what: What, reader: ScanReader, margin: int = 0) -> Iterator[PageFile]:
    """Yield contact sheets as files: a path, and the function that makes its PNG."""
    for number, shown in enumerate(sheets(pages, what, margin), 1):
        path = PurePosixPath(f"{what}-{number:04}.png")
        yield path, lambda shown=shown: _sheet_png(shown, what, reader)  # type: ignore[misc]


def _sheet_png(shown: Sequence[Cut], what: What, reader: ScanReader) -> bytes:
    out = io.BytesIO()
    sheet_picture(shown, what, reader).save(out, "PNG", **marked("png"))
    return out.getvalue()


def sheet_picture(shown: Sequence[Cut], what: What, reader: ScanReader) -> Image.Image:
    """Return a sheet of boxes; those of a scan that cannot be read have captions without a picture."""
    return contact_sheet([_picture(*cut, reader) for cut in shown], STYLES[what])


def _picture(page: ArchivedPage, number: int, box: BoundingBox, reader: ScanReader) -> tuple[str, Image.Image | None]:
    scan = reader.scan(page)
    return f"{page.page}  {number}", None if scan is None else cut_out(scan, box, page.layout.quarter_turns)


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
