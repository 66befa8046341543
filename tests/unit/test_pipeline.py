import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.evaluation.matching import as_boxes, match_boxes
from tests.unit.drawn_pages import two_columns
from workers.errors import MaskMismatch
from workers.layout import PageLayout
from workers.parameters import PipelineParameters, SegmentationParameters, SeparatorParameters
from workers.pipeline import analyse_page
from workers.telemetry.timing import StageClock

PARAMETERS = PipelineParameters()


def _lines(layout: PageLayout) -> np.ndarray:
    return as_boxes([(b.x_min, b.y_min, b.x_max, b.y_max) for b in (line.bbox for line in layout.lines)])


def test_the_lecture_page_has_fifty_lines_and_none_across_its_columns(shared_data: Path) -> None:
    with Image.open(shared_data / "seed" / "two_col.png") as image:
        page = analyse_page(image, PARAMETERS)
    middle = image.width / 2
    assert len(page.lines) == 50
    assert sum(line.bbox.x_max < middle + 30 for line in page.lines) == 24
    assert all(line.bbox.width < 0.5 * image.width for line in page.lines)


@pytest.mark.parametrize(
    "page, least", [("img_0017_nzz_17960511_0_0_a1_p1_1.tif", 0.93), ("img_0083_nzz_18620630_0_0_a1_p1_1.tif", 0.96)]
)
def test_the_lines_of_a_real_newspaper_page_are_right(shared_data: Path, page: str, least: float) -> None:
    folder = shared_data / "newspaper_nzz"
    truth = json.loads((folder / "truth.json").read_text())[page]["lines"]
    with Image.open(folder / page) as image:
        found = _lines(analyse_page(image, PARAMETERS))
    matched = len(match_boxes(found, as_boxes(truth)).pairs)
    assert 2 * matched / (len(found) + len(truth)) >= least


def test_turning_a_real_page_by_three_degrees_does_not_hurt(shared_data: Path) -> None:
    with Image.open(shared_data / "newspaper_nzz" / "img_0017_nzz_17960511_0_0_a1_p1_1.tif") as image:
        grey = image.convert("L")
    straight = analyse_page(grey, PARAMETERS)
    turned = analyse_page(grey.rotate(-3, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC), PARAMETERS)
    assert turned.skew_degrees - straight.skew_degrees == pytest.approx(3, abs=0.15)
    assert abs(len(turned.lines) - len(straight.lines)) <= 6


def test_the_stages_are_timed_in_their_order() -> None:
    entered: list[str] = []
    page = analyse_page(two_columns().image, PARAMETERS, StageClock(entered.append))
    assert entered == ["palette", "binarization", "separators", "segmentation", "structure", "faces"]
    assert [timing.stage for timing in page.timings] == entered
    assert page.timings[3].items == len(page.lines)


@pytest.mark.parametrize("method", ["columns", "gaps", "none"])
@pytest.mark.parametrize("segmenter", ["fast", "kraken"])
def test_every_way_of_finding_lines_works_with_every_way_of_parting_columns(method: str, segmenter: str) -> None:
    drawn = two_columns(width=1400, height=900)
    parameters = PipelineParameters(
        separators=SeparatorParameters(method=method),  # type: ignore[arg-type]
        segmentation=SegmentationParameters(segmenter=segmenter),  # type: ignore[arg-type]
    )
    page = analyse_page(drawn.image, parameters)
    assert len(page.lines) >= 40
    assert bool(page.separators) == (method != "none")


def test_a_mask_keeps_lines_out() -> None:
    drawn = two_columns()
    mask = np.zeros((drawn.height, drawn.width), np.uint8)
    mask[:700] = 1
    page = analyse_page(drawn.image, PARAMETERS, mask=mask)
    assert page.lines
    assert all(line.bbox.y_max < 715 for line in page.lines)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(MaskMismatch, match="The mask has 40 x 30 pixels"):
        analyse_page(two_columns().image, PARAMETERS, mask=np.ones((30, 40), np.uint8))


def _specks(size: int) -> Image.Image:
    pixels = np.full((2000, 1600), 255, np.uint8)
    for x, y in np.random.default_rng(1).integers(0, 1590, (50_000, 2)):
        pixels[y : y + size, x : x + size] = 0
    return Image.fromarray(pixels)


def _blob() -> Image.Image:
    rows, columns = np.mgrid[:1500, :1200]
    return Image.fromarray(np.where((rows - 750) ** 2 + (columns - 600) ** 2 < 450**2, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "image, reason",
    [
        (Image.new("L", (600, 800), 255), "blank"),
        (Image.new("L", (600, 800), 0), "black"),
        (Image.new("1", (1, 1), 1), "blank"),
        (Image.new("L", (1, 1), 0), "black"),
        (Image.new("L", (2, 3000), 255), "blank"),
        (Image.fromarray(np.random.default_rng(0).integers(0, 256, (1500, 1200), dtype=np.uint8)), "noise"),
        (_specks(4), "noise"),
        (_specks(8), "no_text_lines"),  # so many that they run together
        (_blob(), "no_text"),
    ],
)
def test_a_page_without_text_has_a_reason(image: Image.Image, reason: str) -> None:
    page = analyse_page(image, PARAMETERS)
    assert (page.lines, page.empty_reason) == ((), reason)
    assert (page.width, page.height) == image.size


def test_a_page_of_one_line_has_one_line() -> None:
    from tests.unit.drawn_pages import DrawnPage

    drawn = DrawnPage()
    drawn.line(200, 300, "Nur eine einzige Zeile steht hier", 40)
    page = analyse_page(drawn.image, PARAMETERS)
    assert len(page.lines) == 1
    assert page.empty_reason is None
