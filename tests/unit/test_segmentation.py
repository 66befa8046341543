from typing import Literal

import numpy as np
import pytest
from PIL import Image, ImageFont

from tests.unit.drawn_pages import DrawnPage, two_columns
from tests.unit.evidence import evidence_of
from workers.errors import TooManyLines
from workers.layout import BoundingBox, PageLayout
from workers.parameters import BinarizationParameters, PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.working_page import working_page
from workers.stages.segmentation.fragments import grow_to_components
from workers.stages.segmentation.gaps import GapFinder
from workers.stages.segmentation.tables import split_at_cells
from workers.stages.segmentation.xy_cut import xy_cut_order
from workers.stages.separators.columns import find_columns

NO_RULES = np.zeros((0, 4), np.int64)


def _analysed(page: DrawnPage) -> PageLayout:
    return analyse_page(page.image, PipelineParameters())


def _hits(page: DrawnPage, layout: PageLayout) -> int:
    truth = [BoundingBox(*box) for box in page.lines]
    return sum(any(found.bbox.iou(line) >= 0.5 for found in layout.lines) for line in truth)


def test_every_line_of_two_columns_is_found_and_none_across() -> None:
    page = two_columns()
    layout = _analysed(page)
    assert len(layout.lines) == len(page.lines)
    assert _hits(page, layout) == len(page.lines)


def test_headline_small_print_and_body_text_of_one_page_are_all_found() -> None:
    page = DrawnPage()
    page.line(200, 60, "Neue Zeitung", 150)
    page.line(300, 260, "Nachrichten aus Bern", 60)
    page.column(80, 380, 560, 24)
    page.column(720, 380, 560, 24)
    page.line(400, 1340, "Druck und Verlag von Orell in Bern", 18)
    layout = _analysed(page)
    assert _hits(page, layout) == len(page.lines)
    assert len(layout.lines) <= len(page.lines) + 1


def test_a_drop_capital_does_not_break_the_lines_beside_it() -> None:
    page = DrawnPage()
    page.column(180, 100, 800, 3)
    page.lines.pop()  # the short one
    page.column(80, 208, 900, 20)
    capital = DrawnPage()
    capital.line(80, 80, "R", 90)
    page.line(80, 80, "R", 90)
    page.lines.pop()
    layout = _analysed(page)
    assert _hits(page, layout) >= len(page.lines) - 1


def test_lines_are_read_column_by_column_under_their_headline() -> None:
    page = DrawnPage()
    page.line(150, 60, "Neueste Nachrichten aus Bern", 70)
    page.column(80, 200, 560, 12)
    page.column(720, 200, 560, 12)
    page.line(150, 720, "Handel und Verkehr in Wien", 70)
    page.column(80, 860, 560, 12)
    page.column(720, 860, 560, 12)
    found = [line.bbox for line in _analysed(page).lines]
    order = [next(k for k, box in enumerate(found) if box.iou(BoundingBox(*line)) > 0.5) for line in page.lines]
    assert order == sorted(order)


def test_columns_follow_from_right_to_left_where_the_text_does() -> None:
    boxes = np.array(
        [[0, 10 * k, 40, 10 * k + 8] for k in range(8)] + [[60, 10 * k, 100, 10 * k + 8] for k in range(8)]
    )
    assert xy_cut_order(boxes, NO_RULES, 4.0, "lr") == list(range(16))
    assert xy_cut_order(boxes, NO_RULES, 4.0, "rl") == [*range(8, 16), *range(8)]


def test_a_rule_across_the_page_parts_what_is_above_from_what_is_below() -> None:
    column = [[0, 10 * k, 40, 10 * k + 8] for k in range(16)]
    boxes = np.array(column + [[x0 + 60, y0, x1 + 60, y1] for x0, y0, x1, y1 in column])
    rule = np.array([[0, 79, 100, 80]])
    order = xy_cut_order(boxes, rule, 4.0, "lr")
    assert order == [*range(8), *range(16, 24), *range(8, 16), *range(24, 32)]


