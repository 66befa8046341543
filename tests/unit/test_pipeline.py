from pathlib import Path

from PIL import Image

from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page


def test_the_lecture_page_has_fifty_lines_and_none_across_its_columns(shared_data: Path) -> None:
    with Image.open(shared_data / "seed" / "two_col.png") as image:
        page = analyse_page(image, PipelineParameters())
    middle = image.width / 2
    assert len(page.lines) == 50
    assert sum(line.bbox.x_max < middle + 30 for line in page.lines) == 24
    assert all(line.bbox.width < 0.55 * image.width for line in page.lines)


def test_a_blank_page_has_a_reason() -> None:
    page = analyse_page(Image.new("L", (600, 800), 255), PipelineParameters())
    assert (page.lines, page.empty_reason) == ((), "blank")
