"""Large JPEG 2000 pages are read smaller where that shows the text as well: the same lines, in the same places."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.unit.printed_pages import printed_page
from workers.errors import ImageTooLarge
from workers.layout import BoundingBox, Face, PageLayout, Picture, Separator, TextLine
from workers.on_original import Original, on_original, placed_on_original, with_original
from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page
from workers.sources import jpeg2000_reduced
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.jpeg2000 import halved
from workers.sources.jpeg2000_reduced import halvings_for
from workers.sources.limits import Limits
from workers.sources.pictures import ENOUGH_FOR_TEXT
from workers.stages.binarization import survey


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half and quarter sizes also of pages that are small enough for a test: as if all had a tenth of the pixels."""
    monkeypatch.setattr(jpeg2000_reduced, "LEAST_PIXELS", 0)
    for module in (jpeg2000_reduced, survey):
        monkeypatch.setattr(module, "SURVEY_PIXELS", 6e5)


def page_file(folder: Path, pixels: np.ndarray, **options: object) -> Path:
    path = folder / "p.jp2"
    Image.fromarray(pixels).save(path, num_resolutions=6, **options)  # type: ignore[arg-type]
    return path


def opened(path: Path, may_be_smaller: bool = True) -> Image.Image:
    return open_page(
        path.parent, PageAddress((path.name,)), Limits(), reduction=ENOUGH_FOR_TEXT if may_be_smaller else 1
    )


def scanned(size: int, height: int = 1000, width: int = 800) -> np.ndarray:
    """Return a page of type of `size` pixels as a scanner sees it: no edge sharper than its lens, on greyish paper."""
    ink, _ = printed_page(1, size=size, shape=(height, width))
    return (cv2.GaussianBlur(255 - ink, (0, 0), 1.2) * 0.7 + 45).astype(np.uint8)


@pytest.mark.parametrize("options", [{"irreversible": True}, {"irreversible": False}])
def test_a_page_of_large_type_is_read_at_half_its_size_with_the_same_lines(
    tmp_path: Path, any_size: None, options: dict[str, bool]
) -> None:
    page = scanned(46)
    path = page_file(tmp_path, page, **options)
    whole, smaller = opened(path, may_be_smaller=False), opened(path)
    assert smaller.width == whole.width // 2
    expected, found = analyse_page(whole, PipelineParameters()), analyse_page(smaller, PipelineParameters())
    found = on_original(found, smaller)
    assert (found.width, found.height) == whole.size
    assert len(found.lines) == len(expected.lines)
    away = [
        max(abs(a - b) for a, b in zip(corners(one.bbox), corners(other.bbox), strict=True))
        for one, other in zip(expected.lines, found.lines, strict=True)
    ]
    assert np.median(away) <= 2 and max(away) <= 8


def corners(box: BoundingBox) -> tuple[int, int, int, int]:
    return box.x_min, box.y_min, box.x_max, box.y_max


def test_the_smaller_page_is_nearly_what_averaging_the_whole_gives(tmp_path: Path, any_size: None) -> None:
    page = scanned(46)
    image = opened(page_file(tmp_path, page, irreversible=True))
    expected = cv2.resize(page, (400, 500), interpolation=cv2.INTER_AREA)
    assert image.size == (400, 500)
    assert np.abs(np.asarray(image).astype(int) - expected).mean() < 1.0


def test_a_page_of_small_type_is_read_in_full(tmp_path: Path, any_size: None) -> None:
    page = scanned(14)
    assert opened(page_file(tmp_path, page)).size == (800, 1000)


def test_pages_that_are_not_large_are_read_in_full(tmp_path: Path) -> None:
    page = scanned(46)
    assert opened(page_file(tmp_path, page)).size == (800, 1000)


