"""W3C annotations as a IIIF Presentation 3 annotation page: one annotation a box, its target a fragment of the canvas.

https://www.w3.org/TR/annotation-model, https://iiif.io/api/presentation/3.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from orchestrator.export.provenance import iso_moment
from orchestrator.results.pages import ArchivedPage
from workers.errors import UnreadableInput
from workers.layout import BoundingBox
from workers.sources.escape import unescaped

CONTEXTS = ["http://www.w3.org/ns/anno.jsonld", "http://iiif.io/api/presentation/3/context.json"]
DEFAULT_CANVAS = "urn:sha256:{sha256}"


def annotation_page(page: ArchivedPage, canvas: str, address: str | None = None) -> bytes:
    """Return the annotation page of a page.

    `canvas` is the address of its canvas, `address` its own; without, it gets one below the canvas. Without recognised
    text a line supplements nothing: it is a tag like the other boxes, and viewers list them all.
    """
    base = address or f"{canvas}/annotations/{page.provenance.fingerprint}"
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
                "id": f"{base}#{kind}-{number}" if address else f"{base}/{kind}/{number}",
                "type": "Annotation",
                "motivation": "tagging",
                "generator": generator,
                "body": {"type": "TextualBody", "purpose": "tagging", "format": "text/plain", "value": value},
                "target": {"type": "SpecificResource", "source": canvas, "selector": _selector(box)},
            }
            for kind, number, value, box in _boxes(page)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def filled_in(template: str, page: Mapping[str, Any]) -> str:
    """Return an address with {volume}, {page}, {page_number} and {sha256} replaced, names spelled as in addresses."""
    names = {name: quote(_real_name(page[name]), safe="") for name in ("volume", "page")}
    return template.format(**names, page_number=page["page_number"], sha256=page["sha256"])


def _real_name(name: str) -> bytes:
    try:
        return os.fsencode(unescaped(name))
    except UnicodeEncodeError:  # a name in an archive that no file can have
        return name.encode()


def refuse_bad_template(option: str, template: str) -> None:
    """Refuse the template of an address before the first file is written.

    Raises:
        UnreadableInput: it makes no sense.
    """
    try:
        template.format(volume="", page="", page_number=1, sha256="")
    except (KeyError, IndexError, ValueError) as error:
        known = "{volume}, {page}, {page_number} and {sha256}"
        raise UnreadableInput(f"{option} {template} can hold {known}, nothing else in braces.") from error


def _boxes(page: ArchivedPage) -> Iterator[tuple[str, int, str, BoundingBox]]:
    for number, line in enumerate(page.layout.lines, 1):
        yield "line", number, f"line {number}", line.bbox
    for number, separator in enumerate(page.layout.separators, 1):
        yield "separator", number, f"{separator.origin} separator", separator.bbox
    for number, picture in enumerate(page.layout.pictures, 1):
        yield "picture", number, "picture" if picture.kind == "other" else picture.kind, picture.bbox
    for number, face in enumerate(page.layout.faces, 1):
        yield "face", number, face.label, face.bbox


def _selector(box: BoundingBox) -> dict[str, Any]:
    fragment = f"xywh={box.x_min},{box.y_min},{box.width},{box.height}"
    return {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": fragment}


def _pair(label: str, value: str) -> dict[str, Any]:
    return {"label": {"en": [label]}, "value": {"none": [value]}}
