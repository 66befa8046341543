"""hOCR 1.2: lines in content areas, separators and faces, as XHTML.

T. Breuel, http://kba.github.io/hocr-spec/1.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from lxml.builder import ElementMaker

from orchestrator.export.xml import document, flat_points
from orchestrator.results.pages import ArchivedPage
from workers.layout import BoundingBox, TextLine
from workers.stages.segmentation.blocks import TextBlock, text_blocks

NAMESPACE = "http://www.w3.org/1999/xhtml"
CAPABILITIES = "ocr_page ocr_carea ocr_line ocr_separator ocr_photo ocr_image"
_E = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})


def hocr(page: ArchivedPage, image: str) -> bytes:
    """Return the hOCR document of a page; `image` is the file name it gives for the scan."""
    size = f"bbox 0 0 {page.layout.width} {page.layout.height}"
    title = f'image "{_quoted(image)}"; {size}; ppageno {page.page_number - 1}'
    sheet = _part("ocr_page", "page_1", title, *_contents(page))
    return document(_E.html(_E.head(_E.title(page.page), *_about(page)), _E.body(sheet)), doctype="<!DOCTYPE html>")


def _about(page: ArchivedPage) -> Iterator[etree._Element]:
    for name, content in (
        ("ocr-system", f"broadsheet {page.provenance.software.get('broadsheet', 'unknown')}"),
        ("ocr-capabilities", CAPABILITIES),
        ("ocr-number-of-pages", "1"),
        ("broadsheet-pipeline", page.provenance.fingerprint),
        ("broadsheet-parameters", page.provenance.parameters),
        ("broadsheet-versions", page.provenance.versions),
        ("broadsheet-scan-sha256", page.sha256),
    ):
        yield _E.meta(name=name, content=content)


def _contents(page: ArchivedPage) -> Iterator[etree._Element]:
    turns = page.layout.quarter_turns
    angle = f"; textangle {360 - 90 * turns}" if turns else ""  # counter-clockwise
    for number, block in enumerate(text_blocks(page.layout), 1):
        yield _area(number, block, angle)
    for number, separator in enumerate(page.layout.separators, 1):
        origin = {"data-origin": separator.origin}
        yield _part("ocr_separator", f"separator_{number}", _bbox(separator.bbox), origin)
    for number, picture in enumerate(page.layout.pictures, 1):
        kind = "ocr_photo" if picture.kind == "photograph" else "ocr_image"
        yield _part(kind, f"picture_{number}", _bbox(picture.bbox))
    for number, face in enumerate(page.layout.faces, 1):
        yield _part("ocr_photo", f"face_{number}", _bbox(face.bbox), {"data-label": face.label})


def _area(number: int, block: TextBlock, angle: str) -> etree._Element:
    lines = (_line(order, line, angle) for order, line in enumerate(block.lines, block.first))
    return _part("ocr_carea", f"block_{number}", _bbox(block.bbox), *lines)


def _line(order: int, line: TextLine, angle: str) -> etree._Element:
    shape = f"; poly {flat_points(line.boundary)}" if line.boundary else ""
    return _part("ocr_line", f"line_{order}", _bbox(line.bbox) + angle + shape)


def _part(kind: str, name: str, title: str, *more: etree._Element | dict[str, str]) -> etree._Element:
    make = _E.span if kind == "ocr_line" else _E.div
    # with a text, for an empty element must not become <span/>, which HTML readers take for an opening tag
    return make({"id": name, "title": title, "class": kind}, "", *more)


def _bbox(box: BoundingBox) -> str:
    return f"bbox {box.x_min} {box.y_min} {box.x_max} {box.y_max}"


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
