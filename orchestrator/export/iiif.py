"""W3C annotations as a IIIF Presentation 3 annotation page: one annotation a box, its target a fragment of the canvas.

https://www.w3.org/TR/annotation-model, https://iiif.io/api/presentation/3.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orchestrator.export.provenance import iso_moment
from orchestrator.results.pages import ArchivedPage
from workers.layout import BoundingBox

CONTEXTS = ["http://www.w3.org/ns/anno.jsonld", "http://iiif.io/api/presentation/3/context.json"]
DEFAULT_CANVAS = "urn:sha256:{sha256}"


def annotation_page(page: ArchivedPage, canvas: str = DEFAULT_CANVAS) -> bytes:
    """Return the annotation page of a page.

    `canvas` is the address of its canvas, in which {volume}, {page}, {page_number} and {sha256} are replaced.
    """
    address = canvas_address(canvas, page)
    base = f"{address}/annotations/{page.provenance.fingerprint}"
    generator = {
        "id": f"urn:broadsheet:pipeline:{page.provenance.fingerprint}",
        "type": "Software",
        "name": f"broadsheet {page.provenance.software.get('broadsheet', 'unknown')}",
    }
    document = {
        "@context": CONTEXTS,
        "id": base,
        "type": "AnnotationPage",
        "label": {"none": [page.page]},
        "metadata": [
            _pair("pipeline", page.provenance.fingerprint),
            _pair("parameters", page.provenance.parameters),
            _pair("versions", page.provenance.versions),
            _pair("generated", iso_moment(page.finished_at)),
        ],
        "items": [
            {
                "id": f"{base}/{kind}/{number}",
                "type": "Annotation",
                "motivation": "supplementing" if kind == "line" else "tagging",
                "generator": generator,
                "body": {"type": "TextualBody", "purpose": "tagging", "format": "text/plain", "value": value},
                "target": {"type": "SpecificResource", "source": address, "selector": _selector(box)},
            }
            for kind, number, value, box in _boxes(page)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def canvas_address(canvas: str, page: ArchivedPage) -> str:
    """Return the address of a page's canvas."""
    values = {"volume": page.volume, "page": page.page, "page_number": page.page_number, "sha256": page.sha256}
    return canvas.format(**values)


def _boxes(page: ArchivedPage) -> Iterator[tuple[str, int, str, BoundingBox]]:
    for number, line in enumerate(page.layout.lines, 1):
        yield "line", number, f"line {number}", line.bbox
    for number, separator in enumerate(page.layout.separators, 1):
        yield "separator", number, f"{separator.origin} separator", separator.bbox
    for number, face in enumerate(page.layout.faces, 1):
        yield "face", number, face.label, face.bbox


def _selector(box: BoundingBox) -> dict[str, Any]:
    fragment = f"xywh={box.x_min},{box.y_min},{box.width},{box.height}"
    return {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": fragment}


def _pair(label: str, value: str) -> dict[str, Any]:
    return {"label": {"en": [label]}, "value": {"none": [value]}}
