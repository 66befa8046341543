"""hOCR 1.2: lines in content areas, separators and faces, as XHTML.

T. Breuel, http://kba.github.io/hocr-spec/1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from lxml import etree

from orchestrator.results.pages import ArchivedPage
from workers.layout import BoundingBox, Point
from workers.stages.segmentation.blocks import text_blocks

NAMESPACE = "http://www.w3.org/1999/xhtml"
CAPABILITIES = "ocr_page ocr_carea ocr_line ocr_separator ocr_photo"


def hocr(page: ArchivedPage, image: str) -> bytes:
    """Return the hOCR document of a page; `image` is the file name it gives for the scan."""
    root = etree.Element(_q("html"), nsmap={None: NAMESPACE})
    _describe(etree.SubElement(root, _q("head")), page)
    title = (
        f'image "{_quoted(image)}"; bbox 0 0 {page.layout.width} {page.layout.height}; ppageno {page.page_number - 1}'
    )
    sheet = _part(etree.SubElement(root, _q("body")), "div", "ocr_page", "page_1", title)
    turns = page.layout.quarter_turns
    angle = f"; textangle {360 - 90 * turns}" if turns else ""  # counter-clockwise
    for number, block in enumerate(text_blocks(page.layout), 1):
        area = _part(sheet, "div", "ocr_carea", f"block_{number}", _bbox(block.bbox))
        for order, line in enumerate(block.lines, block.first):
            shape = f"; poly {_points(line.boundary)}" if line.boundary else ""
            _part(area, "span", "ocr_line", f"line_{order}", _bbox(line.bbox) + angle + shape)
    for number, separator in enumerate(page.layout.separators, 1):
        _part(sheet, "div", "ocr_separator", f"separator_{number}", _bbox(separator.bbox)).set(
            "data-origin", separator.origin
        )
    for number, face in enumerate(page.layout.faces, 1):
        _part(sheet, "div", "ocr_photo", f"face_{number}", _bbox(face.bbox)).set("data-label", face.label)
    document: bytes = etree.tostring(
        root, xml_declaration=True, encoding="UTF-8", pretty_print=True, doctype="<!DOCTYPE html>"
    )
    return document


def _describe(head: Any, page: ArchivedPage) -> None:
    etree.SubElement(head, _q("title")).text = page.page
    software = page.provenance.software
    for name, content in (
        ("ocr-system", f"broadsheet {software.get('broadsheet', 'unknown')}"),
        ("ocr-capabilities", CAPABILITIES),
        ("ocr-number-of-pages", "1"),
        ("broadsheet-pipeline", page.provenance.fingerprint),
        ("broadsheet-parameters", page.provenance.parameters),
        ("broadsheet-versions", page.provenance.versions),
        ("broadsheet-scan-sha256", page.sha256),
    ):
        etree.SubElement(head, _q("meta"), name=name, content=content)


def _part(parent: Any, tag: str, kind: str, name: str, title: str) -> Any:
    element = etree.SubElement(parent, _q(tag), id=name, title=title)
    element.set("class", kind)
    element.text = ""  # an empty element must not become <span/>, which HTML readers take for an opening tag
    return element


def _bbox(box: BoundingBox) -> str:
    return f"bbox {box.x_min} {box.y_min} {box.x_max} {box.y_max}"


def _points(points: Sequence[Point]) -> str:
    return " ".join(map(str, chain.from_iterable(points)))


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
