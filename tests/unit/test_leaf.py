"""What lies beside the leaf on the table is no part of the page."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.unit.drawn_pages import DrawnPage
from workers.parameters import PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.leaf import leaf_alone

ONCE = PipelineParameters(segmentation=SegmentationParameters(second_reader="never"))


def _page() -> DrawnPage:
    page = DrawnPage(900, 1000, seed=3)
    page.column(80, 80, 700, 16)
    return page


def _on_a_table(leaf: Image.Image, table: int, *, ruler: bool) -> NDArray[np.uint8]:
    scan = Image.new("L", (1100, 1300), table)
    scan.paste(leaf, (100, 60))
    if ruler:
        pen = ImageDraw.Draw(scan)
        pen.rectangle((40, 1140, 1060, 1200), 240)
        for number in range(24):
            pen.text((60 + 40 * number, 1155), str(number), 0, font_size=24)
    return np.asarray(scan)


@pytest.mark.parametrize("table", [10, 150])
def test_the_numbers_of_a_ruler_are_no_lines(table: int) -> None:
    page = _page()
    scan = _on_a_table(page.image, table, ruler=True)
    layout = analyse_page(Image.fromarray(scan), ONCE)
    assert len(layout.lines) == len(page.lines)
    assert all(line.bbox.y_max < 1080 for line in layout.lines)


def test_a_leaf_with_nothing_beside_it_is_left_as_it_is() -> None:
    scan = _on_a_table(_page().image, 150, ruler=False)
    assert leaf_alone(scan) is scan


def test_a_page_without_a_table_is_left_as_it_is() -> None:
    page = np.asarray(_page().image)
    assert leaf_alone(page) is page


def test_the_facing_page_is_no_ruler() -> None:
    scan = _on_a_table(_page().image.resize((420, 1000)), 150, ruler=False).copy()
    scan[60:1060, 560:1000] = 235
    assert leaf_alone(scan) is scan
