from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.unit.evidence import evidence_of
from workers.stages.segmentation.noise import (
    drop_in_pictures,
    drop_low_contrast,
    drop_noise_and_trim_ends,
    drop_slivers,
)
from workers.stages.segmentation.reversed_lines import add_reversed
from workers.stages.separators.components import find_components, isolated_specks

SCALE = 12.0


def _row_of_letters(ink: NDArray[np.uint8], left: int, right: int, y: int) -> None:
    for x in range(left, right - 8, 14):
        ink[y : y + 16, x : x + 2] = ink[y : y + 16, x + 7 : x + 9] = ink[y + 6 : y + 8, x : x + 9] = 1


def _credible(ink: NDArray[np.uint8], lines: NDArray[np.int64]) -> list[list[int]]:
    return drop_noise_and_trim_ends(lines, evidence_of(ink, SCALE)).tolist()


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


def test_a_bold_word_whose_letters_touch_is_a_line_and_a_stain_is_not() -> None:
    ink = np.zeros((200, 600), np.uint8)
    for y in (100, 130, 160):
        _row_of_letters(ink, 40, 500, y)
    for x in range(100, 180, 10):  # strokes four pixels wide, every second pair with a bar
        ink[40:56, x : x + 6] = 1
        ink[50:56, x : x + 10] = 1
    ink[40:56, 300:360] = 1
    word, stain = [100, 40, 180, 56], [300, 40, 360, 56]
    assert _credible(ink, np.array([word, stain])) == [word]


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


def test_a_digit_alone_is_a_line() -> None:
    ink = np.zeros((100, 600), np.uint8)
    for y in (40, 47, 54):
        ink[y : y + 2, 300:310] = 1
    ink[40:48, 300:302] = ink[48:56, 308:310] = 1
    digit = [[300, 40, 310, 56]]
    assert drop_slivers(np.array(digit), evidence_of(ink, SCALE)).tolist() == digit


def test_a_strip_of_a_fold_is_no_line() -> None:
    ink = np.zeros((100, 600), np.uint8)
    ink[40:58, 300:305] = 1
    assert not len(drop_slivers(np.array([[300, 40, 305, 58]]), evidence_of(ink, SCALE)))


def test_spots_one_above_the_other_are_no_line() -> None:
    ink = np.zeros((100, 600), np.uint8)
    for y in (30, 48, 66):
        ink[y : y + 10, 300:303] = ink[y : y + 3, 300:312] = 1
    assert not len(drop_slivers(np.array([[298, 30, 326, 76]]), evidence_of(ink, SCALE)))


def test_characters_are_not_asked_of_lines_of_words() -> None:
    ink = np.zeros((100, 600), np.uint8)
    words = [[300, 40, 400, 60]]
    assert drop_slivers(np.array(words), evidence_of(ink, SCALE)).tolist() == words


def test_grain_in_the_shade_at_an_edge_is_no_line_and_pale_print_is() -> None:
    ink = np.zeros((300, 600), np.uint8)
    for y in (20, 60, 100, 140, 180):
        _row_of_letters(ink, 40, 500, y)
    grey = np.where(ink == 1, np.uint8(40), np.uint8(250))
    grey[100:116][ink[100:116] == 1] = 150
    grey[170:210] = np.where(ink[170:210] == 1, np.uint8(110), np.uint8(150))
    lines = np.array([[40, y, 487, y + 16] for y in (20, 60, 100, 140, 180)])
    assert drop_low_contrast(lines, evidence_of(ink, SCALE, grey=grey))[:, 1].tolist() == [20, 60, 100, 140]


def test_small_print_beside_nothing_else_is_no_dust_and_single_specks_are() -> None:
    ink = np.zeros((300, 600), np.uint8)
    _row_of_letters(ink, 40, 500, 40)
    for x in range(100, 200, 9):  # letters of half the size
        ink[200:207, x] = ink[200:207, x + 4] = ink[203, x : x + 5] = 1
    ink[120:127, 400:402] = ink[250:257, 300:302] = 1
    components = find_components(ink, SCALE)
    gone = isolated_specks(components)
    small = components.y == 200
    assert small.sum() == 12 and not gone[small].any()
    assert gone[(components.y == 120) | (components.y == 250)].all()


def test_the_cells_of_a_plan_are_no_lines_and_its_caption_is_one() -> None:
    ink = np.zeros((300, 600), np.uint8)
    _row_of_letters(ink, 100, 400, 200)
    ink[40:44, 100:400] = ink[120:124, 100:400] = ink[40:120, 100:104] = 1
    _row_of_letters(ink, 120, 150, 60)
    evidence = evidence_of(ink, SCALE)
    plan = np.flatnonzero(evidence.components.width >= 300)
    pictured = np.isin(np.arange(len(evidence.components.x)), plan)
    cell, caption = [100, 36, 160, 124], [100, 200, 391, 216]
    kept = drop_in_pictures(np.array([cell, caption]), replace(evidence, pictured=pictured))
    assert kept.tolist() == [caption]


def _bar(offsets: tuple[int, ...]) -> NDArray[np.uint8]:
    ink = np.zeros((120, 600), np.uint8)
    ink[40:80, 50:500] = 1
    for number in range(20):
        x, y = 80 + 20 * number, 50 + offsets[number % len(offsets)]
        ink[y : y + 16, x : x + 3] = ink[y : y + 16, x + 8 : x + 11] = ink[y + 7 : y + 9, x : x + 11] = 0
    return ink


def test_white_letters_on_a_black_bar_are_a_line_and_white_spots_that_lie_about_are_none() -> None:
    nothing = np.zeros((0, 4), np.int64)
    assert add_reversed(nothing, evidence_of(_bar((2,)), SCALE)).tolist() == [[80, 52, 471, 68]]
    assert not len(add_reversed(nothing, evidence_of(_bar((-6, 2, 9)), SCALE)))
    assert not len(add_reversed(nothing, evidence_of(np.zeros((120, 600), np.uint8), SCALE)))


def test_pieces_of_a_frame_are_no_line_and_a_number_is_one() -> None:
    ink = np.zeros((300, 600), np.uint8)
    ink[40:70, 100:104] = ink[40:70, 140:144] = 1  # the sides of a cell
    ink[120:124, 100:130] = 1  # a dash
    _row_of_letters(ink, 100, 130, 200)
    cell, dash, number = [100, 40, 144, 70], [100, 116, 130, 128], [100, 200, 123, 216]
    assert drop_slivers(np.array([cell, dash, number]), evidence_of(ink, SCALE)).tolist() == [number]


def test_a_black_cell_is_a_block_and_a_letter_or_a_dash_is_none() -> None:
    ink = np.zeros((200, 400), np.uint8)
    ink[20:50, 20:50] = 1
    ink[20:24, 100:130] = 1
    _row_of_letters(ink, 200, 215, 20)
    assert find_components(ink, SCALE).blocks[1:].tolist() == [True, False, False]
