"""A IIIF Presentation 3 manifest: a volume as canvases with their pictures, and links to their annotation pages.

https://iiif.io/api/presentation/3.0. Pure: rows and addresses in, a document for JSON out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
# columns of page_metadata, and what people call them
_OF_VOLUMES = {
    "title": "Title", "title_id": "Identifier", "place": "Place", "language": "Language", "frequency": "Frequency",
    "batch": "Batch", "reel": "Reel",
}  # fmt: skip
_OF_PAGES = {
    "title": "Title", "date_issued": "Date", "issue": "Issue", "edition": "Edition", "section": "Section",
    "sequence": "Page of its issue", "page_label": "Page number",
}  # fmt: skip
_LICENCES = re.compile(r"https?://(creativecommons\.org|rightsstatements\.org)/\S+")
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")

# a page by the columns of page_status and page_metadata, as `canvas_rows` gives it
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things are on the web: the manifest, and of each page its canvas, its annotation page and its picture.

    `picture` returns what `static_picture` or `served_picture` make.
    """

    manifest: str
    canvas: Callable[[Row], str]
    annotations: Callable[[Row], str]
    picture: Callable[[Row], dict[str, Any]]


def manifest(volume: str, rows: Sequence[Row], addresses: Addresses) -> dict[str, Any]:
    """Return the manifest of a volume whose pages are `rows`, in their order; a manifest has one canvas at least."""
    common = {name: value for name, value in rows[0].items() if all(row[name] == value for row in rows)}
    label = " ".join(str(common[name]) for name in ("title", "date_issued") if common.get(name))
    document = {
        "@context": CONTEXT,
        "id": addresses.manifest,
        "type": "Manifest",
        "label": {"none": [label or volume]},
        "metadata": [*_pairs(common, _OF_VOLUMES), _pair("Volume", volume)],
        **_nav_date(common.get("date_issued")),
        **_rights(common.get("rights")),
        "items": [_canvas(row, common, addresses) for row in rows],
    }
    ranges = _issues(rows, addresses)
    return document | ({"structures": ranges} if ranges else {})


def static_picture(address: str, row: Row) -> dict[str, Any]:
    """Return a picture that is one JPEG file, as large as the page."""
    size = {"width": row["width"], "height": row["height"]}
    return {"id": address, "type": "Image", "format": "image/jpeg"} | size


def served_picture(address: str, row: Row, profile: str = "level1") -> dict[str, Any]:
    """Return a picture that a IIIF image service gives in parts; `address` is the service, without info.json."""
    service = {"id": address, "type": "ImageService3", "profile": profile}
    return static_picture(f"{address}/full/max/0/default.jpg", row) | {"service": [service]}


def _canvas(row: Row, common: Row, addresses: Addresses) -> dict[str, Any]:
    address = addresses.canvas(row)
    own = {name: value for name, value in row.items() if name not in common}
    painting = {
        "id": f"{address}/painting",
        "type": "Annotation",
        "motivation": "painting",
        "body": addresses.picture(row),
        "target": address,
    }
    homepage = {"type": "Text", "format": "text/html", "label": {"en": ["Source"]}}
    return {
        "id": address,
        "type": "Canvas",
        "label": {"none": [str(row.get("page_label") or row["page"])]},
        "width": row["width"],
        "height": row["height"],
        "metadata": [*_pairs(row, _OF_PAGES), _pair("Scan", row["page"])],
        **_nav_date(own.get("date_issued")),
        **_rights(own.get("rights")),
        **({"homepage": [{"id": row["source_url"]} | homepage]} if _is_web(row.get("source_url")) else {}),
        "items": [{"id": f"{address}/pictures", "type": "AnnotationPage", "items": [painting]}],
        "annotations": [{"id": addresses.annotations(row), "type": "AnnotationPage"}],
    }


def _issues(rows: Sequence[Row], addresses: Addresses) -> list[dict[str, Any]]:
    """Return a range for each issue, where a volume has several."""
    found = [(issue, list(pages)) for issue, pages in groupby(rows, _issue) if issue]
    if len(found) < 2:
        return []
    return [
        {
            "id": f"{addresses.manifest}#issue-{number}",
            "type": "Range",
            "label": {"none": [" ".join(issue)]},
            "items": [{"id": addresses.canvas(row), "type": "Canvas"} for row in pages],
        }
        for number, (issue, pages) in enumerate(found, 1)
    ]


def _issue(row: Row) -> tuple[str, ...]:
    named = (("title", "{}"), ("date_issued", "{}"), ("issue", "no. {}"), ("edition", "edition {}"))
    said = tuple(text.format(row[name]) for name, text in named if row.get(name))
    return said if row.get("date_issued") or row.get("issue") else ()


def _pairs(row: Row, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_pair(label, row[name]) for name, label in labels.items() if row.get(name)]


def _pair(label: str, value: object) -> dict[str, Any]:
    return {"label": {"en": [label]}, "value": {"none": [str(value)]}}


def _nav_date(date: str | None) -> dict[str, str]:
    """Return the moment by which viewers sort: the first of a month or year where no day is known."""
    known = _DATE.fullmatch(date or "")
    return {"navDate": "{}-{}-{}T00:00:00Z".format(*known.groups("01"))} if known else {}


def _rights(rights: str | None) -> dict[str, Any]:
    """Return the licence where it is an address that IIIF allows, else the words as a statement that must be shown."""
    if not rights:
        return {}
    return {"rights": rights} if _LICENCES.fullmatch(rights) else {"requiredStatement": _pair("Rights", rights)}


def _is_web(address: str | None) -> bool:
    return (address or "").startswith(("http://", "https://"))
