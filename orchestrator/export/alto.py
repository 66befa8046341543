"""ALTO 4.4: text lines in blocks, pictures as illustrations, separators and faces as graphical elements.

Library of Congress, https://www.loc.gov/standards/alto. Without recognised text each line holds one empty string.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree
from lxml.builder import ElementMaker

from orchestrator.export.provenance import iso_moment
from orchestrator.export.xml import document, flat_points
from orchestrator.results.pages import ArchivedPage
from workers.layout import BoundingBox, Picture, Point, TextLine, corners
from workers.stages.segmentation.blocks import TextBlock, text_blocks

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_E = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})


def alto(page: ArchivedPage, image: str) -> bytes:
    """Return the ALTO document of a page; `image` is the file name it gives for the scan."""
    labels = sorted({face.label for face in page.layout.faces})
    tags = [_E.Tags(*(_E.LayoutTag(ID=f"tag_{label}", LABEL=label) for label in labels))] if labels else []
    root = _E.alto(
        {_INSTANCE: f"{NAMESPACE} {SCHEMA}"},
        _description(page, image),
        *tags,
        *_reading_order(len(page.layout.lines)),
        _E.Layout(_sheet(page)),
    )
    return document(root)


def _description(page: ArchivedPage, image: str) -> etree._Element:
    software = page.provenance.software
    versions = ", ".join(f"{name} {value}" for name, value in sorted(software.items()))
    return _E.Description(
        _E.MeasurementUnit("pixel"),
        _E.sourceImageInformation(_E.fileName(image), _E.fileIdentifier(f"urn:sha256:{page.sha256}")),
        _E.Processing(
            {"ID": "layout"},
            _E.processingCategory("contentGeneration"),
            _E.processingDateTime(iso_moment(page.finished_at)),
            _E.processingStepDescription(f"layout analysis, pipeline {page.provenance.fingerprint}"),
            _E.processingStepSettings(page.provenance.parameters),
            _E.processingSoftware(
                _E.softwareName("broadsheet"),
                _E.softwareVersion(software.get("broadsheet", "unknown")),
                _E.applicationDescription(versions),
            ),
        ),
    )


def _reading_order(lines: int) -> list[etree._Element]:
    if not lines:
        return []
    refs = (_E.ElementRef(ID=f"order_{number}", REF=f"line_{number}") for number in range(1, lines + 1))
    return [_E.ReadingOrder(_E.OrderedGroup({"ID": "reading_order"}, *refs))]


def _sheet(page: ArchivedPage) -> etree._Element:
    found = page.layout
    size = {"WIDTH": str(found.width), "HEIGHT": str(found.height)}
    # ALTO counts counter-clockwise
    turn = {"ROTATION": f"{-found.skew_degrees:.3f}"} if found.skew_degrees else {}
    return _E.Page(
        {"ID": "page", "PHYSICAL_IMG_NR": str(page.page_number)} | size | turn,
        _E.PrintSpace(
            {"HPOS": "0", "VPOS": "0"} | size,
            *(_block(number, block) for number, block in enumerate(text_blocks(found), 1)),
            *(
                _E.GraphicalElement({"ID": f"separator_{number}"} | _place(separator.bbox))
                for number, separator in enumerate(found.separators, 1)
            ),
            *(_picture(number, picture) for number, picture in enumerate(found.pictures, 1)),
            *(
                _E.GraphicalElement({"ID": f"face_{number}", "TAGREFS": f"tag_{face.label}"} | _place(face.bbox))
                for number, face in enumerate(found.faces, 1)
            ),
        ),
    )


def _block(number: int, block: TextBlock) -> etree._Element:
    lines = (_line(order, line) for order, line in enumerate(block.lines, block.first))
    return _E.TextBlock({"ID": f"block_{number}"} | _place(block.bbox), *lines)


def _line(order: int, line: TextLine) -> etree._Element:
    baseline = {"BASELINE": flat_points(line.baseline)} if line.baseline else {}
    outline = _outline(line.boundary or corners(line.bbox))  # OCR programs want one, if only the box
    return _E.TextLine({"ID": f"line_{order}"} | _place(line.bbox) | baseline, outline, _E.String(CONTENT=""))


def _picture(number: int, picture: Picture) -> etree._Element:
    about = {"ID": f"picture_{number}", "TYPE": picture.kind} | _place(picture.bbox)
    return _E.Illustration(about, _outline(picture.outline))


def _outline(points: Sequence[Point]) -> etree._Element:
    return _E.Shape(_E.Polygon(POINTS=flat_points(points)))


def _place(box: BoundingBox) -> dict[str, str]:
    return {"HPOS": str(box.x_min), "VPOS": str(box.y_min), "WIDTH": str(box.width), "HEIGHT": str(box.height)}
