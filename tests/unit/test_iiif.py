"""IIIF manifests and collections, of both versions and as hosts really write them; and which picture is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.discovery.iiif.presentation import Canvas, Manifest, read, read_collection, read_manifest, text_of
from orchestrator.discovery.iiif.walk import FoundCanvas, Walk
from orchestrator.ingest.iiif_description import described_by
from tests.iiif_host import canvas_2, canvas_3, manifest_2, manifest_3
from workers.errors import MissingSource, PageError
from workers.sources.address import PageAddress
from workers.sources.iiif.image import CanvasImage, read_info, requests_for

HOST = "https://iiif.example"
ROOT = f"{HOST}/vol/manifest.json"


def walked(documents: dict[str, object], root: str = ROOT) -> tuple[list[FoundCanvas], list[str], list[str]]:
    """Return the pages, the names of what was passed over, and the notes; each document may be read once."""
    asked: list[str] = []
    skipped: list[str] = []
    notes: list[str] = []

    def fetch(url: str) -> object:
        assert url not in asked
        asked.append(url)
        if url not in documents:
            raise MissingSource(f"{url} is not there.")
        return documents[url]

    walk = Walk(root, fetch, lambda file: skipped.append(file.name), notes.append)
    return list(walk.pages()), skipped, notes


@pytest.mark.parametrize(("manifest", "canvas"), [(manifest_2, canvas_2), (manifest_3, canvas_3)])
def test_the_canvases_of_a_manifest_are_pages_in_order(manifest: Any, canvas: Any) -> None:
    document = manifest(ROOT, [canvas(HOST, f"p{number}", (3000, 4000)) for number in (10, 2, 1)])
    pages, skipped, notes = walked({ROOT: document})
    assert [page.address.name for page in pages] == ["canvas/p10", "canvas/p2", "canvas/p1"]
    image = pages[0].address.canvas
    assert image is not None and image.service == f"{HOST}/image/p10" and image.canvas == (3000, 4000)
    assert image.version == (2 if manifest is manifest_2 else 3)
    assert [page.canvas.number for page in pages if page.canvas] == [1, 2, 3] and not skipped and not notes


def test_an_address_survives_the_database() -> None:
    image = CanvasImage(f"{HOST}/image/p1", 3, "", (30, 40), (1, 2, 3, 4))
    address = PageAddress(("canvas/p1",), version="iiif:1", canvas=image)
    assert PageAddress.from_json(address.to_json()) == address


def test_a_picture_that_takes_the_place_of_another_is_a_new_page() -> None:
    before, after = (walked({ROOT: manifest_2(ROOT, [canvas_2(HOST, "p1", (3, size))])})[0][0] for size in (4, 5))
    assert before.address.name == after.address.name and before.address.version != after.address.version


@pytest.mark.parametrize(
    "body",
    [
        {"@id": f"{HOST}/p.jpg", "@type": "dctypes:Image"},
        {"@id": f"{HOST}/p.jpg", "format": "image/jpeg"},
        {"@type": "oa:Choice", "default": {"@id": f"{HOST}/p.jpg", "@type": "dctypes:Image"}, "item": [{"@id": "x"}]},
        {"type": "Choice", "items": [{"id": f"{HOST}/p.jpg", "type": "Image"}, {"id": "x", "type": "Image"}]},
        f"{HOST}/p.jpg",
        [
            {
                "id": f"{HOST}/p.jpg",
                "type": "Image",
                "service": {"@id": f"{HOST}/auth", "profile": "http://iiif.io/api/auth/1/login"},
            }
        ],
    ],
)
def test_a_picture_without_a_service_is_taken_as_it_is(body: object) -> None:
    canvas = {"@id": "c", "height": 4, "width": 3, "images": [{"resource": body}]}
    (found,) = read_manifest(manifest_2(ROOT, [canvas])).canvases
    assert found.image == CanvasImage(url=f"{HOST}/p.jpg", canvas=(3, 4))


def test_a_service_that_the_manifest_forgot_to_name_is_seen_in_the_pictures_address() -> None:
    canvas = {"@id": "c", "images": [{"resource": {"@id": f"{HOST}/iiif/p/full/!400,400/0/default.jpg"}}]}
    (found,) = read_manifest(manifest_2(ROOT, [canvas])).canvases
    assert found.image is not None and found.image.service == f"{HOST}/iiif/p" and found.image.canvas is None


def test_of_several_pictures_the_one_of_the_page_counts_with_its_place() -> None:
    def painted(name: str, on: str) -> dict[str, Any]:
        return {"resource": {"@id": f"{HOST}/{name}.jpg", "@type": "dctypes:Image"}, "on": on}

    detail, most = painted("detail", "c#xywh=0,0,10,10"), painted("most", "c#xywh=5,6,80,90")
    canvas = {"@id": "c", "width": 100, "height": 100, "images": [detail, most]}
    image = read_manifest(manifest_2(ROOT, [canvas])).canvases[0].image
    assert image is not None and image.url.endswith("most.jpg") and image.place == (5, 6, 80, 90)
    canvas["images"] = [detail, most, painted("all", "c")]
    image = read_manifest(manifest_2(ROOT, [canvas])).canvases[0].image
    assert image is not None and image.url.endswith("all.jpg") and image.place is None


def test_a_part_of_a_picture_is_asked_for_as_a_part() -> None:
    body = {
        "type": "SpecificResource",
        "source": {"id": f"{HOST}/x", "type": "Image", "service": [{"id": f"{HOST}/i", "type": "ImageService3"}]},
        "selector": {"type": "ImageApiSelector", "region": "10,20,300,400"},
    }
    canvas = {
        "id": "c",
        "type": "Canvas",
        "items": [{"type": "AnnotationPage", "items": [{"type": "Annotation", "body": body}]}],
    }
    image = read_manifest(manifest_3(ROOT, [canvas])).canvases[0].image
    assert image is not None and image.region == "10,20,300,400"
    info = read_info(image.service, {"width": 3000, "height": 4000, "profile": "level2", "type": "ImageService3"})
    assert info is not None
    assert requests_for(info, image, 1e6)[0] == f"{HOST}/i/10,20,300,400/max/0/default.jpg"


def test_a_canvas_without_a_picture_is_told_and_the_rest_goes_on() -> None:
    sound = {
        "id": "c2",
        "type": "Canvas",
        "items": [{"type": "AnnotationPage", "items": [{"body": {"type": "Sound", "id": "s"}}]}],
    }
    document = manifest_3(ROOT, [canvas_3(HOST, "p1", (3, 4)), sound, {"id": "c3", "type": "Canvas"}, None, "c5"])
    pages, skipped, _ = walked({ROOT: document})
    assert len(pages) == 1 and len(skipped) == 4


@pytest.mark.parametrize("size", [(0, 0), (-3, 4), ("3000", "4000"), (None, 4), ("wide", "high"), (1e300, 1e300)])
def test_a_size_that_is_none_is_left_out(size: tuple[Any, Any]) -> None:
    image = read_manifest(manifest_2(ROOT, [canvas_2(HOST, "p", size)])).canvases[0].image
    assert image is not None and image.canvas == ((3000, 4000) if size == ("3000", "4000") else None)


def collection_2(url: str, **members: object) -> dict[str, object]:
    return {"@id": url, "@type": "sc:Collection", "label": "All", **members}


def test_collections_are_walked_in_order_nested_and_paged() -> None:
    def book(name: str) -> tuple[str, object]:
        url = f"{HOST}/c/{name}/manifest"
        return url, manifest_2(url, [canvas_2(HOST, name, (3, 4)) | {"@id": f"{HOST}/c/{name}/p1"}])

    books = dict(book(name) for name in ("a", "b", "d", "e"))
    top, inner, second = f"{HOST}/c/top", f"{HOST}/c/inner", f"{HOST}/c/top?page=2"
    documents = books | {
        top: collection_2(top, first=f"{top}?page=1", total=4),
        f"{top}?page=1": collection_2(
            f"{top}?page=1", members=[{"@id": f"{HOST}/c/a/manifest"}, {"@id": inner}], next=second
        ),
        inner: {"id": inner, "type": "Collection", "items": [{"id": f"{HOST}/c/b/manifest", "type": "Manifest"}]},
        second: collection_2(second, manifests=[f"{HOST}/c/d/manifest", {"@id": f"{HOST}/c/e/manifest"}]),
    }
    pages, _, notes = walked(documents, top)
    assert [page.address.name for page in pages] == ["a/p1", "b/p1", "d/p1", "e/p1"] and not notes


def test_manifests_that_stand_in_a_collection_are_not_asked_for() -> None:
    url = f"{HOST}/c/a/manifest"
    top = {"id": ROOT, "type": "Collection", "items": [manifest_3(url, [canvas_3(HOST, "p", (3, 4))])]}
    assert len(walked({ROOT: top})[0]) == 1


def test_loops_and_dead_manifests_are_told_and_the_rest_goes_on() -> None:
    good = f"{HOST}/good"
    top = collection_2(
        ROOT,
        members=[
            {"@id": ROOT},
            {"@id": f"{HOST}/dead"},
            {"@id": good},
            {"@id": good},
            {"@id": f"{HOST}/html"},
            {"@id": "urn:x"},
        ],
        next=ROOT,
    )
    documents = {ROOT: top, good: manifest_2(good, [canvas_2(HOST, "p", (3, 4))]), f"{HOST}/html": "<html>"}
    pages, _, notes = walked(documents)
    assert [page.error.code if page.error else "" for page in pages] == [
        "missing_source",
        "",
        "unreadable_image",
        "unreadable_image",
    ]
    assert len(notes) == 3


def test_pages_of_one_name_are_told_apart() -> None:
    twice = [canvas_2(HOST, "p", (3, 4)), canvas_2(HOST, "p", (3, 4)), canvas_2(HOST, "p", (3, 4)) | {"@id": ""}]
    names = [page.address.name for page in walked({ROOT: manifest_2(ROOT, twice)})[0]]
    assert names == ["canvas/p", "canvas/p (2)", "canvas-3"]


@pytest.mark.parametrize(
    "hostile", ["https://h/../../etc/passwd", "https://h/vol/../../x", "file:///etc/passwd", "../../x"]
)
def test_no_name_of_a_canvas_leads_out_of_a_folder(hostile: str) -> None:
    (page,) = walked({ROOT: manifest_2(ROOT, [canvas_2(HOST, "p", (3, 4)) | {"@id": hostile}])})[0]
    assert ".." not in page.address.name.split("/") and not page.address.name.startswith("/")


@pytest.mark.parametrize("broken", ["http://h:99999/p.jpg", "http://[h/p.jpg", "http://h:port/p.jpg", "http:///p.jpg"])
def test_broken_addresses_are_told_and_the_rest_goes_on(broken: str) -> None:
    picture = canvas_2(HOST, "p", (3, 4))
    plain = {"@id": broken, "images": [{"resource": broken}]}
    offered = manifest_2(ROOT, [plain, picture], rendering=[{"@id": broken, "format": "application/zip"}])
    pages, skipped = walked({ROOT: offered})[:2]
    assert [page.address.name for page in pages] == ["canvas/p"] and len(skipped) == 1


def test_a_password_in_an_address_of_a_manifest_is_not_kept() -> None:
    canvas = {"@id": "c", "images": [{"resource": "https://user:secret@h/p 1.jpg"}]}
    (found,) = read_manifest(manifest_2(ROOT, [canvas])).canvases
    assert found.image == CanvasImage(url="https://h/p%201.jpg")


def test_ten_thousand_canvases_are_ten_thousand_pages() -> None:
    canvases = [canvas_2(HOST, f"p{number}", (3, 4)) for number in range(10_000)]
    assert len(walked({ROOT: manifest_2(ROOT, canvases)})[0]) == 10_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ein Buch", "Ein Buch"),
        (["a", "b", "a"], "a; b"),
        ({"en": ["A book"], "de": ["Ein Buch"]}, "A book"),
        ({"none": ["p. 3"]}, "p. 3"),
        ({"@value": "Buch", "@language": "de"}, "Buch"),
        ([{"@value": "Buch", "@language": "de"}, {"@value": "Book", "@language": "en"}], "Book"),
        (7, "7"),
        (None, ""),
        ({}, ""),
        ([[]], ""),
    ],
)
def test_labels_are_read_in_every_form(value: object, text: str) -> None:
    assert text_of(value) == text


def described(**more: object) -> dict[str, object]:
    manifest = read_manifest(manifest_2(ROOT, [], **more))
    return dict(described_by(manifest, Canvas(f"{HOST}/vol/canvas/p1", 3, "p. 7", None)))


def test_what_a_manifest_says_describes_its_pages() -> None:
    told = [
        {"label": "Title", "value": "The <b>Daily</b> News"},
        {"label": [{"@value": "Sprache", "@language": "de"}], "value": ["English"]},
        {"label": "Place of publication:", "value": "London"},
    ]
    found = described(
        metadata=told, navDate="1898-11-10T00:00:00Z", license="http://creativecommons.org/publicdomain/mark/1.0/"
    )
    assert found == {
        "title": "The Daily News",
        "language": "English",
        "place": "London",
        "date_issued": "1898-11-10",
        "date_precision": "day",
        "sequence": 3,
        "page_label": "p. 7",
        "rights": "http://creativecommons.org/publicdomain/mark/1.0/",
        "source_url": f"{HOST}/vol/canvas/p1",
    }


def test_the_title_of_an_issue_is_that_of_what_it_belongs_to() -> None:
    found = described(within={"@id": f"{HOST}/title/1", "label": "National Tribune"}, attribution="A library")
    assert (
        found["title"] == "National Tribune"
        and found["title_id"] == f"{HOST}/title/1"
        and found["rights"] == "A library"
    )


@pytest.mark.parametrize(
    ("navigation", "told", "date"),
    [
        ("1890-01-01T00:00:00Z", "1890", "1890"),
        ("1890-01-01T00:00:00Z", "", "1890-01-01"),
        ("1890-01-01T00:00:00Z", "1890-01-01", "1890-01-01"),
        ("", "10 Nov. 1898", "1898"),
        ("", "Boston, 1898-11", "1898-11"),
        ("soon", "", None),
    ],
)
def test_a_date_is_as_precise_as_it_is_told(navigation: str, told: str, date: str | None) -> None:
    found = described(navDate=navigation, metadata=[{"label": "Date", "value": told}])
    assert found.get("date_issued") == date


INFO: dict[str, Any] = {"width": 6000, "height": 8000}
V2 = {"@context": "http://iiif.io/api/image/2/context.json", "profile": ["http://iiif.io/api/image/2/level1.json"]}
V3 = {"@context": "http://iiif.io/api/image/3/context.json", "type": "ImageService3", "profile": "level2"}
V1 = {
    "@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json",
    "profile": "http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level1",
}
SIZES = [{"width": 750, "height": 1000}, {"width": 3000, "height": 4000}, {"width": 1500, "height": 2000}]


def sizes_asked(pixels: float, **info: object) -> list[str]:
    found = read_info(f"{HOST}/i", INFO | info)
    assert found is not None
    return [url.split("/")[-3] for url in requests_for(found, CanvasImage(f"{HOST}/i"), pixels)]


@pytest.mark.parametrize(
    ("pixels", "info", "sizes"),
    [
        (12e6, V2, ["3000,", "full", "max"]),
        (12e6, V3, ["3000,4000", "max", "full"]),
        (12e6, V1, ["3000,", "full"]),
        (1e9, V2, ["full", "max"]),
        (1e9, V3, ["max", "full"]),
        (
            12e6,
            V2 | {"profile": ["http://iiif.io/api/image/2/level1.json", {"maxWidth": 1500}]},
            ["1125,", "max", "full"],
        ),
        (12e6, V3 | {"maxWidth": 1500}, ["1125,1500", "max", "full"]),
        (12e6, V3 | {"maxArea": 3_000_000}, ["1500,2000", "max", "full"]),
        (2e6, {"profile": "level0", "sizes": SIZES}, ["1500,2000", "full", "max"]),
        (12e6, {"profile": "level0", "sizes": SIZES}, ["3000,4000", "full", "max"]),
        (40e6, {"profile": "level0", "sizes": SIZES}, ["full", "max"]),
        (12e6, {"profile": "http://iiif.io/api/image/2/level0.json"}, ["full", "max"]),
    ],
)
def test_a_picture_is_asked_for_in_a_size_that_the_host_gives(
    pixels: float, info: dict[str, Any], sizes: list[str]
) -> None:
    assert sizes_asked(pixels, **info) == sizes


def test_what_is_no_info_is_none() -> None:
    assert read_info(f"{HOST}/i", {"width": "a"}) is None and read_info(f"{HOST}/i", {}) is None


KEYS = (
    "@id", "id", "@type", "type", "label", "items", "sequences", "canvases", "images", "resource", "body", "service",
    "members", "manifests", "first", "next", "metadata", "value", "width", "height", "rights", "within", "partOf",
    "rendering", "selector", "region", "profile", "sizes", "on", "target",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner
            | st.sampled_from(["sc:Manifest", "Collection", "Canvas", "Image", "Choice", "SpecificResource", HOST]),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_no_document_is_an_error_whatever_it_holds(document: object) -> None:
    for values in (document, {"type": "Manifest", "items": document}, {"type": "Collection", "items": document}):
        try:
            pages, _, _ = walked({ROOT: values})
        except PageError:
            continue
        for page in pages:
            if page.manifest and page.canvas:
                json.dumps(described_by(page.manifest, page.canvas))
            PageAddress.from_json(page.address.to_json())


@given(JSON)
def test_no_info_is_an_error_whatever_it_holds(values: object) -> None:
    info = read_info(HOST, values) if isinstance(values, dict) else None
    if info is not None:
        assert all(requests_for(info, CanvasImage(HOST), 1e6))


def test_a_collection_of_the_discovery_api_is_read() -> None:
    page = read_collection(
        {"type": "OrderedCollectionPage", "orderedItems": [{"id": "https://x/1"}], "next": {"id": "https://x/p2"}}
    )
    assert page.next_page == "https://x/p2" and page.members[0].id == "https://x/1"


def test_archives_that_a_host_offers_are_seen() -> None:
    offer = {"@id": f"{HOST}/vol.zip", "format": "application/zip"}
    manifest = read(manifest_2(ROOT, [], rendering=[{"@id": f"{HOST}/vol.pdf", "format": "application/pdf"}, offer]))
    assert isinstance(manifest, Manifest) and manifest.archives == (f"{HOST}/vol.zip",)


ZIP = {"@id": f"{HOST}/vol.zip", "format": "application/zip"}


@pytest.mark.parametrize(
    ("names", "members"),
    [
        (["p10.jpg", "p2.jpg", "readme.txt", "__MACOSX/._p2.jpg"], ["p2.jpg", "p10.jpg"]),
        (["p1.jpg"], ["", ""]),  # not these pictures
        (["p1.xml", "p2.xml"], ["", ""]),
        ([], ["", ""]),
    ],
)
def test_an_item_that_is_offered_as_a_zip_is_taken_from_there(names: list[str], members: list[str]) -> None:
    canvases = [canvas_2(HOST, "p1", (30, 40)), canvas_2(HOST, "p2", (50, 60))]
    plain, offered = manifest_2(ROOT, canvases), manifest_2(ROOT, canvases, rendering=[ZIP])
    walk = Walk(ROOT, lambda url: offered, lambda file: None, names_in=lambda url: names)
    pages = [page.address for page in walk.pages()]
    images = [page.canvas for page in pages if page.canvas]
    assert [image.member for image in images] == members
    assert [image.canvas for image in images] == [(30, 40), (50, 60)]
    assert [page.version for page in pages] == [page.address.version for page in walked({ROOT: plain})[0]]
