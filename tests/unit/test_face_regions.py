"""Where faces are looked for: nowhere in type, everywhere on a photograph, and in the pictures between."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from tests.unit.drawn_pages import DrawnPage, two_columns
from workers.layout import BoundingBox
from workers.stages.faces.halftone import descreen, halftone_pitch, has_two_tones
from workers.stages.faces.regions import is_type, plan_search

Grey = NDArray[np.uint8]


@cache
def photograph() -> Grey:
    return np.asarray(Image.fromarray(skimage.data.astronaut()).convert("L"))


def lines_of(page: DrawnPage) -> list[BoundingBox]:
    return [BoundingBox(*line) for line in page.lines]


def halftone(grey: Grey, pitch: float, degrees: float = 45) -> Grey:
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]] * (2 * np.pi / pitch)
    angle = np.deg2rad(degrees)
    waves = np.cos(x * np.cos(angle) + y * np.sin(angle)) + np.cos(y * np.cos(angle) - x * np.sin(angle))
    return np.where(grey > (2 + waves) / 4 * 255, 235, 30).astype(np.uint8)


def test_a_page_of_type_is_not_searched_at_all() -> None:
    page = two_columns()
    assert plan_search(page.grey, lines_of(page)).regions == ()


def test_type_on_grey_paper_is_not_searched_either() -> None:
    page = two_columns()
    shaded = (page.grey * np.linspace(0.5, 0.9, page.width)).astype(np.uint8)
    assert plan_search(shaded, lines_of(page)).regions == ()


def test_a_page_without_lines_is_searched_whole() -> None:
    assert plan_search(photograph(), []).regions == (BoundingBox(0, 0, 512, 512),)


def test_lines_seen_in_a_photograph_do_not_make_it_a_page_of_type() -> None:
    lines = [BoundingBox(0, y, 512, y + 25) for y in range(0, 500, 25)]
    plan = plan_search(photograph(), lines)
    assert plan.regions == (BoundingBox(0, 0, 512, 512),)
    assert plan.type_lines == ()


def test_a_picture_between_lines_is_searched_with_all_of_its_edges() -> None:
    page = two_columns()
    grey = page.grey.copy()
    grey[500:1000, 660:1320] = 255
    grey[520:980, 740:1200] = photograph()[:460, 20:480]
    lines = [line for line in lines_of(page) if not (line.x_min > 700 and 460 < line.y_min < 1000)]
    (region,) = plan_search(grey, lines).regions
    assert region.x_min <= 740 and region.y_min <= 520 and region.x_max >= 1200 and region.y_max >= 980
    assert region.area < 1.6 * 460 * 460


def test_a_black_border_and_a_frame_are_cut_into_pieces() -> None:
    page = two_columns()
    grey = page.grey.copy()
    for side in (grey[:50], grey[-50:], grey[:, :50], grey[:, -50:]):
        side[:] = np.random.default_rng(0).integers(0, 90, side.shape, dtype=np.uint8)
    plan = plan_search(grey, lines_of(page))
    assert sum(region.area for region in plan.regions) < 0.5 * grey.size


def test_the_smallest_face_follows_the_type_and_the_size_of_a_photograph() -> None:
    page = two_columns()
    assert 40 <= plan_search(page.grey, lines_of(page)).smallest <= 70
    assert plan_search(photograph(), []).smallest == 24
    assert plan_search(np.zeros((5000, 4000), np.uint8), []).smallest == pytest.approx(24 * np.sqrt(8), abs=1)


def test_type_shows_even_paper_and_photographs_do_not() -> None:
    page = two_columns()
    small = np.asarray(page.image.resize((page.width // 4, page.height // 4), Image.Resampling.BOX))
    x_min, y_min, x_max, y_max = (value // 4 for value in page.lines[3])
    assert is_type(small[y_min - 1 : y_max + 2, x_min:x_max])
    assert not any(is_type(photograph()[y : y + 9, :300]) for y in range(0, 500, 9))
    assert not is_type(np.zeros((0, 0), np.uint8))
    assert not is_type(np.full((8, 80), 255, np.uint8))


@pytest.mark.parametrize("pitch", [2.5, 3.5, 5.0, 8.0])
@pytest.mark.parametrize("degrees", [15, 45, 60])
def test_the_distance_of_printed_dots_is_measured(pitch: float, degrees: float) -> None:
    assert halftone_pitch(halftone(photograph(), pitch, degrees)) == pytest.approx(pitch, rel=0.05)


@pytest.mark.parametrize(
    "name", ["astronaut", "camera", "coffee", "chelsea", "brick", "grass", "gravel", "text", "page"]
)
def test_photographs_and_type_have_no_printed_dots(name: str) -> None:
    picture = np.asarray(Image.fromarray(getattr(skimage.data, name)()).convert("L"))
    assert halftone_pitch(picture) is None
    assert descreen(picture) is picture


def test_a_page_of_type_has_no_printed_dots() -> None:
    assert halftone_pitch(two_columns().grey) is None


def test_smoothed_dots_come_near_the_tones_they_stand_for() -> None:
    dots = halftone(photograph(), 5.0)
    tones = 30 + photograph().astype(float) / 255 * 205
    error = [float(np.abs(picture - tones)[100:400, 100:400].mean()) for picture in (dots, descreen(dots))]
    assert error[1] < 0.35 * error[0]


def test_a_scan_of_two_tones_is_told_from_grey() -> None:
    assert has_two_tones(halftone(photograph(), 5.0))
    assert not has_two_tones(photograph())


def test_a_picture_too_small_for_dots_stays_as_it_is() -> None:
    tiny = photograph()[:20, :20]
    assert descreen(tiny) is tiny
