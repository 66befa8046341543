"""Two pages on one scan: no line runs across the fold, and its shadow is one separator."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from samples.pages import PageDesign, draw
from tests.unit.drawn_pages import DrawnPage
from workers.parameters import BinarizationParameters, PipelineParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.working_page import working_page
from workers.stages.palette.normalise import normalise
from workers.stages.separators.components import find_components
from workers.stages.separators.folds import find_folds
from workers.stages.separators.pictures import find_pictures, line_art

Grey = NDArray[np.uint8]

MIDDLE = 900


def spread() -> DrawnPage:
    page = DrawnPage(width=2 * MIDDLE, height=1800)
    page.column(120, 120, 600, 44)
    page.column(MIDDLE + 180, 120, 600, 44)
    return page


def shaded(grey: Grey, slope: float = 0.0, wide: float = 14.0) -> Grey:
    """Darken a page along a fold that leaves the upright by `slope` columns a row."""
    rows, columns = np.indices(grey.shape)
    away = columns - MIDDLE - slope * (rows - grey.shape[0] / 2)
    return (grey * (1 - 0.9 * np.exp(-((away / wide) ** 2)))).astype(np.uint8)


def folds_on(grey: Grey) -> NDArray[np.uint8]:
    page = working_page(grey, BinarizationParameters())
    nothing = np.zeros_like(page.ink)
    return find_folds(page.ink, nothing, page.scale, page.pitch)


@pytest.mark.parametrize("slope", [0.0, 0.012, -0.012])
def test_the_shadow_of_a_fold_is_one_separator_that_no_line_crosses(slope: float) -> None:
    layout = analyse_page(Image.fromarray(shaded(spread().grey, slope)), PipelineParameters())
    assert len(layout.lines) == 88
    assert not any(line.bbox.x_min < MIDDLE < line.bbox.x_max for line in layout.lines)
    (fold,) = layout.separators
    assert fold.origin == "printed"
    assert fold.bbox.height > 1700
    assert abs((fold.bbox.x_min + fold.bbox.x_max) / 2 - MIDDLE) < 15


def test_the_left_page_is_read_before_the_right_one() -> None:
    layout = analyse_page(Image.fromarray(shaded(spread().grey)), PipelineParameters())
    assert [line.bbox.x_min > MIDDLE for line in layout.lines] == [False] * 44 + [True] * 44


def test_a_fold_in_the_shade_of_a_border_is_seen_too() -> None:
    grey = shaded(spread().grey)
    grey[:40] = 0
    assert folds_on(grey).any()


def test_text_rules_and_borders_are_no_folds() -> None:
    page = spread()
    assert not folds_on(page.grey).any()
    grey = page.grey.copy()
    grey[:, :30] = 0
    grey[:, -30:] = 0
    assert not folds_on(grey).any()


@pytest.mark.parametrize("picture", ["grey", "halftone"])
def test_the_dark_side_of_a_picture_is_no_fold(picture: Literal["grey", "halftone"]) -> None:
    sheet = draw(PageDesign(seed=7, columns=3, type_size=23, gutter=30, picture=picture))
    page = working_page(normalise(sheet.image).grey, BinarizationParameters())
    components = find_components(page.ink, page.scale)
    pictures = find_pictures(page.grey, components, line_art(components))
    assert pictures.any()
    assert not find_folds(page.ink, pictures, page.scale, page.pitch).any()
