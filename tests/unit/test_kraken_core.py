"""The fast core finds kraken's lines, step by step and as a whole, and says why where it finds none."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from kraken import pageseg
from kraken.lib import morph
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.unit.printed_pages import printed_page
from workers.stages.kraken import (
    NoTextError,
    columns,
    components,
    estimate_scale,
    filters,
    find_line_boxes,
    lines,
    lines_between,
    reference,
    seeds,
    strips,
)
from workers.stages.kraken import boxes as box_tools
from workers.stages.kraken.reference import find_line_boxes_reference
from workers.stages.raster import bits
from workers.stages.raster.groups import groups
from workers.stages.raster.labelling import label_sparse
from workers.stages.raster.quarter_turns import QUARTER_TURNS, turned
from workers.stages.segmentation.reading_order import reading_order

Mask = NDArray[np.uint8]
Boxes = NDArray[np.int32]
blobs = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 0, 255]))


def overlap_of_best(expected: Boxes, found: Boxes) -> NDArray[np.float64]:
    """Return for each expected box the greatest intersection over union with a found one."""
    if not len(found):
        return np.zeros(len(expected))
    a, b = expected[:, None].astype(np.int64), found[None].astype(np.int64)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.clip(sides, 0, None).prod(axis=2)
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b)]
    best: NDArray[np.float64] = (shared / (areas[0] + areas[1] - shared)).max(axis=1)
    return best


def assert_held_to_kraken(pairs: Iterable[tuple[Boxes, Boxes]]) -> None:
    """At least 98 % of kraken's boxes are found identically, the rest with an IoU over 0.9; none are added."""
    expected, same, added = 0, 0, 0
    for kraken_boxes, found in pairs:
        wanted, given_boxes = set(map(tuple, kraken_boxes.tolist())), set(map(tuple, found.tolist()))
        expected, same = expected + len(wanted), same + len(wanted & given_boxes)
        added += abs(len(found) - len(kraken_boxes))
        assert (overlap_of_best(kraken_boxes, found) > 0.9).all()
    assert expected > 0
    assert same >= 0.98 * expected
    assert added == 0


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kraken's functions without its limit of components, which dense type exceeds."""
    monkeypatch.setattr(reference, "LARGEST_SHARE_OF_COMPONENTS", 1.0)


PAGES: list[dict[str, Any]] = [
    {"seed": 1, "columns": 1},
    {"seed": 2, "columns": 3, "size": 13},
    {"seed": 3, "columns": 2, "size": 24, "shape": (500, 820)},
    {"seed": 4, "columns": 2, "size": 9, "shape": (400, 471)},
    {"seed": 5, "columns": 4, "size": 14, "shape": (500, 900), "rules": True},
    {"seed": 6, "columns": 2, "leading": 1.05, "rules": True},
]


@pytest.mark.usefixtures("unlimited")
def test_lines_between_given_separators_are_those_of_kraken() -> None:
    pages = [printed_page(**page) for page in PAGES]
    assert_held_to_kraken((find_line_boxes_reference(*page), find_line_boxes(*page)) for page in pages)


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("black_colseps", [False, True])
def test_lines_between_the_columns_that_kraken_finds_are_those_of_kraken(black_colseps: bool) -> None:
    pages = [printed_page(**page)[0] for page in PAGES[3:]]
    options: dict[str, Any] = {"maxcolseps": 3, "black_colseps": black_colseps}
    assert_held_to_kraken((find_line_boxes_reference(ink, **options), find_line_boxes(ink, **options)) for ink in pages)


@pytest.mark.usefixtures("unlimited")
@pytest.mark.parametrize("options", [{"no_hlines": False}, {"scale": 7.3}, {"scale": 19.0}, {"pad": 5}])
def test_parameters_mean_what_they_mean_to_kraken(options: dict[str, Any]) -> None:
    pages = [printed_page(8, columns=2, rules=True)]
    assert_held_to_kraken(
        (find_line_boxes_reference(*page, **options), find_line_boxes(*page, **options)) for page in pages
    )


