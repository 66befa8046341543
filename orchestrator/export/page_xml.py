"""PAGE XML 2019-07-15: text regions with lines, separator regions, pictures as image regions, faces as custom ones.

PRImA Research Lab, https://github.com/PRImA-Research-Lab/PAGE-XML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from orchestrator.export.provenance import iso_moment
from orchestrator.results.pages import ArchivedPage
from workers.layout import Point, TextLine, corners
from workers.stages.segmentation.blocks import text_blocks

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


def page_xml(page: ArchivedPage, image: str) -> bytes:
    """Return the PAGE document of a page; `image` is the file name it gives for the scan."""
    root = etree.Element(_q("PcGts"), nsmap={None: NAMESPACE})
    root.set(_INSTANCE, f"{NAMESPACE} {NAMESPACE}/pagecontent.xsd")
    _describe(etree.SubElement(root, _q("Metadata")), page)
    size = {"imageWidth": str(page.layout.width), "imageHeight": str(page.layout.height)}
    # PAGE wants the clockwise turn that undoes the skew
    turn = f"{-page.layout.skew_degrees:.3f}"
    sheet = etree.SubElement(root, _q("Page"), imageFilename=image, orientation=turn, **size)
    _lay_out(sheet, page)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return document


def _describe(metadata: Any, page: ArchivedPage) -> None:
    software = page.provenance.software
    _text(metadata, "Creator", f"broadsheet {software.get('broadsheet', 'unknown')}")
    _text(metadata, "Created", iso_moment(page.finished_at))
    _text(metadata, "LastChange", iso_moment(page.finished_at))
    item = etree.SubElement(
        metadata, _q("MetadataItem"), type="processingStep", name="layout analysis", value=page.provenance.fingerprint
    )
    labels = etree.SubElement(item, _q("Labels"), externalModel="broadsheet")
    parameters = _flat(json.loads(page.provenance.parameters), "parameter")
    for kind, value in (*parameters, *(("version." + name, version) for name, version in sorted(software.items()))):
        etree.SubElement(labels, _q("Label"), type=kind, value=value)
    etree.SubElement(labels, _q("Label"), type="scan.sha256", value=page.sha256)


def _flat(values: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{where}.{name}")
        else:
            yield f"{where}.{name}", json.dumps(value)


def _lay_out(sheet: Any, page: ArchivedPage) -> None:
    blocks = text_blocks(page.layout)
    if blocks:
        order = etree.SubElement(etree.SubElement(sheet, _q("ReadingOrder")), _q("OrderedGroup"), id="reading_order")
        for number in range(1, len(blocks) + 1):
            etree.SubElement(order, _q("RegionRefIndexed"), index=str(number - 1), regionRef=f"block_{number}")
    for number, block in enumerate(blocks, 1):
        custom = f"structure {{column:{block.column};}}"
        region = _region(sheet, "TextRegion", f"block_{number}", corners(block.bbox), custom)
        for place, line in enumerate(block.lines, block.first):
            _line(region, place, line)
    for number, separator in enumerate(page.layout.separators, 1):
        origin = f"origin {{type:{separator.origin};}}"
        _region(sheet, "SeparatorRegion", f"separator_{number}", corners(separator.bbox), origin)
    for number, picture in enumerate(page.layout.pictures, 1):
        _region(sheet, "ImageRegion", f"picture_{number}", picture.outline, f"structure {{type:{picture.kind};}}")
    for number, face in enumerate(page.layout.faces, 1):
        custom = f"structure {{type:{face.label};}} confidence {{value:{face.confidence:.3f};}}"
        _region(sheet, "CustomRegion", f"face_{number}", corners(face.bbox), custom).set("type", face.label)


def _region(sheet: Any, kind: str, name: str, outline: Sequence[Point], custom: str) -> Any:
    element = etree.SubElement(sheet, _q(kind), id=name, custom=custom)
    etree.SubElement(element, _q("Coords"), points=_points(outline))
    return element


def _line(region: Any, order: int, line: TextLine) -> None:
    element = etree.SubElement(region, _q("TextLine"), id=f"line_{order}")
    etree.SubElement(element, _q("Coords"), points=_points(line.boundary or corners(line.bbox)))
    if line.baseline:
        etree.SubElement(element, _q("Baseline"), points=_points(line.baseline))


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _text(parent: Any, name: str, text: str) -> None:
    etree.SubElement(parent, _q(name)).text = text


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
