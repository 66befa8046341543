import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from samples.pages import PageDesign, draw
from tests.unit.drawn_pages import WORDS, DrawnPage, two_columns
from workers.layout import Separator
from workers.parameters import BinarizationParameters, PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.working_page import working_page
from workers.stages.separators.columns import find_columns, gap_columns, to_separators
from workers.stages.separators.gutter_pieces import Gutter, is_collinear, merge_collinear
from workers.stages.separators.gutters import parts_columns


def separators(page: DrawnPage) -> tuple[Separator, ...]:
    working = working_page(page.grey, BinarizationParameters())
    return to_separators(find_columns(working), working.placement)


def test_the_white_between_two_columns_is_one_gutter() -> None:
    found = separators(two_columns())
    assert [separator.origin for separator in found] == ["inserted"]
    assert 640 < found[0].bbox.x_min < found[0].bbox.x_max < 720
    assert found[0].bbox.height > 36 * 37


def test_a_page_of_one_column_has_none() -> None:
    page = DrawnPage()
    page.column(100, 100, 1200, 40)
    assert separators(page) == ()


def test_short_last_lines_open_no_column() -> None:
    page = DrawnPage()
    for top in range(100, 1500, 150):
        page.column(100, top, 900, 4)
    assert separators(page) == ()


def test_a_gutter_begins_below_a_headline_across_both_columns() -> None:
    page = DrawnPage()
    page.line(150, 80, "Neueste Nachrichten aus Bern und Wien", 60)
    page.column(80, 220, 560, 30)
    page.column(720, 220, 560, 30)
    found = separators(page)
    assert len(found) == 1
    assert found[0].bbox.y_min > 130


def test_no_gutter_runs_through_the_space_between_two_words_of_a_headline() -> None:
    page = DrawnPage()
    page.column(80, 200, 560, 12)
    page.column(720, 200, 560, 12)
    page.line(150, 720, "Handel und Verkehr in Wien", 70)
    page.column(80, 860, 560, 12)
    page.column(720, 860, 560, 12)
    above, below = sorted(separators(page), key=lambda separator: separator.bbox.y_min)
    assert above.bbox.y_max <= 770 and below.bbox.y_min >= 770


def test_a_gutter_ends_above_an_advertisement_across_both_columns() -> None:
    page = DrawnPage()
    page.column(80, 100, 560, 24)
    page.column(720, 100, 560, 24)
    page.column(80, 1040, 1200, 12)
    found = separators(page)
    assert len(found) == 1
    assert found[0].bbox.y_max < 1060


def test_a_printed_rule_in_the_gutter_is_the_separator() -> None:
    page = two_columns()
    page.draw.line((680, 100, 680, 1530), fill=0, width=3)
    found = separators(page)
    assert [separator.origin for separator in found] == ["printed"]
    assert abs(found[0].bbox.y_max - 1530) < 30


