"""ALTO 4.4: text lines in blocks, pictures as illustrations, separators and faces as graphical elements.

Library of Congress, https://www.loc.gov/standards/alto. Without recognised text each line holds one empty string.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from lxml import etree

from orchestrator.export.provenance import iso_moment
from orchestrator.results.pages import ArchivedPage
from workers.layout import BoundingBox, Point, TextLine, corners
from workers.stages.segmentation.blocks import text_blocks

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


def alto(page: ArchivedPage, image: str) -> bytes:
    """Return the ALTO document of a page; `image` is the file name it gives for the scan."""
    root = etree.Element(_q("alto"), nsmap={None: NAMESPACE})
    root.set(_INSTANCE, f"{NAMESPACE} {SCHEMA}")
    _describe(etree.SubElement(root, _q("Description")), page, image)
    tags = etree.SubElement(root, _q("Tags"))
    for label in sorted({face.label for face in page.layout.faces}):
        etree.SubElement(tags, _q("LayoutTag"), ID=f"tag_{label}", LABEL=label)
    if page.layout.lines:
        order = etree.SubElement(etree.SubElement(root, _q("ReadingOrder")), _q("OrderedGroup"), ID="reading_order")
        for number in range(1, len(page.layout.lines) + 1):
            etree.SubElement(order, _q("ElementRef"), ID=f"order_{number}", REF=f"line_{number}")
    _lay_out(etree.SubElement(root, _q("Layout")), page)
    if not len(tags):
        root.remove(tags)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return document


def _describe(description: Any, page: ArchivedPage, image: str) -> None:
    _text(description, "MeasurementUnit", "pixel")
    source = etree.SubElement(description, _q("sourceImageInformation"))
    _text(source, "fileName", image)
    _text(source, "fileIdentifier", f"urn:sha256:{page.sha256}")
    software = page.provenance.software
    step = etree.SubElement(description, _q("Processing"), ID="layout")
    _text(step, "processingCategory", "contentGeneration")
    _text(step, "processingDateTime", iso_moment(page.finished_at))
    _text(step, "processingStepDescription", f"layout analysis, pipeline {page.provenance.fingerprint}")
    _text(step, "processingStepSettings", page.provenance.parameters)
    made_by = etree.SubElement(step, _q("processingSoftware"))
    _text(made_by, "softwareName", "broadsheet")
    _text(made_by, "softwareVersion", software.get("broadsheet", "unknown"))
    _text(made_by, "applicationDescription", ", ".join(f"{name} {value}" for name, value in sorted(software.items())))


def _lay_out(layout: Any, page: ArchivedPage) -> None:
    size = {"WIDTH": str(page.layout.width), "HEIGHT": str(page.layout.height)}
    sheet = etree.SubElement(layout, _q("Page"), ID="page", PHYSICAL_IMG_NR=str(page.page_number), **size)
    if page.layout.skew_degrees:
        sheet.set("ROTATION", f"{-page.layout.skew_degrees:.3f}")  # ALTO counts counter-clockwise
    space = etree.SubElement(sheet, _q("PrintSpace"), HPOS="0", VPOS="0", **size)
    for number, block in enumerate(text_blocks(page.layout), 1):
        element = etree.SubElement(space, _q("TextBlock"), ID=f"block_{number}", **_place(block.bbox))
        for order, line in enumerate(block.lines, block.first):
            _line(element, order, line)
    for number, separator in enumerate(page.layout.separators, 1):
        box = _place(separator.bbox)
        etree.SubElement(space, _q("GraphicalElement"), ID=f"separator_{number}", **box)
    for number, picture in enumerate(page.layout.pictures, 1):
        place = _place(picture.bbox)
        element = etree.SubElement(space, _q("Illustration"), ID=f"picture_{number}", TYPE=picture.kind, **place)
        _outline(element, picture.outline)
    for number, face in enumerate(page.layout.faces, 1):
        place = _place(face.bbox)
        etree.SubElement(space, _q("GraphicalElement"), ID=f"face_{number}", TAGREFS=f"tag_{face.label}", **place)


def _line(block: Any, order: int, line: TextLine) -> None:
    element = etree.SubElement(block, _q("TextLine"), ID=f"line_{order}", **_place(line.bbox))
    if line.baseline:
        element.set("BASELINE", _points(line.baseline))
    _outline(element, line.boundary or corners(line.bbox))  # OCR programs want an outline, if only the box
    etree.SubElement(element, _q("String"), CONTENT="")


def _outline(element: Any, points: Sequence[Point]) -> None:
    etree.SubElement(etree.SubElement(element, _q("Shape")), _q("Polygon"), POINTS=_points(points))


def _place(box: BoundingBox) -> dict[str, str]:
    return {"HPOS": str(box.x_min), "VPOS": str(box.y_min), "WIDTH": str(box.width), "HEIGHT": str(box.height)}


def _points(points: Sequence[Point]) -> str:
    return " ".join(map(str, chain.from_iterable(points)))


def _text(parent: Any, name: str, text: str) -> None:
    etree.SubElement(parent, _q(name)).text = text


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
