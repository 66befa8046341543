import numpy as np
from numpy.typing import NDArray

from tests.unit.evidence import evidence_of
from workers.stages.segmentation.baseline_fit import drop_off_baseline, split_merged_lines

SCALE = 12.0


def _letters(ink: NDArray[np.uint8], y: int, count: int, fall: float = 0.0) -> None:
    """Draw letters that stand on a row, which falls by `fall` pixels a letter."""
    for k in range(count):
        x, foot = 20 + 16 * k, round(y + fall * k)
        ink[foot - 14 : foot, x : x + 3] = ink[foot - 14 : foot, x + 8 : x + 11] = ink[
            foot - 8 : foot - 5, x : x + 11
        ] = 1


def _foliage(ink: NDArray[np.uint8], top: int, bottom: int, seed: int = 1) -> None:
    """Draw what has the size of letters and lies anywhere."""
    random = np.random.default_rng(seed)
    for x in range(20, 560, 16):
        y = int(random.integers(top, bottom - 14))
        ink[y : y + int(random.integers(6, 14)), x : x + 3] = ink[y : y + 4, x : x + int(random.integers(6, 12))] = 1


def _believed(ink: NDArray[np.uint8], lines: list[list[int]]) -> list[list[int]]:
    return drop_off_baseline(np.array(lines), evidence_of(ink, SCALE)).tolist()


def test_lines_whose_letters_stand_on_them_are_believed_also_where_they_fall() -> None:
    ink = np.zeros((200, 600), np.uint8)
    _letters(ink, 60, 30)
    _letters(ink, 100, 30, fall=0.6)
    lines = [[20, 46, 500, 60], [20, 86, 500, 120]]
    assert _believed(ink, lines) == lines


def test_of_foliage_no_line_is_believed_but_the_caption_below_it_is() -> None:
    ink = np.zeros((400, 600), np.uint8)
    boxes = [[20, top, 560, top + 50] for top in (20, 80, 140, 200)]
    for seed, (_, top, _, bottom) in enumerate(boxes):
        _foliage(ink, top, bottom, seed)
    _letters(ink, 340, 24)
    caption = [20, 326, 400, 340]
    assert _believed(ink, [*boxes, caption]) == [caption]


def test_where_most_that_looks_like_letters_lies_about_short_lines_are_not_believed() -> None:
    ink = np.zeros((400, 600), np.uint8)
    for seed, top in enumerate((100, 160, 220, 280)):
        _foliage(ink, top, top + 50, seed)
    _letters(ink, 60, 6)
    _letters(ink, 380, 3)
    row, shapes = [20, 46, 120, 60], [20, 366, 70, 380]
    assert _believed(ink, [row, shapes]) == [row]


def test_a_few_shapes_in_a_picture_are_no_lines() -> None:
    ink = np.zeros((400, 600), np.uint8)
    ink[100:300, 100:500] = 1
    _letters(ink, 60, 3)
    assert _believed(ink, [[20, 46, 70, 60]]) == []


def test_a_page_with_a_single_word_keeps_it() -> None:
    ink = np.zeros((400, 600), np.uint8)
    _letters(ink, 60, 3)
    assert _believed(ink, [[20, 46, 70, 60]]) == [[20, 46, 70, 60]]


def test_a_masthead_is_believed_whatever_its_ornaments_do() -> None:
    ink = np.zeros((400, 600), np.uint8)
    for x in range(20, 560, 110):
        ink[40:160, x : x + 12] = ink[40:160, x + 70 : x + 82] = ink[95:107, x : x + 82] = 1
        for y in (44, 58, 72, 112, 126, 140):
            ink[y : y + 9, x + 36 : x + 39] = ink[y : y + 3, x + 36 : x + 45] = 1
    for y in (200, 230, 260):
        _letters(ink, y, 30)
    lines = [[20, 40, 545, 160], *([20, y - 14, 500, y] for y in (200, 230, 260))]
    assert _believed(ink, lines) == lines


def test_two_rows_in_one_box_are_two_lines() -> None:
    ink = np.zeros((200, 600), np.uint8)
    _letters(ink, 60, 30)
    _letters(ink, 84, 12)
    found = split_merged_lines(np.array([[20, 46, 495, 84]]), evidence_of(ink, SCALE))
    assert sorted(found.tolist()) == [[20, 46, 495, 60], [20, 70, 207, 84]]


def test_a_line_with_long_letters_stays_one() -> None:
    ink = np.zeros((200, 600), np.uint8)
    _letters(ink, 60, 30)
    for x in range(20, 480, 64):
        ink[60:66, x : x + 3] = 1  # every fourth hangs below
    lines = np.array([[20, 46, 495, 66]])
    assert split_merged_lines(lines, evidence_of(ink, SCALE)).tolist() == lines.tolist()


def test_tall_letters_over_a_row_of_low_ones_are_left_in_one_line() -> None:
    ink = np.zeros((200, 600), np.uint8)
    for k in range(12):  # low letters that stand on row 60, tall ones between them on row 69
        x = 20 + 32 * k
        ink[52:60, x : x + 2] = ink[52:60, x + 7 : x + 9] = ink[55:57, x : x + 9] = 1
        ink[31:69, x + 16 : x + 19] = ink[31:69, x + 24 : x + 27] = ink[31:34, x + 16 : x + 27] = 1
    lines = np.array([[20, 31, 400, 69]])
    assert split_merged_lines(lines, evidence_of(ink, SCALE)).tolist() == lines.tolist()
