"""Reads IIIF manifests and collections, versions 2 and 3: a JSON object in, pages and references out. Pure.

IIIF Presentation API 2.1 and 3.0, https://iiif.io/api/presentation. Hosts are generous with the standard; what is
missing or of another kind than it should be is left out, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urldefrag

from workers.sources.iiif.image import CanvasImage, Place, service_version, size_of
from workers.sources.stores.location import web_url

Json = Mapping[str, Any]

_XYWH = re.compile(r"xywh=(?:pixel:)?(\d+(?:\.\d+)?),(\d+(?:\.\d+)?),(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)")
_FULL_IMAGE = re.compile(r"^(https?://.+)/full/[^/]+/[^/]+/(?:default|native|color|gray)\.\w+$")
_ZIP = ("application/zip", "application/x-zip-compressed", "application/x-zip")


@dataclass(frozen=True, slots=True)
class Canvas:
    """A canvas in its place: `number` counts from 1; `image` is None where it shows none, `label` as it is told."""

    id: str
    number: int
    label: str
    image: CanvasImage | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A book, an issue, a volume: its canvases in order, and what is said of it.

    `told` is what its metadata say, `(label, value)`; `part_of` the id and label of what it belongs to; `archives` the
    URLs of ZIPs in which the host offers it.
    """

    id: str
    label: str
    canvases: tuple[Canvas, ...]
    nav_date: str = ""
    told: tuple[tuple[str, str], ...] = ()
    rights: str = ""
    part_of: tuple[str, str] = ("", "")
    homepage: str = ""
    archives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest or collection that a collection names; `embedded` where it stands in it whole."""

    id: str
    label: str
    embedded: Json | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection, or one page of it; `next_page` is where it goes on, empty at the end."""

    id: str
    label: str
    members: tuple[Reference, ...]
    next_page: str = ""


def read(document: object) -> Manifest | Collection | None:
    """Return the manifest or collection in a JSON document; None where it is neither."""
    if not isinstance(document, Mapping):
        return None
    kind = _kind(document)
    if kind == "manifest" or (not kind and ("sequences" in document)):
        return read_manifest(document)
    names = ("manifests", "collections", "members", "first", "orderedItems")
    if "collection" in kind or (not kind and any(name in document for name in names)):
        return read_collection(document)
    return None


def read_collection(document: Json) -> Collection:
    """Return a collection or one of its pages, its members in order."""
    # `first` is where a paged collection begins; some hosts give the first members with it as well
    named = [
        one for name in ("items", "orderedItems", "members", "collections", "manifests") for one in _all(document, name)
    ]
    members = tuple(_reference(one) for one in named if _id(one))
    following = _id(document.get("next")) or ("" if members else _id(document.get("first")))
    first = document.get("first")
    if not members and isinstance(first, Mapping) and _all(first, "items", "orderedItems", "members", "manifests"):
        inner = read_collection(first)
        members, following = inner.members, inner.next_page
    return Collection(_id(document), text_of(document.get("label")), members, following)


def _reference(one: Any) -> Reference:
    if not isinstance(one, Mapping):
        return Reference(_id(one), "")
    whole = bool(one.get("sequences") or (_kind(one) == "manifest" and one.get("items")) or _holds_members(one))
    return Reference(_id(one), text_of(one.get("label")), one if whole else None)


def _holds_members(one: Json) -> bool:
    return _kind(one) == "collection" and any(_all(one, name) for name in ("items", "members", "manifests"))


def read_manifest(document: Json) -> Manifest:
    """Return a manifest with its canvases in order."""
    described = [one for one in _all(document, "metadata") if isinstance(one, Mapping)]
    told = tuple((text_of(one.get("label")), text_of(one.get("value"))) for one in described)
    part_of = next(iter(_all(document, "partOf", "within")), None)
    required = document.get("requiredStatement")
    credit = required.get("value") if isinstance(required, Mapping) else document.get("attribution")
    rights = text_of(document.get("rights") or document.get("license")) or text_of(credit)
    return Manifest(
        _id(document),
        text_of(document.get("label")),
        tuple(_canvas(one, number) for number, one in enumerate(_canvases(document), start=1)),
        text_of(document.get("navDate")),
        tuple((label, value) for label, value in told if label and value),
        rights,
        (_id(part_of), text_of(part_of.get("label")) if isinstance(part_of, Mapping) else ""),
        next((_id(one) for one in _all(document, "homepage", "related") if _id(one).startswith("http")), ""),
        tuple(_archives(document)),
    )


def _canvases(document: Json) -> Sequence[Any]:
    if "sequences" in document:
        # the first sequence is the one to be shown
        first = next((one for one in _all(document, "sequences") if isinstance(one, Mapping)), {})
        return _all(first, "canvases")
    return [one for one in _all(document, "items") if _kind(one) in ("canvas", "")]


def _archives(document: Json) -> Iterator[str]:
    sequence = next((one for one in _all(document, "sequences") if isinstance(one, Mapping)), {})
    for holder in (document, sequence):
        for offer in _all(holder, "rendering", "seeAlso"):
            if isinstance(offer, Mapping) and str(offer.get("format", "")).lower() in _ZIP and web_url(_id(offer)):
                yield web_url(_id(offer))


