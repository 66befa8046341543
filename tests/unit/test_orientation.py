"""Pages that lie on their side, and negatives, give what they give upright and as positives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageOps

from samples.pages import PageDesign, draw
from tests.unit.drawn_pages import DrawnPage, two_columns
from workers.layout import BoundingBox, PageLayout
from workers.parameters import BinarizationParameters, PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.orientation import is_negative
from workers.stages.binarization.working_page import working_page
from workers.stages.palette.normalise import normalise
from workers.stages.raster.quarter_turns import turned

Grey = NDArray[np.uint8]

PARAMETERS, OTSU = PipelineParameters(), BinarizationParameters()
PHOTOGRAPHS = (
    "faces_azure/detection3.jpg",
    "faces_azure/house.jpg",
    "faces_us_gov/biden.jpg",
    "faces_us_gov/obama.jpg",
)


def found_on(grey: Grey) -> PageLayout:
    return analyse_page(Image.fromarray(np.ascontiguousarray(grey)), PARAMETERS)


def boxes_of(layout: PageLayout) -> NDArray[np.int64]:
    boxes = [(b.x_min, b.y_min, b.x_max, b.y_max) for b in (line.bbox for line in layout.lines)]
    return np.array(boxes, np.int64).reshape(-1, 4)


def shapes(layout: PageLayout) -> list[tuple[int, int]]:
    return sorted((separator.bbox.width, separator.bbox.height) for separator in layout.separators)


def iou_of_faces(layout: PageLayout, other: BoundingBox) -> list[float]:
    return [face.bbox.iou(other) for face in layout.faces]


@pytest.mark.parametrize("turns, degrees", [(1, -90.0), (3, 90.0)])
def test_a_page_on_its_side_gives_the_lines_of_the_upright_page_in_their_order(turns: int, degrees: float) -> None:
    page = two_columns(width=1500, height=1700)
    upright, lying = found_on(page.grey), found_on(np.rot90(page.grey, turns))
    assert len(upright.lines) == 80
    assert np.array_equal(boxes_of(lying), turned(boxes_of(upright), turns, page.width, page.height))
    assert [(height, width) for width, height in shapes(upright)] == shapes(lying)
    assert (lying.width, lying.height, lying.skew_degrees) == (page.height, page.width, degrees)
    assert lying.empty_reason is None


def test_the_skew_of_a_page_on_its_side_counts_too() -> None:
    page = two_columns(width=1500, height=1700)
    askew = np.asarray(page.image.rotate(-2, fillcolor=255, resample=Image.Resampling.BICUBIC))
    assert found_on(np.rot90(askew, 3)).skew_degrees == pytest.approx(92, abs=0.1)


@pytest.mark.parametrize("turns", [0, 3])
def test_a_negative_gives_the_lines_of_its_positive(turns: int) -> None:
    page = np.rot90(two_columns(width=1500, height=1700).grey, turns)
    positive, negative = found_on(page), found_on(255 - page)
    assert len(positive.lines) == 80
    assert np.array_equal(boxes_of(negative), boxes_of(positive))
    assert negative.picture_hash == positive.picture_hash


@pytest.mark.parametrize("segmenter", ["fast", "kraken"])
def test_every_box_segmenter_reads_negatives(segmenter: str) -> None:
    parameters = PipelineParameters(segmentation=SegmentationParameters(segmenter=segmenter))  # type: ignore[arg-type]
    negative = ImageOps.invert(two_columns(width=1400, height=1700).image)
    assert len(analyse_page(negative, parameters).lines) >= 75


def test_faces_on_a_page_on_its_side_are_looked_for_upright() -> None:
    page = two_columns(width=1900, height=1500)
    page.image.paste(Image.fromarray(skimage.data.astronaut()).convert("L"), (1340, 120))
    (face,) = found_on(page.grey).faces
    for turns in (1, 3):
        corners = np.array([[face.bbox.x_min, face.bbox.y_min, face.bbox.x_max, face.bbox.y_max]])
        expected = BoundingBox(*map(int, turned(corners, turns, page.width, page.height)[0]))
        assert [iou > 0.95 for iou in iou_of_faces(found_on(np.rot90(page.grey, turns)), expected)] == [True]


def test_a_newspaper_on_its_side_gives_its_columns() -> None:
    sample = draw(PageDesign(seed=4))
    grey = normalise(sample.image).grey
    upright, lying = found_on(grey), found_on(np.rot90(grey, 3))
    assert len(lying.lines) == len(upright.lines) > 100
    assert len(lying.separators) == len(upright.separators) > 0


def test_a_few_words_do_not_turn_a_page() -> None:
    page = DrawnPage(width=800, height=1200)
    page.line(100, 100, "Ein Wort von Bern", 40)
    assert working_page(np.rot90(page.grey), OTSU).turns == 0
    assert not is_negative(255 - page.grey, OTSU)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("turns", range(4))
def test_photographs_are_neither_turned_nor_inverted(shared_data: Path, name: str, turns: int) -> None:
    with Image.open(shared_data / name) as image:
        grey = np.ascontiguousarray(np.rot90(normalise(image).grey, turns))
    assert working_page(grey, OTSU).turns == 0
    assert not is_negative(grey, OTSU)


@pytest.mark.parametrize(
    "page",
    [
        "newspaper_nzz/img_0112_nzz_18910329_0_0_a1_p1_1.tif",
        "register_lectaurep/lectaurep-dufour-1_DAFANCH96_048MIC07658_L-1.jpg",
        "rtl_arabic_ulb/tests_resources_img_699723.jpg",
    ],
)
def test_print_hands_and_arabic_lie_as_they_are_scanned(shared_data: Path, page: str) -> None:
    with Image.open(shared_data / page) as image:
        grey = normalise(image).grey
    assert working_page(grey, OTSU).turns == 0
    assert working_page(np.rot90(grey, 1), OTSU).turns in (1, 3)
    assert is_negative(255 - grey, OTSU)