@pytest.mark.parametrize(
    ("megapixels", "levels", "halvings"), [(20, 5, 0), (40, 5, 0), (75, 5, 2), (75, 2, 1), (75, 1, 0), (200, 5, 1)]
)
def test_a_size_is_taken_that_the_first_look_has_anyway(megapixels: int, levels: int, halvings: int) -> None:
    assert halvings_for((megapixels * 1000, 1000), levels) == halvings


@pytest.mark.parametrize("size", [(641, 481), (642, 483), (643, 482), (644, 480)])
@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_every_size_can_be_halved(size: tuple[int, int], halvings: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0])).astype(np.uint8)
    with page_file(tmp_path, cv2.GaussianBlur(pixels, (0, 0), 3)).open("rb") as file:
        image = halved(file, halvings)
    assert image is not None and image.size == (-(-size[0] >> halvings), -(-size[1] >> halvings))


def test_what_has_too_few_sizes_is_not_halved(tmp_path: Path) -> None:
    path = tmp_path / "p.jp2"
    Image.new("L", (64, 64), 90).save(path, num_resolutions=2)
    with path.open("rb") as file:
        assert halved(file, 1) is not None and halved(file, 2) is None


def layout() -> PageLayout:
    box = BoundingBox(10, 20, 30, 40)
    line = TextLine(box, baseline=((10, 39), (29, 39)), boundary=((10, 20), (29, 20), (29, 39)))
    separator, picture = Separator(box, "printed", ((20, 0), (20, 99))), Picture(box, ((10, 20),), "other", 0.1)
    return PageLayout(50, 100, (line,), (separator,), (Face(box),), pictures=(picture,))


def test_a_layout_is_brought_to_the_pixels_of_the_original() -> None:
    image = with_original(Image.new("L", (50, 100)), Original((205, 410), (0, 0, 200, 400)))
    found = on_original(layout(), image)
    assert (found.width, found.height) == (205, 410)
    assert corners(found.lines[0].bbox) == (40, 80, 120, 160) == corners(found.faces[0].bbox)
    assert found.lines[0].baseline == ((42, 158), (118, 158))
    assert found.separators[0].path == ((82, 2), (82, 398))


def test_a_picture_that_was_turned_upright_is_turned_against_its_original() -> None:
    image = with_original(Image.new("L", (100, 50)), Original((400, 200), (0, 0, 400, 200)))
    found = on_original(layout(), image)
    assert (found.width, found.height) == (200, 400) and corners(found.lines[0].bbox) == (40, 80, 120, 160)


def test_a_picture_on_a_part_of_its_canvas_keeps_its_place_and_never_leaves_it() -> None:
    image = with_original(Image.new("L", (50, 100)), Original((90, 90), (30, 40, 60, 50)))
    found = on_original(layout(), image)
    assert corners(found.lines[0].bbox) == (42, 50, 66, 60)
    tiny = on_original(layout(), with_original(Image.new("L", (50, 100)), Original((5, 5), (0, 0, 5, 5))))
    assert all(box.bbox.area > 0 and box.bbox.x_max <= 5 for box in (*tiny.lines, *tiny.faces))


def test_a_picture_of_no_other_original_leaves_the_layout_as_it_is() -> None:
    assert on_original(layout(), Image.new("L", (50, 100))) == layout()


def test_a_smaller_picture_is_shown_in_the_pixels_of_its_original() -> None:
    image = Image.new("RGB", (50, 100), "black")
    assert placed_on_original(image, 10**6) is image
    whole = placed_on_original(with_original(image, Original((200, 400), (0, 0, 200, 400))), 10**6)
    assert whole.size == (200, 400) and whole.getpixel((199, 399)) == (0, 0, 0)
    part = placed_on_original(with_original(image, Original((90, 90), (30, 40, 60, 50))), 10**6)
    assert part.size == (90, 90) and part.getpixel((29, 39)) == (255, 255, 255) and part.getpixel((30, 40)) == (0, 0, 0)
    with pytest.raises(ImageTooLarge):
        placed_on_original(with_original(image, Original((10**6, 10**6), (0, 0, 10**6, 10**6))), 10**6)
