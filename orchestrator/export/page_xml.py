"""PAGE XML 2019-07-15: text regions with lines, separator regions, pictures as image regions, faces as custom ones.

PRImA Research Lab, https://github.com/PRImA-Research-Lab/PAGE-XML.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from orchestrator.export.provenance import iso_moment
from orchestrator.export.xml import document
from orchestrator.results.pages import ArchivedPage
from workers.layout import Point, TextLine, corners
from workers.stages.segmentation.blocks import TextBlock, text_blocks

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_E = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})

# what PAGE calls a region whose lines are all of one kind
_REGIONS = {"body": "paragraph", "headline": "heading", "drop_capital": "drop-capital"}


def page_xml(page: ArchivedPage, image: str) -> bytes:
    """Return the PAGE document of a page; `image` is the file name it gives for the scan."""
    found = page.layout
    size = {"imageWidth": str(found.width), "imageHeight": str(found.height)}
    # PAGE wants the clockwise turn that undoes the skew
    about = {"imageFilename": image, "orientation": f"{-found.skew_degrees:.3f}"} | size
    schema = {_INSTANCE: f"{NAMESPACE} {NAMESPACE}/pagecontent.xsd"}
    return document(_E.PcGts(schema, _metadata(page), _E.Page(about, *_regions(page))))


def _metadata(page: ArchivedPage) -> etree._Element:
    software = page.provenance.software
    moment = iso_moment(page.finished_at)
    labels = [
        *_flat(json.loads(page.provenance.parameters), "parameter"),
        *(("version." + name, version) for name, version in sorted(software.items())),
        ("scan.sha256", page.sha256),
    ]
    step = {"type": "processingStep", "name": "layout analysis", "value": page.provenance.fingerprint}
    return _E.Metadata(
        _E.Creator(f"broadsheet {software.get('broadsheet', 'unknown')}"),
        _E.Created(moment),
        _E.LastChange(moment),
        _E.MetadataItem(
            step,
            _E.Labels({"externalModel": "broadsheet"}, *(_E.Label(type=kind, value=value) for kind, value in labels)),
        ),
    )


def _flat(values: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{where}.{name}")
        else:
            yield f"{where}.{name}", json.dumps(value)


def _regions(page: ArchivedPage) -> Iterator[etree._Element]:
    blocks = text_blocks(page.layout)
    if blocks:
        refs = (_E.RegionRefIndexed(index=str(n), regionRef=f"block_{n + 1}") for n in range(len(blocks)))
        yield _E.ReadingOrder(_E.OrderedGroup({"id": "reading_order"}, *refs))
    for number, block in enumerate(blocks, 1):
        yield _text_region(number, block)
    for number, separator in enumerate(page.layout.separators, 1):
        about = {"id": f"separator_{number}", "custom": f"origin {{type:{separator.origin};}}"}
        yield _E.SeparatorRegion(about, _coords(corners(separator.bbox)))
    for number, picture in enumerate(page.layout.pictures, 1):
        about = {"id": f"picture_{number}", "custom": f"structure {{type:{picture.kind};}}"}
        yield _E.ImageRegion(about, _coords(picture.outline))
    for number, face in enumerate(page.layout.faces, 1):
        about = {"id": f"face_{number}", "custom": f"structure {{type:{face.label};}}", "type": face.label}
        yield _E.CustomRegion(about, _coords(corners(face.bbox), face.confidence))


def _text_region(number: int, block: TextBlock) -> etree._Element:
    lines = (_line(order, line) for order, line in enumerate(block.lines, block.first))
    about = {"id": f"block_{number}", "custom": f"structure {{column:{block.column};}}"}
    kinds = {line.kind for line in block.lines}
    if len(kinds) == 1 and (kind := _REGIONS.get(kinds.pop())):
        about["type"] = kind
    return _E.TextRegion(about, _coords(corners(block.bbox)), *lines)


def _line(order: int, line: TextLine) -> etree._Element:
    outline = _coords(line.boundary or corners(line.bbox), line.confidence)
    baseline = [_E.Baseline(points=_points(line.baseline))] if line.baseline else []
    return _E.TextLine({"id": f"line_{order}"}, outline, *baseline)


def _coords(outline: Sequence[Point], confidence: float | None = None) -> etree._Element:
    sure = {} if confidence is None else {"conf": f"{min(confidence, 1.0):.3f}"}
    return _E.Coords({"points": _points(outline)} | sure)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
