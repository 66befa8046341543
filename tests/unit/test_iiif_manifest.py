"""A manifest says what is known of a volume, where its pictures are, and where what was found on them."""

from __future__ import annotations

from typing import Any

from orchestrator.export.manifest import Addresses, manifest, served_picture, static_picture

BASE = "https://example.org/iiif/courier"
SERVED = Addresses(
    manifest=f"{BASE}/manifest.json",
    canvas=lambda row: f"{BASE}/{row['page_number']}",
    annotations=lambda row: f"{BASE}/{row['page_number']}.json",
    picture=lambda row: served_picture(f"https://images.example.org/{row['page_id']}", row),
)
UNKNOWN = dict.fromkeys(
    ("title", "title_id", "place", "language", "frequency", "date_issued", "issue", "edition", "section", "sequence",
     "page_label", "batch", "reel", "rights", "source_url")
)  # fmt: skip


def row(number: int, **known: Any) -> dict[str, Any]:
    size = {"page_id": 10 + number, "page": f"p{number}.tif", "page_number": number, "width": 1000, "height": 1400}
    return UNKNOWN | size | known


def values(pairs: list[dict[str, Any]]) -> dict[str, str]:
    return {pair["label"]["en"][0]: pair["value"]["none"][0] for pair in pairs}


def test_every_page_is_a_canvas_of_its_size_with_its_picture_and_its_annotations() -> None:
    made = manifest("courier", [row(1), row(2, width=900)], SERVED)
    assert (made["type"], made["id"], made["label"]) == ("Manifest", f"{BASE}/manifest.json", {"none": ["courier"]})
    assert [(c["id"], c["width"], c["height"], c["label"]["none"]) for c in made["items"]] == [
        (f"{BASE}/1", 1000, 1400, ["p1.tif"]),
        (f"{BASE}/2", 900, 1400, ["p2.tif"]),
    ]
    (painting,) = made["items"][1]["items"][0]["items"]
    assert (painting["motivation"], painting["target"]) == ("painting", f"{BASE}/2")
    assert painting["body"]["service"][0]["id"] == "https://images.example.org/12"
    assert painting["body"]["id"] == "https://images.example.org/12/full/max/0/default.jpg"
    assert made["items"][1]["annotations"] == [{"id": f"{BASE}/2.json", "type": "AnnotationPage"}]


def test_what_all_pages_share_is_said_of_the_volume() -> None:
    known = {"title": "The Courier", "date_issued": "1898-11-10", "rights": "https://creativecommons.org/publicdomain/"}
    made = manifest("c", [row(1, **known, page_label="I"), row(2, **known)], SERVED)
    assert made["label"] == {"none": ["The Courier 1898-11-10"]}
    assert (made["navDate"], made["rights"]) == ("1898-11-10T00:00:00Z", known["rights"])
    assert values(made["metadata"]) == {"Title": "The Courier", "Volume": "c"}
    assert "navDate" not in made["items"][0] and "structures" not in made
    assert [canvas["label"]["none"] for canvas in made["items"]] == [["I"], ["p2.tif"]]


def test_issues_of_several_days_become_ranges_with_their_dates_on_the_canvases() -> None:
    days = [row(1, date_issued="1898-11"), row(2, date_issued="1898-11"), row(3, date_issued="1899"), row(4)]
    made = manifest("c", days, SERVED)
    assert "navDate" not in made
    assert [canvas.get("navDate") for canvas in made["items"]] == [
        "1898-11-01T00:00:00Z", "1898-11-01T00:00:00Z", "1899-01-01T00:00:00Z", None,
    ]  # fmt: skip
    assert [[item["id"] for item in found["items"]] for found in made["structures"]] == [
        [f"{BASE}/1", f"{BASE}/2"],
        [f"{BASE}/3"],
    ]


def test_rights_in_words_are_a_statement_and_only_web_addresses_become_links() -> None:
    made = manifest("c", [row(1, rights="<b>mine</b>", source_url="javascript:alert(1)")], SERVED)
    assert "rights" not in made and "homepage" not in made["items"][0]
    assert values([made["requiredStatement"]]) == {"Rights": "<b>mine</b>"}
    linked = manifest("c", [row(1, source_url="https://example.org/1")], SERVED)["items"][0]
    assert linked["homepage"][0]["id"] == "https://example.org/1"


def test_a_picture_without_a_service_is_one_file() -> None:
    assert static_picture("https://example.org/1.jpg", row(1)) == {
        "id": "https://example.org/1.jpg", "type": "Image", "format": "image/jpeg", "width": 1000, "height": 1400,
    }  # fmt: skip