@pytest.mark.parametrize("text_direction", ["horizontal-lr", "horizontal-rl", "vertical-lr", "vertical-rl"])
def test_all_directions_are_those_of_kraken_itself(text_direction: str) -> None:
    ink, _ = printed_page(9, columns=2, size=26, shape=(700, 800), leading=1.8)
    turns = QUARTER_TURNS[text_direction]
    ink = np.ascontiguousarray(np.rot90(ink, -turns))
    found = find_line_boxes(ink, text_direction=text_direction)  # type: ignore[arg-type]
    of_kraken = pageseg.segment(Image.fromarray(255 - ink), text_direction=text_direction)
    expected = np.array([line.bbox for line in of_kraken.lines])
    lying = turned(found, turns, ink.shape[1], ink.shape[0])
    ordered = found[reading_order(lying, "rl" if text_direction.endswith("rl") else "lr")]
    assert np.abs(ordered - expected).max() <= 1  # kraken turns boxes back in floats
    assert_held_to_kraken([(find_line_boxes_reference(ink, text_direction=text_direction), found)])  # type: ignore[arg-type]


SCANS = [
    "seed/two_col.png",
    "newspaper_nzz",
    "periodical_argus",
    "book_gallicorpora",
    "book_expo1878",
    "typed_tapus",
    "register_lectaurep",
]


def scan_at_working_size(path: Path) -> Mask:
    """Return the ink of a scan, reduced so that its text is about 11 pixels large."""
    if path.is_dir():
        path = min(file for file in path.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif"))
    gray = np.asarray(Image.open(path).convert("RGB").convert("L"))
    scale = estimate_scale(cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1])
    assert scale is not None
    factor = min(1.0, 11 / scale)
    gray = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1])


@pytest.mark.usefixtures("unlimited")
def test_lines_on_scans_are_those_of_kraken(shared_data: Path) -> None:
    pages = [scan_at_working_size(shared_data / scan) for scan in SCANS]
    gutters = [cv2.morphologyEx(255 - page, cv2.MORPH_OPEN, np.ones((150, 11), np.uint8)) for page in pages]
    assert_held_to_kraken(
        (find_line_boxes_reference(*page), find_line_boxes(*page)) for page in zip(pages, gutters, strict=True)
    )


def test_letters_that_are_known_already_give_the_same_lines() -> None:
    ink, gutters = printed_page(13, columns=2)
    scale = estimate_scale(ink)
    assert scale is not None
    before, letters = ink.copy(), components.letter_boxes(components.find_kraken_components(ink), None, scale)
    assert (lines_between(ink, letters, gutters, scale) == find_line_boxes(ink, gutters)).all()
    assert (ink == before).all()


# Where kraken breaks its word, we keep it.


def test_as_many_black_separators_are_kept_as_were_asked_for() -> None:
    ink, _ = printed_page(11, columns=5, size=14, shape=(700, 1100), rules=True)
    kept = [np.unique(ndimage.label(columns.black_separators(ink, 11.0, count))[0]).size - 1 for count in (1, 2, 4)]
    assert kept == [1, 2, 4]


def test_dense_small_type_is_not_refused() -> None:
    ink, gutters = printed_page(12, columns=3, size=7, shape=(400, 400), leading=1.2)
    with pytest.raises(NoTextError, match="white components") as refusal:
        find_line_boxes_reference(ink, gutters)
    assert refusal.value.reason == "too_many_components"
    assert len(find_line_boxes(ink, gutters)) > 60