def _canvas(canvas: Any, number: int) -> Canvas:
    if not isinstance(canvas, Mapping):
        return Canvas(_id(canvas), number, "", None)
    size = size_of(canvas)
    found = [replace(image, canvas=size) for image in _painted(canvas)]
    # the picture of the page, not a detail that is laid on it
    image = max(found, key=lambda one: _area(one.place), default=None)
    return Canvas(_id(canvas), number, text_of(canvas.get("label")), image)


def _area(place: Place | None) -> float:
    return float("inf") if place is None else place[2] * place[3]


def _painted(canvas: Json) -> Iterator[CanvasImage]:
    annotations = [one for page in _all(canvas, "items") if isinstance(page, Mapping) for one in _all(page, "items")]
    for one in (*annotations, *_all(canvas, "images")):
        if isinstance(one, Mapping):
            place = _place(one.get("target") or one.get("on"))
            body = _shown(one.get("body") or one.get("resource"))
            image = None if body is None else _image(*body)
            if image is not None:
                yield replace(image, place=place)


def _place(target: Any) -> Place | None:
    selector = target.get("selector") if isinstance(target, Mapping) else None
    text = f"{_id(target)} {selector.get('value', '') if isinstance(selector, Mapping) else ''}"
    found = _XYWH.search(text)
    x, y, width, height = (int(float(part)) for part in found.groups()) if found else (0, 0, 0, 0)
    return (x, y, width, height) if width and height else None


def _shown(body: Any) -> tuple[Json, str] | None:
    """Return the picture of an annotation's body and the region of it that is painted: of a choice the first."""
    region = "full"
    for _ in range(8):  # a choice of a choice of a part of a picture; no deeper
        if isinstance(body, list):
            body = next((one for one in body if isinstance(one, Mapping)), None)
        if not isinstance(body, Mapping):
            return ({"id": body}, region) if isinstance(body, str) and body else None
        kind = _kind(body)
        if kind == "choice":
            body = body.get("items") or body.get("default") or body.get("item")
        elif kind == "specificresource":
            selector = body.get("selector")
            region = str(selector.get("region") or region) if isinstance(selector, Mapping) else region
            body = body.get("source") or body.get("full")
        else:
            return body, region
    return None


def _image(body: Json, region: str) -> CanvasImage | None:
    if _kind(body) not in ("image", ""):
        return None  # sound, film, text
    url = urldefrag(web_url(_id(body))).url
    services = [one for one in _all(body, "service", "services") if _is_image_service(one)]
    best = max(services, key=service_version, default=None)
    if best is not None:
        return CanvasImage(web_url(_id(best)).rstrip("/"), service_version(best), url, region=region)
    if whole := _FULL_IMAGE.match(url):  # a service that the manifest forgot to name
        return CanvasImage(whole[1], 0, url, region=region)
    return CanvasImage(url=url) if url else None


def _is_image_service(service: Any) -> bool:
    if not isinstance(service, Mapping) or not web_url(_id(service)):
        return False
    said = " ".join(str(service.get(name, "")) for name in ("type", "@type", "profile", "@context"))
    is_other = any(word in said.lower() for word in ("/auth/", "/search/", "authcookie", "searchservice", "geo"))
    return not is_other


def text_of(value: Any) -> str:
    """Return a label as plain text: a string, a list, a language map, `@value`; of several values all, by `; `."""
    if isinstance(value, str | int | float):
        return str(value).strip()
    if isinstance(value, list):
        parts = list(dict.fromkeys(text for one in _of_one_language(value) if (text := text_of(one))))
        return "; ".join(parts)
    if not isinstance(value, Mapping):
        return ""
    if "@value" in value or "@id" in value or "id" in value:
        return text_of(value.get("@value")) or _id(value)
    languages = [name for name in ("none", "@none", "en") if name in value] or list(value)
    return next((text for name in languages if (text := text_of(value[name]))), "")


def _of_one_language(values: list[Any]) -> list[Any]:
    """Return of the same text in several languages the English, or the first."""
    told = [one.get("@language") for one in values if isinstance(one, Mapping) and "@value" in one]
    if len(told) < len(values) or len(set(told)) < 2:
        return values
    chosen = "en" if "en" in told else told[0]
    return [one for one in values if one.get("@language") == chosen]


def _all(holder: Any, *names: str) -> list[Any]:
    """Return the values of the first of these names that has some; one value is a list of one."""
    for name in names:
        value = holder.get(name) if isinstance(holder, Mapping) else None
        if value:
            return value if isinstance(value, list) else [value]
    return []


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if not isinstance(value, Mapping):
        return _id(value[0]) if isinstance(value, list) and value else ""
    return str(value.get("id") or value.get("@id") or "").strip()


def _kind(value: Any) -> str:
    """Return the type in one spelling for both versions: `sc:Manifest` and `Manifest` are `manifest`."""
    kind = (value.get("type") or value.get("@type") or "") if isinstance(value, Mapping) else ""
    kind = kind[0] if isinstance(kind, list) and kind else kind
    return str(kind).rpartition(":")[2].lower().removesuffix("page").removeprefix("ordered")