@pytest.mark.parametrize("direction", ["lr", "rl"])
def test_the_boxes_beside_a_title_are_read_one_after_the_other(direction: Literal["lr", "rl"]) -> None:
    left = [[0, 10 * k, 38, 10 * k + 8] for k in range(8)]
    right = [[162, 10 * k, 200, 10 * k + 8] for k in range(8)]
    title = [[50, 6, 150, 36], [60, 44, 140, 70]]
    columns = [[x, 100 + 10 * k, x + 90, 108 + 10 * k] for x in (0, 110) for k in range(20)]
    boxes = np.array(left + right + title + columns)
    rule = np.array([[0, 88, 200, 90]])
    order = xy_cut_order(boxes, rule, 4.0, direction)
    first, last = (range(8), range(8, 16)) if direction == "lr" else (range(8, 16), range(8))
    assert order[:18] == [*first, 16, 17, *last]


def test_two_thousand_lines_are_ordered_without_recursion() -> None:
    boxes = np.array([[60 * c, 10 * k, 60 * c + 50, 10 * k + 8] for c in range(8) for k in range(250)])
    assert xy_cut_order(boxes, NO_RULES, 4.0, "lr") == list(range(2000))


def test_a_heading_in_heavy_type_whose_letters_touch_is_one_line() -> None:
    page = DrawnPage()
    page.column(80, 100, 1200, 12)
    page.draw.text((420, 600), "Correspondence", fill=0, font=ImageFont.load_default(30), stroke_width=3)
    heading = page.draw.textbbox((420, 600), "Correspondence", font=ImageFont.load_default(30), stroke_width=3)
    page.column(80, 700, 1200, 12)
    boxes = [line.bbox for line in _analysed(page).lines]
    (found,) = [box for box in boxes if 590 < (box.y_min + box.y_max) / 2 < 660]
    assert np.abs(np.array(heading) - (found.x_min, found.y_min, found.x_max, found.y_max)).max() < 12
    assert len(boxes) == 25


def test_a_heading_whose_letters_have_run_into_spots_is_one_line_and_no_picture() -> None:
    page, font = DrawnPage(), ImageFont.load_default(28)
    page.column(80, 100, 1200, 12)
    for x, word in ((400, "Concerts"), (555, "and"), (630, "Lectures")):
        page.draw.text((x, 600), word, fill=0, font=font, stroke_width=5)
    page.column(80, 700, 1200, 12)
    components = find_columns(working_page(page.grey, BinarizationParameters())).components
    assert np.count_nonzero(components.bold_strokes & components.touching_words & ~components.letterlike) >= 2, (
        "or the page is too easy"
    )
    boxes = [line.bbox for line in _analysed(page).lines]
    (found,) = [box for box in boxes if 590 < (box.y_min + box.y_max) / 2 < 660]
    assert found.x_min == pytest.approx(395, abs=12)
    assert found.x_max == pytest.approx(755, abs=25)
    assert len(boxes) == 25


def test_such_a_heading_may_fill_its_column() -> None:
    page, font = DrawnPage(width=1000), ImageFont.load_default(28)
    for x in (60, 492):
        page.column(x, 100, 400, 30)
    for y in (100, 820):  # over the second line, beside body text across the gutter
        page.draw.rectangle((480, y + 30, 900, y + 74), fill=255)
        for x, word in ((492, "Concerts"), (650, "and"), (722, "Lectures")):
            page.draw.text((x, y + 36), word, fill=0, font=font, stroke_width=5)
    boxes = [line.bbox for line in _analysed(page).lines]
    headings = [box for box in boxes if box.x_min > 470 and box.width > 300 and box.height > 24]
    assert len([box for box in headings if 130 < box.y_min < 150 or 850 < box.y_min < 870]) == 2


def test_a_word_with_too_much_ink_stays_in_its_line() -> None:
    page = DrawnPage()
    page.column(80, 100, 1200, 14)
    clean = [line.bbox for line in _analysed(page).lines]
    x0, y0, x1, _ = page.lines[6]
    page.draw.text((x1 - 78, y0 - 7), "Stadt", fill=0, font=ImageFont.load_default(28), stroke_width=5)
    blotted = [line.bbox for line in _analysed(page).lines]
    assert len(blotted) == len(clean)
    assert max(box.x_max - box.x_min for box in blotted) < 1.05 * (x1 - x0)


def test_a_line_through_the_cells_of_a_table_is_cut() -> None:
    ink = np.zeros((400, 600), np.uint8)
    for row in range(20, 300, 40):
        ink[row : row + 14, 20:120] = 1
        ink[row : row + 14, 160:260] = 1
    lines = np.array([[20, row, 260, row + 14] for row in range(20, 300, 40)])
    cut = split_at_cells(lines, evidence_of(ink, 10.0, pitch=40.0))
    assert len(cut) == 2 * len(lines)
    assert set(cut[:, 0]) == {20, 160}