@pytest.mark.parametrize(
    ("ink", "reason"),
    [
        (np.zeros((200, 300), np.uint8), "blank"),
        (np.zeros((1, 1), np.uint8), "blank"),
        (np.full((200, 300), 255, np.uint8), "no_text_size"),
        (np.full((1, 1), 255, np.uint8), "no_text_size"),
    ],
)
def test_a_page_without_text_has_its_reason(ink: Mask, reason: str) -> None:
    for finder in (find_line_boxes, find_line_boxes_reference):
        with pytest.raises(NoTextError) as refusal:
            finder(ink)
        assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"text_direction": "boustrophedon"}, "text_direction must be one of"),
        ({"separators": np.zeros((3, 3), np.uint8)}, "shape of the ink"),
        ({"scale": 0.0}, "positive number of pixels"),
        ({"scale": float("nan")}, "positive number of pixels"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        find_line_boxes(np.zeros((4, 5), np.uint8), **arguments)


@given(ink=blobs, scale=st.floats(0.3, 60), direction=st.sampled_from(sorted(QUARTER_TURNS)))
@settings(max_examples=200, deadline=None)
def test_any_small_image_gives_boxes_inside_it_and_stays_as_it_is(ink: Mask, scale: float, direction: Any) -> None:
    before = ink.copy()
    for separators in (None, np.where(ink > 0, 0, 255).astype(np.uint8)):
        found = find_line_boxes(ink, separators, scale=scale, text_direction=direction, black_colseps=True)
        assert (found[:, :2] >= 0).all() and (found[:, :2] < found[:, 2:]).all()
        assert (found[:, 2] <= ink.shape[1]).all() and (found[:, 3] <= ink.shape[0]).all()
    assert (ink == before).all()


def test_noise_and_one_giant_blob_end_in_bounded_time() -> None:
    noise = np.where(np.random.default_rng(1).random((1200, 1600)) < 0.5, 255, 0).astype(np.uint8)
    find_line_boxes(noise)
    giant = cv2.circle(np.zeros((1500, 1500), np.uint8), (750, 750), 700, 255, -1)
    assert len(find_line_boxes(giant, np.zeros_like(giant), scale=11.0)) == 0


def test_the_core_imports_neither_kraken_nor_torch_nor_scipy() -> None:
    script = (
        "import sys, workers.stages.kraken, workers.stages.kraken.reference, workers.stages.segmentation.reading_order;"
        "print([m for m in ('kraken', 'torch', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# The steps, one by one.


@given(ink=blobs)
@settings(max_examples=300, deadline=None)
def test_the_scale_is_that_of_kraken(ink: Mask) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # kraken takes the median of nothing
        expected = pageseg.estimate_scale(np.array(ink > 0, "i"))
    assert estimate_scale(ink) == (None if np.isnan(expected) else expected)


def test_the_scale_of_a_page_is_that_of_kraken() -> None:
    for page in PAGES[2:4]:
        ink, _ = printed_page(**page)
        assert estimate_scale(ink) == pageseg.estimate_scale(np.array(ink > 0, "i"))


@given(
    image=arrays(np.uint8, (23, 31), elements=st.sampled_from([0, 0, 0, 1])),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    sigma=st.tuples(st.floats(0.5, 6), st.floats(0.5, 6)),
)
@settings(max_examples=100, deadline=None)
def test_filters_are_those_of_scipy(image: Mask, size: tuple[int, int], sigma: tuple[float, float]) -> None:
    exact = image.astype(np.float64)
    assert (filters.maximum(image, size) == ndimage.maximum_filter(image, size)).all()
    assert (filters.minimum(image, size) == ndimage.minimum_filter(image, size)).all()
    assert np.allclose(filters.uniform(image, size), ndimage.uniform_filter(exact, size), atol=1e-5)
    for order in ((0, 0), (1, 0), (0, 1)):
        expected = ndimage.gaussian_filter(exact, sigma, order=order)
        assert np.allclose(filters.gaussian(image, sigma, order), expected, atol=1e-5)


@given(ink=blobs)
@settings(max_examples=200, deadline=None)
def test_boxes_that_meet_are_components_of_the_painted_page(ink: Mask) -> None:
    found = components.find_kraken_components(ink).boxes
    painted = np.zeros_like(ink)
    box_tools.paint(painted, found, 255)
    labels = cv2.connectedComponents(painted, connectivity=4)[1]
    expected = labels[found[:, 1], found[:, 0]]
    group = groups(len(found), *box_tools.meeting_pairs(found))
    assert ((group[:, None] == group[None]) == (expected[:, None] == expected[None])).all()


def loop_of_kraken(bottoms: Mask, tops: Mask, scale: float) -> Mask:
    """The inner loop of `kraken.pageseg.compute_line_seeds`, column by column."""
    filled = np.zeros(bottoms.shape, np.uint8)
    delta = max(3, int(scale / 2))
    for x in range(bottoms.shape[1]):
        marks = [(int(y), 1) for y in np.flatnonzero(bottoms[:, x])]
        marks += [(int(y), 0) for y in np.flatnonzero(tops[:, x])]
        ordered = [*sorted(marks)[::-1], (0, 0)]
        for (y0, kind), (y1, next_kind) in pairwise(ordered):
            if kind:
                filled[max(0, y0 - delta) if y0 >= delta else y0 : y0, x] = 1
                if not next_kind and y0 - y1 < 5 * scale:
                    filled[y1:y0, x] = 1
    return filled


edges = arrays(np.uint8, (60, 64), elements=st.sampled_from([0] * 12 + [255]))


@given(bottoms=edges, tops=edges, scale=st.floats(0.5, 14))
@settings(max_examples=60, deadline=None)
def test_bands_are_filled_as_kraken_fills_them(bottoms: Mask, tops: Mask, scale: float) -> None:
    filled = seeds.fill_bands(bits.packed(bottoms), bits.packed(tops), scale)
    assert (bits.unpacked(filled, bottoms.shape[1]) == loop_of_kraken(bottoms, tops, scale)).all()


@pytest.mark.parametrize("page", PAGES)
def test_seeds_differ_from_those_of_kraken_in_hardly_a_pixel(page: dict[str, Any]) -> None:
    ink, gutters = printed_page(**page)
    scale = estimate_scale(ink)
    assert scale is not None
    binary, separators = np.array(ink > 0, "i"), np.array(gutters > 0, "i")
    bottom, top, boxmap = pageseg.compute_gradmaps(binary, scale)
    expected = pageseg.compute_line_seeds(binary, bottom, top, separators, scale) > 0
    strip = strips.strip_width(scale)
    letters = strips.padded_to_words(boxmap.astype(np.uint8) * np.uint8(255))
    strength = seeds.edge_strength(strips.padded_to_words(ink), letters, scale, strip)
    found = seeds.line_seeds(strength, strips.padded_to_words(gutters), scale, strip)[:, : ink.shape[1]] > 0
    assert (found != expected).mean() < 5e-4 * expected.mean()


@given(
    seed=st.integers(0, 1000),
    scale=st.one_of(st.floats(0.6, 30), st.integers(1, 900).map(np.sqrt)),
    height=st.integers(1, 150),
    density=st.sampled_from([1e-3, 0.05]),
)
@settings(max_examples=60, deadline=None)
def test_nearest_seeds_are_as_far_as_the_exact_distance_transform_says(
    seed: int, scale: float, height: int, density: float
) -> None:
    random = np.random.default_rng(seed)
    seeded = (random.random((height, 128)) < density).astype(np.uint8)
    labels = cv2.connectedComponents(seeded, connectivity=4)[1]
    bands = label_sparse(seeded, diagonal=False)
    ink = np.full_like(seeded, 255)
    found = np.zeros_like(labels)
    for start in range(0, height, 50):
        rows = range(start, min(height, start + 50))
        x, y, nearest = lines._nearest_seeds(ink, seeded, bands, rows, scale)
        found[y, x] = nearest
    expected = ndimage.distance_transform_edt(seeded == 0) if seeded.any() else np.full(seeded.shape, np.inf)
    assert ((found > 0) == (expected < scale)).all()
    for label in np.unique(found[found > 0]):
        apart = ndimage.distance_transform_edt(labels != label)
        assert np.allclose(apart[found == label], expected[found == label])


def test_letters_that_touch_two_seeds_belong_to_neither() -> None:
    letters = np.array([[10, 10, 8, 30], [40, 12, 8, 8], [48, 14, 8, 20], [100, 12, 8, 8], [10, 70, 8, 8]], np.int32)
    labels = np.zeros((100, 128), np.int32)
    labels[12:18], labels[30:36] = 1, 2
    seeded = (labels > 0).astype(np.uint8)
    owner = lines.owners_of_letters(letters, seeded, label_sparse(seeded, diagonal=False), 10.0)
    assert owner.tolist() == [0, 0, 0, 1, 0]
    painted = np.zeros(labels.shape, np.uint8)
    box_tools.paint(painted, letters, 1)
    expected = morph.propagate_labels(painted, labels, conflict=0)
    assert owner.tolist() == expected[letters[:, 1], letters[:, 0]].tolist()
