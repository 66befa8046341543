from collections.abc import Callable

import numpy as np

from tests.unit.drawn_pages import DrawnPage, two_columns
from workers.parameters import BinarizationParameters
from workers.stages.binarization.working_page import working_page
from workers.stages.separators.components import find_components, is_noise
from workers.stages.separators.pictures import find_pictures, line_art


def _masked(page: DrawnPage) -> np.ndarray:
    working = working_page(page.grey, BinarizationParameters())
    components = find_components(working.ink, working.scale)
    mask = find_pictures(working.grey, components, line_art(components))
    scale = page.width / mask.shape[1]
    return np.kron(mask, np.ones((1, 1))) if scale == 1 else mask


def _share(mask: np.ndarray, page: DrawnPage, x0: int, y0: int, x1: int, y1: int) -> float:
    k = mask.shape[1] / page.width
    return float(mask[int(y0 * k) : int(y1 * k), int(x0 * k) : int(x1 * k)].mean())


def test_text_is_no_picture() -> None:
    assert _masked(two_columns()).mean() < 0.001


def _with_a_halftone(radius: Callable[[int, int], float]) -> DrawnPage:
    """Return a page with a screened picture of 1000 by 600 pixels between two texts, its dots of the given radius."""
    page = DrawnPage()
    page.column(80, 100, 1200, 10)
    page.column(80, 1200, 1200, 10)
    for y in range(520, 1120, 6):
        for x in range(200, 1200, 6):
            r = radius(x, y)
            page.draw.ellipse((x - r, y - r, x + r, y + r), fill=0)
    return page


def test_a_halftone_is_a_picture() -> None:
    page = _with_a_halftone(lambda x, y: float(2.0 + np.sin(x / 90) * np.cos(y / 80) * 0.8))
    mask = _masked(page)
    assert _share(mask, page, 230, 550, 1170, 1090) > 0.95
    assert _share(mask, page, 80, 100, 1280, 460) < 0.01


def test_the_light_corner_of_a_halftone_belongs_to_it() -> None:
    page = _with_a_halftone(lambda x, y: 2.8 - 1.8 * max(0.0, 1 - float(np.hypot(x - 200, y - 1120)) / 150))
    mask = _masked(page)
    assert _share(mask, page, 215, 1060, 260, 1105) > 0.95
    assert _share(mask, page, 80, 1200, 1280, 1500) < 0.01


def test_a_line_drawing_is_a_picture() -> None:
    page = DrawnPage()
    page.column(80, 100, 1200, 10)
    page.column(80, 1200, 1200, 10)
    for k in range(40):
        page.draw.line((300 + 17 * k, 560, 1000 - 12 * k, 1060), fill=0, width=2)
    page.draw.line((300, 560, 1000, 560), fill=0, width=2)
    mask = _masked(page)
    assert _share(mask, page, 500, 600, 800, 700) > 0.9
    assert _share(mask, page, 80, 100, 1280, 460) < 0.01


def test_text_in_a_frame_is_no_picture() -> None:
    page = DrawnPage()
    page.column(200, 300, 900, 12)
    page.draw.rectangle((120, 220, 1180, 800), outline=0, width=14)
    mask = _masked(page)
    assert _share(mask, page, 200, 300, 1100, 700) < 0.01


def test_dust_does_not_stand_in_rows_and_text_does() -> None:
    generator = np.random.default_rng(0)
    dust = np.zeros((1200, 1200), np.uint8)
    for x, y in generator.integers(0, 1190, (4000, 2)):
        dust[y : y + 6, x : x + 6] = 1
    assert is_noise(find_components(dust, 6.0))
    text = (two_columns().grey < 128).astype(np.uint8)
    assert not is_noise(find_components(text, 16.0))
