"""The scan for white gaps draws exactly the pixels of the plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from workers.stages.separators.gap_scan import insert_gap_separators

Gray = NDArray[np.uint8]


def plain_loops(gray: Gray, gap_width: int, gap_height: int) -> Gray:
    """The definition, word by word."""
    image = gray.copy()
    height, width = image.shape
    for x in range(width):
        for y in range(height):
            column = x + gap_width // 2
            if column < width and (image[y : y + gap_height, x : x + gap_width] == 255).all():
                image[y : y + gap_height + 1, column] = 0
    return image


def images(side: int) -> st.SearchStrategy[Gray]:
    shape = st.tuples(st.integers(1, side), st.integers(1, side))
    binary = st.sampled_from([0, 255])
    mostly_white = st.sampled_from([255] * 30 + [254, 0])
    grey = st.sampled_from([255, 255, 254, 128, 1, 0])
    return shape.flatmap(lambda s: st.one_of([arrays(np.uint8, s, elements=e) for e in (binary, mostly_white, grey)]))


@given(gray=images(24), gap_width=st.integers(1, 30), gap_height=st.integers(1, 30))
@example(gray=np.full((1, 1), 255, np.uint8), gap_width=1, gap_height=1)
@example(gray=np.full((9, 40), 255, np.uint8), gap_width=2, gap_height=3)
@example(gray=np.full((64, 64), 255, np.uint8), gap_width=1000, gap_height=1)
@example(gray=np.full((64, 64), 255, np.uint8), gap_width=1, gap_height=1000)
@settings(max_examples=800, deadline=None)
def test_any_image_is_drawn_as_the_plain_loops_draw_it(gray: Gray, gap_width: int, gap_height: int) -> None:
    expected = plain_loops(gray, gap_width, gap_height)
    assert (insert_gap_separators(gray, gap_width, gap_height) == expected).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    ink=st.sampled_from([0.0, 0.0005, 0.003, 0.02]),
    gap_width=st.integers(1, 30),
    gap_height=st.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_larger_pages_are_drawn_as_the_plain_loops_draw_them(
    seed: int, ink: float, gap_width: int, gap_height: int
) -> None:
    random = np.random.default_rng(seed)
    gray = np.where(random.random((random.integers(30, 130), random.integers(30, 130))) < ink, 0, 255).astype(np.uint8)
    assert (insert_gap_separators(gray, gap_width, gap_height) == plain_loops(gray, gap_width, gap_height)).all()


def test_the_image_given_is_not_changed() -> None:
    gray = np.full((50, 50), 255, np.uint8)
    gray.flags.writeable = False
    drawn = insert_gap_separators(gray, 5, 10)
    assert (gray == 255).all() and (drawn == 0).any()


def test_a_part_of_a_larger_array_is_drawn_like_a_page_of_its_own() -> None:
    page = np.full((80, 80), 255, np.uint8)
    page[20:60, 33] = 7
    part = page[10:70:2, 5:75]
    assert (insert_gap_separators(part, 5, 10) == insert_gap_separators(part.copy(), 5, 10)).all()


def column_by_column(gray: Gray, gap_width: int, gap_height: int) -> tuple[Gray, int]:
    """The definition with the white rows of a box kept until a line is drawn; and how many boxes were found white."""
    image, boxes = gray.copy(), 0
    height, width = image.shape
    for x in range(width):
        white = (image[:, x : x + gap_width] == 255).all(axis=1)
        for y in range(height):
            if white[y : y + gap_height].all():
                boxes += 1
                if x + gap_width // 2 < width:
                    image[y : y + gap_height + 1, x + gap_width // 2] = 0
                    white = (image[:, x : x + gap_width] == 255).all(axis=1)
    return image, boxes


def test_the_page_of_two_columns_is_drawn_to_the_last_pixel(shared_data: Path) -> None:
    gray = np.asarray(Image.open(shared_data / "seed" / "two_col.png").convert("L"))
    expected, boxes = column_by_column(gray, 25, 186)
    assert boxes == 4087
    assert (insert_gap_separators(gray, 25, 186) == expected).all()


@pytest.mark.parametrize(
    ("gray", "gap", "sentence"),
    [
        (np.zeros((4, 4), np.uint8), (0, 5), "at least 1 x 1"),
        (np.zeros((4, 4), np.uint8), (5, -1), "at least 1 x 1"),
        (np.zeros((4, 4, 3), np.uint8), (5, 5), "uint8"),
        (np.zeros((4, 4), np.float32), (5, 5), "uint8"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(gray: Gray, gap: tuple[int, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        insert_gap_separators(gray, *gap)


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (7, 0)])
def test_an_image_without_pixels_stays_as_it_is(shape: tuple[int, int]) -> None:
    assert insert_gap_separators(np.zeros(shape, np.uint8), 3, 3).shape == shape
