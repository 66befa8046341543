import numpy as np

from tests.unit.evidence import evidence_of
from workers.stages.segmentation.drop_capitals import add_drop_capitals

SCALE, PITCH = 12.0, 30.0
CAPITAL = [100, 100, 140, 150]
BESIDE = [[150, 100, 500, 120], [150, 130, 500, 150]]
UNDER = [[100, 160, 500, 180]]


def _found(box: list[int], lines: list[list[int]]) -> list[list[int]]:
    x0, y0, x1, y1 = box
    ink = np.zeros((400, 600), np.uint8)
    ink[y0:y1, x0 : x0 + 6] = ink[y0 : y0 + 6, x0:x1] = 1
    evidence = evidence_of(ink, SCALE, pitch=PITCH, all_initials=True)
    return add_drop_capitals(np.array(lines, np.int64).reshape(-1, 4), evidence)[len(lines) :].tolist()


def test_a_large_letter_at_the_corner_of_a_paragraph_is_text() -> None:
    assert _found(CAPITAL, BESIDE + UNDER) == [CAPITAL]


def test_a_large_letter_beside_an_indented_paragraph_is_text() -> None:
    assert _found(CAPITAL, [*BESIDE, [120, 160, 500, 180]]) == [CAPITAL]


def test_a_shape_with_no_line_beside_it_is_not_text() -> None:
    assert _found(CAPITAL, UNDER) == []


def test_a_shape_in_the_margin_is_not_text() -> None:
    assert _found(CAPITAL, [*BESIDE, [150, 160, 500, 180]]) == []


def test_a_shape_far_above_the_next_line_is_not_text() -> None:
    assert _found(CAPITAL, [*BESIDE, [100, 200, 500, 220]]) == []


def test_a_shape_before_the_rest_of_a_stamp_is_not_text() -> None:
    assert _found(CAPITAL, [[150, 110, 175, 130], *UNDER]) == []


def test_a_piece_of_a_border_is_not_text() -> None:
    assert _found([120, 90, 135, 150], BESIDE + UNDER) == []


def test_a_page_without_lines_has_no_drop_capitals() -> None:
    assert _found(CAPITAL, []) == []
