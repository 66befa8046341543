import numpy as np
from numpy.typing import NDArray

from workers.stages.components import find_components
from workers.stages.credible_lines import credible
from workers.stages.tables import cut_at_separators, holes_in

SCALE = 12.0


def _row_of_letters(ink: NDArray[np.uint8], left: int, right: int, y: int) -> None:
    for x in range(left, right - 8, 14):
        ink[y : y + 16, x : x + 2] = ink[y : y + 16, x + 7 : x + 9] = ink[y + 6 : y + 8, x : x + 9] = 1


def _credible(ink: NDArray[np.uint8], lines: NDArray[np.int64]) -> list[list[int]]:
    return credible(lines, holes_in(lines, ink, 2 * SCALE, {}), find_components(ink, SCALE)).tolist()


def test_specks_beside_a_column_do_not_lengthen_its_line() -> None:
    ink = np.zeros((100, 600), np.uint8)
    _row_of_letters(ink, 200, 500, 40)
    for x in range(100, 150, 9):
        ink[34 + x % 5 : 37 + x % 5, x : x + 3] = 1
    assert _credible(ink, np.array([[100, 34, 495, 60]])) == [[200, 40, 495, 56]]


def test_the_shadow_at_the_edge_of_a_scan_does_not_lengthen_a_line() -> None:
    ink = np.zeros((100, 600), np.uint8)
    _row_of_letters(ink, 100, 500, 40)
    ink[30:70, 590:600] = 1
    assert _credible(ink, np.array([[100, 30, 600, 70]])) == [[100, 40, 487, 56]]


def test_a_word_far_from_the_rest_of_its_line_stays_in_it() -> None:
    ink = np.zeros((100, 600), np.uint8)
    _row_of_letters(ink, 40, 300, 40)
    _row_of_letters(ink, 400, 460, 40)
    whole = [[40, 40, 451, 56]]
    assert _credible(ink, np.array(whole)) == whole


def test_a_row_of_specks_is_no_line() -> None:
    ink = np.zeros((100, 600), np.uint8)
    for x in range(100, 400, 9):
        ink[34 + x % 5 : 37 + x % 5, x : x + 3] = 1
    assert _credible(ink, np.array([[100, 30, 400, 50]])) == []


def test_a_line_does_not_reach_over_a_separator() -> None:
    ink, barrier = np.zeros((100, 600), np.uint8), np.zeros((100, 600), np.uint8)
    _row_of_letters(ink, 40, 300, 40)
    _row_of_letters(ink, 320, 580, 40)
    barrier[:, 303:306] = 1
    cut = cut_at_separators(np.array([[40, 40, 571, 56]]), barrier, ink, SCALE)
    assert sorted(cut[:, 0].tolist()) == [40, 320]
    assert sorted(cut[:, 2].tolist()) == [287, 571]


def test_a_separator_that_ends_above_a_line_does_not_cut_it() -> None:
    ink, barrier = np.zeros((100, 600), np.uint8), np.zeros((100, 600), np.uint8)
    _row_of_letters(ink, 40, 580, 40)
    barrier[:44, 303:306] = 1
    lines = np.array([[40, 40, 571, 56]])
    assert cut_at_separators(lines, barrier, ink, SCALE).tolist() == lines.tolist()
