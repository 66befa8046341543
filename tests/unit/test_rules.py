import cv2
import numpy as np
from numpy.typing import NDArray

from tests.unit.drawn_pages import DrawnPage, two_columns
from workers.stages.raster.labelling import label_sparse
from workers.stages.separators.rules import _has_clear_margins, find_rules, rule_paths

SCALE = 15.0


def _rules(page: DrawnPage) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    ink = (page.grey < 128).astype(np.uint8)
    rules = find_rules(page.grey, ink, SCALE)
    return rules.vertical, rules.horizontal


def test_plain_text_has_no_rules() -> None:
    vertical, horizontal = _rules(two_columns())
    assert not vertical.any()
    assert not horizontal.any()


def test_a_rule_between_columns_is_found_at_its_true_extent() -> None:
    page = two_columns()
    page.draw.line((680, 120, 680, 1500), fill=0, width=3)
    paths = rule_paths(_rules(page)[0], SCALE)
    assert len(paths) == 1
    assert abs(paths[0][0, 1] - 120) < SCALE
    assert abs(paths[0][-1, 1] - 1500) < SCALE
    assert np.abs(paths[0][:, 0] - 681).max() < 3


def test_a_slanted_rule_keeps_its_slant() -> None:
    page = two_columns()
    page.draw.line((670, 100, 695, 1500), fill=0, width=3)
    path = rule_paths(_rules(page)[0], SCALE)[0]
    assert abs(path[0, 0] - 670) < 4
    assert abs(path[-1, 0] - 695) < 4


def test_a_curved_rule_is_one_rule() -> None:
    page = two_columns()
    rows = np.arange(100, 1500)
    curve = np.stack([680 + 8 * np.sin(rows / 450), rows], axis=1).astype(np.int32)
    canvas = np.array(page.grey)
    cv2.polylines(canvas, [curve], False, 0, 3)
    rules = find_rules(canvas, (canvas < 128).astype(np.uint8), SCALE)
    paths = rule_paths(rules.vertical, SCALE)
    assert len(paths) == 1
    assert np.ptp(paths[0][:, 0]) > 8


def test_a_broken_rule_is_one_rule() -> None:
    page = two_columns()
    for top in range(120, 1400, 120):
        page.draw.line((680, top, 680, top + 80), fill=0, width=3)
    paths = rule_paths(_rules(page)[0], SCALE)
    assert len(paths) == 1
    assert paths[0][-1, 1] - paths[0][0, 1] > 1100


def test_a_faint_rule_is_found() -> None:
    page = two_columns()
    page.draw.line((680, 120, 680, 1500), fill=150, width=2)
    assert len(rule_paths(_rules(page)[0], SCALE)) == 1


def test_a_row_of_stems_is_no_rule() -> None:
    page = two_columns()
    page.draw.rectangle((80, 100, 1300, 400), fill=255)
    for x in range(300, 700, 40):
        page.draw.line((x, 150, x, 300), fill=0, width=5)
    assert not _rules(page)[0].any()


def test_a_thick_bar_is_no_rule() -> None:
    page = two_columns()
    page.draw.rectangle((672, 120, 690, 1500), fill=0)
    assert not _rules(page)[0].any()


def test_a_rule_between_articles_is_horizontal() -> None:
    page = DrawnPage()
    page.column(80, 100, 560, 10)
    page.draw.line((80, 500, 640, 500), fill=0, width=3)
    page.column(80, 540, 560, 10)
    vertical, horizontal = _rules(page)
    assert not vertical.any()
    assert horizontal[500, 200:600].mean() > 0.9


def test_a_line_of_a_small_joined_hand_is_no_rule() -> None:
    page = two_columns()
    for y in range(1560, 1760, 50):
        page.draw.line((80, y, 1200, y), fill=180, width=5)  # hair strokes, paler than ink
        for x in range(80, 1200, 6):
            reach = page.random.randint(1, 4)
            page.draw.rectangle((x, y - reach, x + 2, y + page.random.randint(0, 3)), fill=60)
    assert not _rules(page)[1].any()


def test_a_broken_rule_across_the_page_is_a_rule() -> None:
    page = two_columns()
    for left in range(100, 900, 70):
        page.draw.line((left, 1650, left + 55, 1650), fill=90, width=2)
    assert _rules(page)[1][1640:1660].any()


def test_a_short_stroke_must_be_freer_than_a_long_one() -> None:
    """The words of some scripts hang on an unbroken stroke; a long rule may touch letters here and there."""
    strokes, ink = np.zeros((2, 400, 120), np.uint8)
    for x, height in ((20, 380), (90, 25)):
        strokes[10 : 10 + height, x] = ink[10 : 10 + height, x] = 1
        ink[10 : 10 + round(0.35 * height), x + 2 : x + 5] = 1
    labelled = label_sparse(strokes)
    free = _has_clear_margins(labelled, np.array([1, 2]), ink, SCALE)
    assert labelled.stats[free, 3].tolist() == [380]


def test_a_rule_does_not_go_on_in_the_frame_of_an_advertisement_beside_it() -> None:
    page = two_columns()
    page.draw.line((676, 120, 684, 900), fill=0, width=3)
    page.draw.line((668, 960, 668, 1500), fill=0, width=3)
    assert len(rule_paths(_rules(page)[0], SCALE)) == 2


def test_a_headline_between_two_rules_parts_them() -> None:
    page = two_columns()
    page.draw.line((680, 120, 680, 700), fill=0, width=3)
    page.line(560, 728, "NACHRICHTEN", 44)
    page.draw.line((680, 800, 680, 1500), fill=0, width=3)
    assert len(rule_paths(_rules(page)[0], SCALE)) == 2