def test_the_white_below_a_short_column_leads_no_gutter_into_the_next() -> None:
    sheet = draw(PageDesign(3079, columns=4, type_size=16, pitch=19, gutter=28))
    grey = np.array(sheet.image.convert("L"))
    grey[1500:2150, 430:742] = 255  # the second of four columns ends early
    working = working_page(grey, BinarizationParameters())
    found = to_separators(find_columns(working), working.placement)
    assert [separator.bbox.x_min // 100 for separator in found] == [4, 7, 10]
    assert all(separator.bbox.height > 1250 for separator in found)


def test_the_white_below_a_short_column_between_printed_rules_is_no_gutter() -> None:
    page = DrawnPage()
    for x, lines in ((60, 40), (500, 26), (940, 40)):
        page.column(x, 100, 390, lines)
    for x in (475, 915):
        page.draw.line((x, 100, x, 1540), fill=0, width=3)
    assert [separator.origin for separator in separators(page)] == ["printed", "printed"]


def test_a_frame_around_the_page_parts_no_columns() -> None:
    page = DrawnPage()
    page.column(100, 100, 1200, 40)
    page.draw.rectangle((40, 40, 1360, 1700), outline=0, width=3)
    assert separators(page) == ()


def test_the_edge_of_a_page_beside_a_strip_of_the_next_one_parts_no_columns() -> None:
    page = two_columns()
    page.draw.line((1330, 60, 1330, 1700), fill=0, width=3)
    for y in range(100, 1500, 36):
        page.line(1345, y, "und so", 26)
    assert all(separator.bbox.x_max < 800 for separator in separators(page))


@pytest.mark.parametrize(
    "width, block, lines, parts",
    [
        (22, 300, 8, True),
        (13, 300, 8, False),
        (22, 40, 8, False),
        (22, 300, 4, False),
        (14, 40, 40, True),
        (9, 300, 40, False),
    ],
)
def test_a_gutter_is_wider_than_a_word_space_and_taller_than_a_paragraph(
    width: float, block: float, lines: float, parts: bool
) -> None:
    assert parts_columns(width, block, lines, word_space=10.0, scale=11.0) == parts


def test_the_white_of_a_small_table_is_no_gutter() -> None:
    page = DrawnPage()
    page.column(100, 100, 1200, 14)
    for number in range(9):
        page.line(150, 640 + 40 * number, "London", 26)
        page.line(320, 640 + 40 * number, "90 T.", 26)
        page.line(470, 640 + 40 * number, "24 d.", 26)
    page.column(100, 1040, 1200, 14)
    assert separators(page) == ()


def test_three_columns_have_two_gutters() -> None:
    page = DrawnPage()
    for x in (60, 500, 940):
        page.column(x, 100, 390, 40)
    assert len(separators(page)) == 2


def test_a_picture_across_a_gutter_leaves_one_separator_above_and_one_below() -> None:
    page = DrawnPage()
    page.column(80, 100, 560, 16)
    page.column(720, 100, 560, 16)
    page.draw.rectangle((400, 760, 960, 1160), fill=90)
    page.column(80, 1200, 560, 14)
    page.column(720, 1200, 560, 14)
    above, below = sorted(separators(page), key=lambda separator: separator.bbox.y_min)
    assert above.bbox.y_max <= 800 and below.bbox.y_min >= 1120


def test_a_gutter_whose_text_is_broken_off_on_one_side_is_one_separator() -> None:
    page = DrawnPage()
    page.column(80, 100, 560, 14)
    page.column(720, 100, 560, 40)
    page.column(80, 1200, 560, 12)
    assert len(separators(page)) == 1


def test_a_piece_of_a_gutter_lies_in_line_with_the_piece_above_it() -> None:
    above = Gutter(np.array([(100.0, 0.0), (104.0, 400.0)]), (0, 400), 20.0, 300.0, 15.0)
    below = Gutter(np.array([(108.0, 600.0), (110.0, 900.0)]), (600, 900), 20.0, 100.0, 8.0)
    assert is_collinear(below, above, 20)
    assert not is_collinear(below, replace(above, path=above.path - [60.0, 0.0]), 20)


@pytest.mark.parametrize("gap, white, count", [(8, True, 1), (8, False, 2), (30, True, 2)])
def test_gutters_that_meet_are_one_where_white_is_between(gap: float, white: bool, count: int) -> None:
    above = Gutter(np.array([(100.0, 0.0), (104.0, 400.0)]), (0, 400), 20.0, 300.0, 15.0)
    below = Gutter(np.array([(108.0, 400.0 + gap), (110.0, 900.0)]), (400 + gap, 900), 20.0, 300.0, 15.0)
    found = merge_collinear([below, above], 20, lambda columns, rows: white)
    assert len(found) == count
    assert count == 2 or (np.diff(found[0].path[:, 1]) > 0).all()


@pytest.mark.parametrize("white, at_350, at_550", [(True, 101.5, 104.5), (False, 103.0, 106.0)])
def test_gutters_that_go_on_through_each_other_are_one(white: bool, at_350: float, at_550: float) -> None:
    def gutter(x: float, top: float, bottom: float, seen: tuple[float, float]) -> Gutter:
        return Gutter(np.array([(x, top), (x, bottom)]), seen, 20.0, 300.0, 10.0)

    upper, lower = gutter(100, 0, 900, (0, 300)), gutter(106, 100, 1000, (600, 1000))
    between, aside = gutter(103, 250, 950, (400, 500)), gutter(150, 0, 1000, (0, 1000))
    found = merge_collinear([lower, aside, between, upper], 20, lambda columns, rows: white)
    one, other = sorted(found, key=lambda gutter: gutter.path[0, 0])
    assert (one.top, one.bottom, one.seen, one.lines) == (0, 1000, (0, 1000), 30.0)
    rows = np.array([300.0, 350.0, 400.0, 500.0, 550.0, 600.0])
    assert one.at(rows) == pytest.approx([100, at_350, 103, 103, at_550, 106])
    assert other is aside


def test_narrow_columns_are_parted_though_headings_break_what_is_seen_of_their_gutters() -> None:
    sheet = draw(PageDesign(3, columns=8, type_size=12, pitch=16, gutter=15))
    working = working_page(np.asarray(sheet.image.convert("L")), BinarizationParameters())
    found = to_separators(find_columns(working), working.placement)
    assert len(found) == 7
    assert all(separator.bbox.height > 1800 for separator in found)


def test_every_separator_keeps_its_path_inside_its_box() -> None:
    for separator in separators(two_columns()):
        x, y = np.array(separator.path).T
        assert (np.diff(y) > 0).all()
        assert (x.min(), x.max() + 1) == (separator.bbox.x_min, separator.bbox.x_max)


def test_the_exhaustive_scan_draws_into_gaps_of_its_size() -> None:
    from workers.stages.binarization.working_page import full_page

    page = full_page(two_columns().grey, BinarizationParameters())
    columns = gap_columns(page, 25, 186)
    assert any((path[:, 0] > 650).all() and (path[:, 0] < 710).all() for path, _ in columns.paths)


def test_columns_of_centred_advertisements_are_parted_where_few_lines_reach_the_gutter() -> None:
    page = DrawnPage()
    font = ImageFont.load_default(26)
    for middle in (360, 1000):
        for number, y in enumerate(range(100, 1600, 40)):
            words = page.random.choices(WORDS, k=8 if number % 12 == 0 else page.random.randint(3, 5))
            text = " ".join(words)
            page.line(round(middle - font.getlength(text) / 2), y, text, 26)
    found = separators(page)
    assert all(600 < separator.bbox.x_min < separator.bbox.x_max < 760 for separator in found)
    assert 1300 < sum(separator.bbox.height for separator in found) < 1650


def test_a_narrow_column_of_numbers_beside_a_list_is_no_column_of_its_own() -> None:
    page = DrawnPage()
    font = ImageFont.load_default(26)
    for number, y in enumerate(range(100, 1600, 40)):
        page.line(100, y, str(number), 26)
        text = " ".join(page.random.choices(WORDS, k=9))
        page.line(round(800 - font.getlength(text) / 2), y, text, 26)
    assert separators(page) == ()


def test_a_gutter_ends_with_its_text_though_the_white_goes_on_to_a_notice_far_below() -> None:
    page = DrawnPage()
    page.column(80, 100, 560, 20)
    page.column(720, 100, 560, 20)
    page.column(720, 1300, 560, 4)
    (gutter,) = separators(page)
    assert gutter.bbox.y_max < 100 + 24 * 36


def test_pieces_too_short_for_a_rule_make_a_gutter_a_printed_one() -> None:
    page = two_columns()
    for top in range(110, 1500, 170):
        page.draw.line((680, top, 680, top + 54), fill=0, width=3)
    assert [separator.origin for separator in separators(page)] == ["printed"]
    page = two_columns()
    page.draw.line((680, 110, 680, 170), fill=0, width=3)
    assert [separator.origin for separator in separators(page)] == ["inserted"]


def test_lines_that_repeat_their_words_have_no_gutter_between_them() -> None:
    image = Image.new("L", (700, 900), 255)
    draw = ImageDraw.Draw(image)
    for line in range(20):
        words = f"page one is what line number {line + 1} says"
        draw.text((40, 40 + 40 * line), words, fill=0, font=ImageFont.load_default(24))
    layout = analyse_page(image, PipelineParameters(segmentation=SegmentationParameters(second_reader="never")))
    assert len(layout.lines) == 20 and not layout.separators


def test_a_gutter_full_of_specks_is_seen_in_the_lines_that_run_over_it() -> None:
    page = DrawnPage(1260, 1500, seed=3)
    page.column(80, 80, 540, 38, size=24, pitch=36)
    page.column(638, 80, 540, 38, size=24, pitch=36)
    chance = random.Random(3)
    for _ in range(320):
        x, y = chance.randrange(620, 636), chance.randrange(80, 1440)
        page.draw.ellipse((x, y, x + 3, y + 3), fill=0)
    once = PipelineParameters(segmentation=SegmentationParameters(second_reader="never"))
    layout = analyse_page(page.image, once)
    assert not any(line.bbox.x_min < 500 and line.bbox.x_max > 760 for line in layout.lines)
    assert abs(len(layout.lines) - len(page.lines)) <= 2
    assert any(abs(np.median([x for x, _ in separator.path]) - 628) < 20 for separator in layout.separators)