def test_no_box_is_looked_at_twice_for_the_holes_of_a_table() -> None:
    ink = np.zeros((60, 300), np.uint8)
    ink[20:34, 20:120] = ink[20:34, 160:260] = 1
    finder, lines = GapFinder(ink, 18.0), np.array([[20, 20, 260, 34]])
    assert finder.gaps_in(lines).tolist() == [[0, 120, 160]]
    ink[:] = 0
    assert finder.gaps_in(lines).tolist() == [[0, 120, 160]]


def test_a_wide_space_in_one_line_of_a_paragraph_does_not_cut_it() -> None:
    ink = np.zeros((400, 600), np.uint8)
    lines = np.array([[20, row, 400, row + 14] for row in range(20, 300, 20)])
    for x0, y0, x1, y1 in lines:
        ink[y0:y1, x0:x1] = 1
    ink[100:114, 200:225] = 0
    assert len(split_at_cells(lines, evidence_of(ink, 10.0, pitch=20.0))) == len(lines)


def test_three_words_that_fill_a_line_stay_together_and_two_cells_with_a_name_do_not() -> None:
    ink = np.zeros((100, 600), np.uint8)
    for left, right in ((20, 100), (150, 240), (288, 400)):
        ink[20:34, left:right] = 1
    for left, right in ((20, 100), (108, 180), (240, 280), (342, 400)):
        ink[60:74, left:right] = 1
    justified, cells = np.array([[20, 20, 400, 34], [20, 60, 400, 74]])
    assert len(split_at_cells(np.array([justified]), evidence_of(ink, 10.0, pitch=20.0))) == 1
    assert len(split_at_cells(np.array([cells]), evidence_of(ink, 10.0, pitch=20.0))) == 3


def test_a_page_with_more_lines_than_the_limit_is_refused() -> None:
    parameters = PipelineParameters(segmentation=SegmentationParameters(max_lines=5))
    with pytest.raises(TooManyLines, match=r"more than 5"):
        analyse_page(two_columns().image, parameters)


@pytest.mark.parametrize("direction, turn", [("vertical-lr", 90), ("vertical-rl", 270)])
def test_vertical_text_gives_the_same_lines_standing(direction: str, turn: int) -> None:
    page = two_columns()
    parameters = PipelineParameters(segmentation=SegmentationParameters(text_direction=direction))  # type: ignore[arg-type]
    layout = analyse_page(page.image.rotate(turn, expand=True), parameters)
    assert len(layout.lines) == len(page.lines)
    assert all(line.bbox.height > line.bbox.width for line in layout.lines[:30])


def test_lines_are_padded_to_the_left_and_right() -> None:
    page = two_columns()
    plain = _analysed(page).lines[3].bbox
    wide = analyse_page(page.image, PipelineParameters(segmentation=SegmentationParameters(pad=5))).lines[3].bbox
    assert wide.x_min < plain.x_min
    assert wide.x_max > plain.x_max
    assert (wide.y_min, wide.y_max) == (plain.y_min, plain.y_max)


def test_a_letter_that_touches_the_next_line_does_not_stretch_its_own() -> None:
    ink = np.zeros((200, 400), np.uint8)
    for row in (40, 90):
        for x in range(20, 380, 24):
            ink[row : row + 24, x : x + 16] = 1
    ink[70:106, 206:209] = 1  # a long stroke that hangs together with a tail of the line above
    lines = np.array([[20, 40, 380, 64], [20, 84, 380, 114]])
    assert grow_to_components(lines, evidence_of(ink, 20.0)).tolist() == lines.tolist()


def test_the_strip_of_a_facing_page_is_left_out_and_a_column_at_the_edge_is_not() -> None:
    page = two_columns()
    strip = page.image.crop((640 - 40, 0, 640, page.height))  # the ends of the lines of the left column
    beside = Image.new("L", (page.width + 40, page.height), 255)
    beside.paste(strip, (0, 0))
    beside.paste(page.image, (40, 0))
    cropped = page.image.crop((80, 0, page.width, page.height))
    assert len(analyse_page(beside, PipelineParameters()).lines) == len(page.lines)
    assert len(analyse_page(cropped, PipelineParameters()).lines) == len(page.lines)
