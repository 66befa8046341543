"""What is known of lines beside their boxes: columns, kinds, baselines; pictures; what a file says of its scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.unit.drawn_pages import two_columns
from workers.layout import BoundingBox, PageLayout, Separator, TextLine, straight_baseline
from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.deskew import deskewed
from workers.stages.faces.confidence import confidence_of
from workers.stages.palette.normalise import normalise
from workers.stages.palette.scan_facts import scan_facts
from workers.stages.segmentation.blocks import text_blocks
from workers.stages.segmentation.column_numbers import number_columns
from workers.stages.segmentation.line_confidence import BIAS, WEIGHTS
from workers.stages.segmentation.line_kinds import line_kinds
from workers.stages.separators.joined_pieces import join_pieces


def boxes(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(rows, np.int64).reshape(-1, 4)


LEFT, RIGHT, ABOVE = (0, 100, 400, 120), (500, 100, 900, 120), (0, 20, 900, 60)
RULE = (449, 90, 452, 900)


def test_lines_are_numbered_by_the_separators_beside_them() -> None:
    numbers, columns = number_columns(boxes(ABOVE, LEFT, RIGHT), boxes(RULE), 1000, right_to_left=False)
    assert numbers.tolist() == [1, 1, 2]
    assert columns == 2


def test_the_first_column_is_the_rightmost_where_text_runs_so() -> None:
    numbers, _ = number_columns(boxes(ABOVE, LEFT, RIGHT), boxes(RULE), 1000, right_to_left=True)
    assert numbers.tolist() == [1, 2, 1]


def test_a_rule_without_text_on_one_side_parts_no_columns() -> None:
    numbers, columns = number_columns(boxes(LEFT), boxes(RULE), 1000, right_to_left=False)
    assert (numbers.tolist(), columns) == ([1], 1)


def test_a_double_rule_is_one() -> None:
    twice = boxes(RULE, (458, 90, 461, 900))
    assert number_columns(boxes(LEFT, RIGHT), twice, 1000, right_to_left=False)[1] == 2


def test_a_page_without_lines_has_no_columns() -> None:
    assert number_columns(boxes(), boxes(RULE), 1000, right_to_left=False)[1] == 0


def test_headlines_and_drop_capitals_are_told_by_their_size() -> None:
    body = [(60, 100 + 30 * n, 400, 120 + 30 * n) for n in range(9)]
    initial, headline = (0, 100, 50, 155), (0, 20, 400, 70)
    assert line_kinds(boxes(headline, initial, *body)) == ["headline", "drop_capital", *["body"] * 9]


@pytest.mark.parametrize("degrees", [0.0, 2.5, -2.5])
def test_boxes_find_back_to_the_working_page(degrees: float) -> None:
    _, placement = deskewed(np.full((700, 500), 255, np.uint8), degrees, 255, (1000, 1400), (2.0, 2.0))
    working = np.array([[60.0, 80.0, 300.0, 95.0], [100.0, 300.0, 400.0, 312.0]])
    assert placement.working_boxes(placement.boxes(working)) == pytest.approx(working, abs=2.5)


def drawn(turn: float = 0.0) -> tuple[Image.Image, list[int]]:
    """Return a page of twelve lines with descenders, and the heights of their baselines."""
    page = Image.new("L", (1200, 1000), 245)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(28)
    levels = [150 + 60 * n for n in range(12)]
    for level in levels:
        draw.text((100, level), "Typography by gypsies jumping quickly over quays", 20, font, anchor="ls")
    return page.rotate(-turn, fillcolor=245, resample=Image.Resampling.BICUBIC), levels


def test_baselines_run_through_the_feet_of_the_letters() -> None:
    page, levels = drawn()
    found = analyse_page(page, PipelineParameters()).lines
    assert len(found) == len(levels)
    for line, level in zip(found, levels, strict=True):
        left, right = straight_baseline(line) or (0, 0)
        assert (left, right) == (pytest.approx(level, abs=4), pytest.approx(level, abs=4))
        assert line.bbox.y_max > level + 3  # the descenders hang below it


def test_baselines_follow_the_skew_of_the_page() -> None:
    found = analyse_page(drawn(2.0)[0], PipelineParameters()).lines
    for line in found:
        left, right = straight_baseline(line) or (0, 0)
        assert np.degrees(np.arctan2(right - left, line.bbox.width)) == pytest.approx(2.0, abs=0.6)


def test_a_halftone_is_a_photograph_and_lines_beside_it_are_text() -> None:
    page, _ = drawn()
    y, x = np.mgrid[0:420, 0:380]
    photograph = Image.fromarray((60 + 60 * np.sin(x / 60) * np.cos(y / 50)).astype(np.uint8))
    wide = Image.new("L", (1750, 1000), 245)
    wide.paste(page)
    wide.paste(photograph, (1200, 200))
    found = analyse_page(wide, PipelineParameters())
    (picture,) = found.pictures
    assert picture.kind == "photograph"
    assert picture.bbox.iou(BoundingBox(1200, 200, 1580, 620)) > 0.85
    assert picture.share == pytest.approx(420 * 380 / (1750 * 1000), rel=0.15)


def test_blocks_name_the_column_of_their_lines() -> None:
    lines = (
        TextLine(BoundingBox(*LEFT), column=1),
        TextLine(BoundingBox(0, 130, 400, 150), column=1),
        TextLine(BoundingBox(*RIGHT), column=2),
    )
    found = text_blocks(PageLayout(1000, 1000, lines))
    assert [(block.first, len(block.lines), block.column) for block in found] == [(1, 2, 1), (3, 1, 2)]


def facts(image: Image.Image, path: Path, **how: object) -> tuple[object, ...]:
    image.save(path, **how)  # type: ignore[arg-type]
    with Image.open(path) as opened:
        found = scan_facts(opened, normalise(opened).rgb)
    return found.format, found.mode, found.bit_depth, found.dpi, found.is_colour


def test_the_file_tells_format_depth_and_resolution(tmp_path: Path) -> None:
    grey = Image.new("L", (300, 200), 240)
    assert facts(grey, tmp_path / "a.png", dpi=(300, 300)) == ("PNG", "L", 8, (300, 300), False)
    assert facts(grey.convert("1"), tmp_path / "a.tif", dpi=(600, 400)) == ("TIFF", "1", 1, (600, 400), False)
    assert facts(grey, tmp_path / "b.png")[3] is None


def test_a_resolution_that_cannot_be_is_none(tmp_path: Path) -> None:
    large = Image.new("L", (2000, 1500), 240)
    assert facts(large, tmp_path / "a.jpg", dpi=(72, 72))[3] is None
    assert facts(large, tmp_path / "b.jpg", dpi=(1, 1))[3] is None


def test_sepia_paper_has_no_colours_and_a_red_stamp_has(tmp_path: Path) -> None:
    sepia = Image.new("RGB", (600, 800), (225, 205, 165))
    draw = ImageDraw.Draw(sepia)
    for y in range(50, 700, 20):
        draw.rectangle((50, y, 550, y + 8), (60, 52, 40))
    assert facts(sepia, tmp_path / "a.png")[4] is False
    draw.rectangle((200, 300, 400, 380), (200, 30, 30))
    assert facts(sepia, tmp_path / "b.png")[4] is True


def test_confidence_rises_with_the_level_and_ends_below_one() -> None:
    found = [confidence_of(level, "cascade") for level in (0.0, 5.0, 8.5, 20.0, 100.0, 1_000.0)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.0, 0.97)
    assert found[2] < 0.5 < 0.75 < found[3], "half of those at level 10 to 15 are true, nearly all above"
    assert confidence_of(0.83, "yunet") == confidence_of(0.83, "centerface") == 0.83


def piece(top: int, bottom: int, x: int = 500, origin: str = "printed") -> Separator:
    path = ((x, top), (x, bottom))
    return Separator(BoundingBox(x, top, x + 1, bottom + 1), "printed" if origin == "printed" else "inserted", path)


BESIDE = [BoundingBox(100, 30 * n, 480, 30 * n + 20) for n in range(40)]


def test_the_pieces_of_one_rule_are_one_separator() -> None:
    (joined,) = join_pieces([piece(450, 800, 502), piece(10, 400, origin="inserted"), piece(830, 1100, 501)], BESIDE)
    assert (joined.bbox.y_min, joined.bbox.y_max, joined.path[0], joined.path[-1]) == (10, 1101, (500, 10), (501, 1100))


def test_rules_that_a_headline_parts_are_two() -> None:
    headline = BoundingBox(100, 405, 900, 445)
    assert len(join_pieces([piece(10, 400), piece(450, 800)], [*BESIDE, headline])) == 2


def test_rules_beside_each_other_and_far_below_stay_apart() -> None:
    assert len(join_pieces([piece(10, 400), piece(420, 800, 560), piece(600, 800)], BESIDE)) == 3


def test_lines_of_print_are_nearly_certain() -> None:
    found = [line.confidence or 0.0 for line in analyse_page(two_columns().image, PipelineParameters()).lines]
    assert np.median(found) > 0.9
    assert all(0 < one < 1 for one in found)


def test_a_line_that_hardly_stands_out_is_less_certain() -> None:
    certain = WEIGHTS @ [np.log1p(30), 1.0, 0.0, 0.0, 0.9] + BIAS
    faint, short, of_a_page_that_went_wrong = (
        WEIGHTS @ measures + BIAS
        for measures in (
            [np.log1p(30), 0.3, 0.0, 0.0, 0.9],
            [np.log1p(1), 1.0, -2.0, 0.0, 0.9],
            [np.log1p(30), 1.0, 0.0, 0.6, 0.4],
        )
    )
    assert certain > 3.0
    assert max(faint, short, of_a_page_that_went_wrong) < certain - 1.0
