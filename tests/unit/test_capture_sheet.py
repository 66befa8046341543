"""A camera's picture: told when nothing is in it, its sheet found and laid flat."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.web.capture.sheet import find_sheet, flattened, in_order, is_usable, look_at, nothing_in
from samples.pages import PageDesign, draw
from tests.cameras import CORNERS, photographed


@cache
def printed() -> NDArray[np.uint8]:
    return np.asarray(draw(PageDesign(3, columns=2)).image.convert("L"), np.uint8)


@pytest.mark.parametrize("desk", [20, 70, 130])
@pytest.mark.parametrize("shift", [0, -120])
def test_the_corners_of_a_sheet_are_found_on_a_darker_desk(desk: int, shift: int) -> None:
    corners = CORNERS + np.array([shift, shift / 2])
    found = find_sheet(photographed(printed(), corners, desk))
    assert found is not None
    assert np.abs(found - corners).max() < 14


def test_a_sheet_laid_flat_is_the_sheet_again() -> None:
    sheet = printed()
    scene = photographed(sheet, CORNERS)
    flat = flattened(np.dstack([scene] * 3), CORNERS)[:, :, 0]
    again, before = (cv2.resize(one, (160, 200), interpolation=cv2.INTER_AREA) for one in (flat, sheet))
    assert np.corrcoef(again.ravel(), before.ravel())[0, 1] > 0.95
    assert abs(flat.shape[1] / flat.shape[0] - 932 / 1092) < 0.03


def test_a_page_that_fills_the_picture_has_no_corners_to_find() -> None:
    found = find_sheet(printed()[200:900, 100:700])
    assert found is None or is_usable(found, 600, 700)


def test_corners_are_put_in_order_from_the_left_upper_one() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        assert (in_order(CORNERS[rng.permutation(4)]) == CORNERS).all()


@pytest.mark.parametrize(
    ("level", "noise", "word"), [(0, 1.5, "black"), (255, 0, "white"), (90, 0.5, "empty"), (14, 0.3, "empty")]
)
def test_a_picture_with_nothing_in_it_is_told_in_a_sentence(level: int, noise: float, word: str) -> None:
    rng = np.random.default_rng(2)
    picture = rng.normal(level, noise, (480, 640)).clip(0, 255).astype(np.uint8)
    sentence = nothing_in(picture)
    assert sentence is not None
    assert word in sentence


@pytest.mark.parametrize("light", [1.0, 0.25, 0.12])
def test_a_page_in_poor_light_is_not_called_empty(light: float) -> None:
    assert nothing_in((photographed(printed(), CORNERS) * light).astype(np.uint8)) is None


def test_a_tiny_picture_is_told_with_its_size() -> None:
    assert "160 x 120 pixels" in (nothing_in(np.zeros((120, 160), np.uint8)) or "")


def test_a_picture_out_of_focus_is_less_sharp() -> None:
    scene = photographed(printed(), CORNERS)
    blurred = np.asarray(cv2.GaussianBlur(scene, (0, 0), 6), np.uint8)
    assert look_at(blurred).sharpness < look_at(scene).sharpness / 3


def test_corners_that_cross_or_lie_outside_are_not_usable() -> None:
    assert is_usable(CORNERS, 1250, 1300)
    assert not is_usable(CORNERS[[0, 2, 1, 3]], 1250, 1300)
    assert not is_usable(CORNERS + 400, 1250, 1300)
