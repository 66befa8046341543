"""What the web pages decide without a server: what an address asks for, and what is kept on the disk."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.web.filters import NAMES, read_filters, read_place
from orchestrator.web.images.asked import MAX_SIDE, TILE, Asked, asked, scale_factors, service
from orchestrator.web.images.disk_cache import DiskCache
from orchestrator.web.images.drawing import draw
from orchestrator.web.kept import KeptAnswers, StillAsking
from orchestrator.web.rendering import STATIC
from workers.errors import ServiceDown, UnreadableInput

WIDTH, HEIGHT = 6000, 9000


def ask(region: str = "full", size: str = "max", rotation: str = "0", quality: str = "default") -> Asked:
    return asked(region, size, rotation, quality, "jpg", WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("region", "size", "box", "wanted"),
    [
        ("full", "600,", (0, 0, 6000, 9000), (600, 900)),
        ("full", ",900", (0, 0, 6000, 9000), (600, 900)),
        ("full", "!1000,900", (0, 0, 6000, 9000), (600, 900)),
        ("full", "pct:10", (0, 0, 6000, 9000), (600, 900)),
        ("square", "300,", (0, 1500, 6000, 7500), (300, 300)),
        ("0,0,512,512", "512,512", (0, 0, 512, 512), (512, 512)),
        ("5632,8704,512,512", "max", (5632, 8704, 6000, 9000), (368, 296)),
        ("pct:50,50,50,50", "300,", (3000, 4500, 6000, 9000), (300, 450)),
    ],
)
def test_a_request_of_the_image_api_is_understood(
    region: str, size: str, box: tuple[int, int, int, int], wanted: tuple[int, int]
) -> None:
    found = ask(region, size)
    assert (found.box, (found.width, found.height)) == (box, wanted)


def test_max_is_as_large_as_the_service_gives() -> None:
    assert max(ask().width, ask().height) == MAX_SIDE


@pytest.mark.parametrize(
    ("region", "size", "rotation", "quality"),
    [
        ("6000,0,10,10", "max", "0", "default"),
        ("0,0,0,10", "max", "0", "default"),
        ("-5,0,10,10", "max", "0", "default"),
        ("../../etc", "max", "0", "default"),
        ("full", "5000,", "0", "default"),
        ("0,0,10,10", "20,20", "0", "default"),
        ("full", ",", "0", "default"),
        ("full", "0,0,", "0", "default"),
        ("full", "^9000,", "0", "default"),
        ("full", "max", "45", "default"),
        ("full", "max", "0", "sepia"),
    ],
)
def test_a_request_that_is_none_is_refused_with_a_sentence(region: str, size: str, rotation: str, quality: str) -> None:
    with pytest.raises(UnreadableInput, match=r"\.$"):
        ask(region, size, rotation, quality)


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_asked_for_is_inside_of_the_scan_or_refused(region: str, size: str) -> None:
    try:
        found = ask(region, size)
    except UnreadableInput:
        return
    left, top, right, bottom = found.box
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT
    assert 0 < max(found.width, found.height) <= MAX_SIDE


@given(st.integers(1, 30_000), st.integers(1, 30_000))
def test_the_coarsest_level_is_one_tile(width: int, height: int) -> None:
    factors = scale_factors(width, height)
    assert max(width, height) <= TILE * factors[-1]
    assert service("a", width, height)["tiles"] == [{"width": TILE, "height": TILE, "scaleFactors": factors}]


def test_a_part_of_a_smaller_scan_shows_the_same_part() -> None:
    import cv2

    whole = np.full((900, 600), 255, np.uint8)
    whole[450:, 300:] = 0
    wanted = Asked((300, 450, 600, 900), 30, 45)
    for pixels in (whole, whole[::3, ::3].copy()):
        drawn = cv2.imdecode(np.frombuffer(draw(pixels, (600, 900), wanted), np.uint8), cv2.IMREAD_UNCHANGED)
        assert drawn.shape == (45, 30)
        assert drawn.max() < 10


def test_a_quarter_turn_and_grey_are_drawn() -> None:
    import cv2

    page = np.zeros((100, 50, 3), np.uint8)
    page[:50] = (255, 0, 0)  # red above black
    turned = draw(page, (50, 100), Asked((0, 0, 50, 100), 50, 100, turns=1, form="png"))
    shown = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (50, 100, 3)
    assert shown[25, 90].tolist() == [0, 0, 255]  # what was above is at the right; OpenCV has blue first
    grey = draw(page, (50, 100), Asked((0, 0, 50, 100), 50, 100, quality="gray", form="png"))
    assert cv2.imdecode(np.frombuffer(grey, np.uint8), cv2.IMREAD_UNCHANGED).shape == (100, 50)


def test_filters_become_sql_with_bound_values_and_are_shown_with_them_in_their_places() -> None:
    filters = read_filters({"volume": "3", "error": "O'Hara", "to": "1890-03", "lines_from": "5", "more": "x"})
    assert filters.values == {"volume": 3, "error": "%o'hara%", "to": "1890-03", "lines_from": 5}
    assert "volume_id = :volume" in filters.where()
    assert "LIKE '%o''hara%'" in filters.shown
    assert "substr(date_issued, 1, 7) <= '1890-03'" in filters.shown
    assert ":" not in filters.shown


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20)))
def test_no_value_of_an_address_gets_into_the_sql_that_is_run(asked_for: dict[str, str]) -> None:
    try:
        where = read_filters(asked_for).where()
    except UnreadableInput:
        return
    assert "'" not in where
    assert ";" not in where


def test_a_wall_goes_on_from_a_place_of_three_numbers() -> None:
    place = read_place({"after": "1.20.33"})
    assert place is not None
    assert place.condition == "(volume_id, page_number, page_id) > (1, 20, 33)"
    assert read_place({}) is None
    with pytest.raises(UnreadableInput):
        read_place({"before": "1.2.x"})


def test_pictures_on_the_disk_are_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    kept = DiskCache(tmp_path, 10_000)
    for number in range(30):
        kept.put(f"{number:02}aa", bytes(1_000))
        os.utime(tmp_path / f"{number:02}" / f"{number:02}aa", (number, number))
    left = sorted(path.name for path in tmp_path.glob("*/*"))
    assert len(left) <= 10
    assert left[-1] == "29aa"
    assert kept.get("29aa") == bytes(1_000)
    assert kept.get("00aa") is None


def test_a_disk_that_takes_nothing_fails_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = DiskCache(tmp_path / "file", 10_000)
    kept.put("aabb", b"x")
    assert kept.get("aabb") is None


def test_what_is_vendored_is_what_was_published() -> None:
    folder = STATIC / "openseadragon"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected


def test_a_dear_answer_is_used_again_and_asked_anew_behind_the_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, may_end, answers = [0.0], threading.Event(), KeptAnswers()
    monkeypatch.setattr("orchestrator.web.kept.time.monotonic", lambda: clock[0])

    def ask(value: int) -> list[dict[str, int]]:
        clock[0] += 1.0  # a second of work
        return [{"value": value}]

    def ask_slowly() -> list[dict[str, int]]:
        assert may_end.wait(30)
        return ask(3)

    assert answers.get("n", lambda: ask(1)) == [{"value": 1}]
    clock[0] += 10
    assert answers.get("n", lambda: ask(2)) == [{"value": 1}], "it is worth 20 seconds"
    clock[0] += 15
    assert answers.get("n", ask_slowly) == [{"value": 1}], "nobody waits for the new one"
    may_end.set()
    while answers.get("n", ask_slowly) == [{"value": 1}]:
        pass
    clock[0] += 700
    assert answers.get("n", lambda: ask(4)) == [{"value": 4}], "too old to be shown"


def test_an_answer_that_takes_too_long_is_told_and_comes_later() -> None:
    may_end, answers = threading.Event(), KeptAnswers()

    def ask() -> list[dict[str, int]]:
        assert may_end.wait(30)
        return [{"value": 1}]

    with pytest.raises(StillAsking, match="as soon as it is known"):
        answers.get("n", ask, patience=0.01)
    may_end.set()
    assert answers.get("n", ask, patience=30) == [{"value": 1}]


def test_what_goes_wrong_is_told_to_whoever_waits_and_asked_again() -> None:
    answers = KeptAnswers()

    def fail() -> list[dict[str, int]]:
        raise ServiceDown("away")

    with pytest.raises(ServiceDown):
        answers.get("n", fail)
    assert answers.get("n", lambda: [{"value": 1}]) == [{"value": 1}]
