"""The reading order is kraken's own on any layout, at any length."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kraken.containers import BBoxLine
from kraken.lib.segmentation import reading_order as order_of_kraken
from numpy.typing import NDArray

from workers.stages.segmentation.reading_order import kraken_reading_order, reading_order, topological_order

Box = tuple[int, int, int, int]
Direction = Literal["lr", "rl"]
directions = st.sampled_from(["lr", "rl"])


def lines_of(boxes: list[Box]) -> list[BBoxLine]:
    return [BBoxLine(id=str(i), bbox=box) for i, box in enumerate(boxes)]


def columns_of_lines(columns: int, rows: int) -> list[Box]:
    """A page of `columns` columns under a headline, the lines in a disorder that is always the same."""
    boxes = [(100, 0, 500 * columns - 100, 40)]
    boxes += [(500 * c, 60 + 30 * r, 500 * c + 450 + r % 3, 85 + 30 * r) for c in range(columns) for r in range(rows)]
    shuffled: list[Box] = [boxes[i] for i in np.random.default_rng(7).permutation(len(boxes))]
    return shuffled


@st.composite
def layouts(draw: st.DrawFn, extent: int) -> list[Box]:
    """Boxes that touch, repeat, contain and overlap each other the more, the smaller the extent."""
    edge = st.tuples(st.integers(0, extent), st.integers(1, extent))
    spans = st.tuples(edge, edge)
    return [(x, y, x + w, y + h) for (x, w), (y, h) in draw(st.lists(spans, max_size=14))]


@given(boxes=st.one_of(layouts(4), layouts(12), layouts(1000)), direction=directions)
@settings(max_examples=600, deadline=None)
def test_any_layout_is_ordered_as_kraken_orders_it(boxes: list[Box], direction: Direction) -> None:
    lines = lines_of(boxes)
    assert kraken_reading_order(lines, direction) == order_of_kraken(lines, direction)


@given(
    grid=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12), st.integers(1, 3), st.integers(-3, 3)), max_size=25),
    direction=directions,
)
@settings(max_examples=150, deadline=None)
def test_any_page_of_columns_is_ordered_as_kraken_orders_it(
    grid: list[tuple[int, int, int, int]], direction: Direction
) -> None:
    boxes = [(60 * c, 10 * r + 4 + jitter, 60 * (c + wide) - 8, 10 * r + 12 + jitter) for c, r, wide, jitter in grid]
    lines = lines_of(boxes)
    assert kraken_reading_order(lines, direction) == order_of_kraken(lines, direction)


@pytest.mark.parametrize("direction", ["lr", "rl"])
def test_blocks_of_pairs_fit_together(direction: Direction, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = np.array(columns_of_lines(3, 10))
    whole = reading_order(boxes, direction)
    monkeypatch.setattr("workers.stages.segmentation.reading_order.BLOCK_ELEMENTS", 100)
    assert reading_order(boxes, direction) == whole == order_of_kraken(lines_of(boxes.tolist()), direction)


def test_columns_are_read_one_after_the_other_under_their_headline() -> None:
    boxes = np.array(columns_of_lines(8, 250))
    ordered = boxes[reading_order(boxes)]
    expected = np.array(sorted(columns_of_lines(8, 250), key=lambda box: (box[1] > 0, box[0], box[1])))
    assert (ordered == expected).all()


def test_a_stack_of_any_depth_is_ordered() -> None:
    boxes = np.array([(0, 10 * (4000 - k), 50, 10 * (4000 - k) + 8) for k in range(4000)])
    assert reading_order(boxes) == list(range(3999, -1, -1))


def test_a_circle_is_cut_where_the_walk_meets_it() -> None:
    assert topological_order([0b100, 0b001, 0b010]) == [1, 2, 0]


def test_no_lines_have_an_empty_order() -> None:
    assert reading_order(np.empty((0, 4), dtype=np.int32)) == []
    assert kraken_reading_order([]) == []


def empty_box() -> NDArray[np.int64]:
    return np.array([[5, 5, 5, 9]])


@pytest.mark.parametrize(
    ("boxes", "direction", "sentence"),
    [
        (np.zeros((3, 3), dtype=np.int64), "lr", "shape"),
        (empty_box(), "lr", "area"),
        (np.array([[0, 0, 1, 1]]), "down", "lr or rl"),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_a_sentence(
    boxes: NDArray[np.int64], direction: Direction, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        reading_order(boxes, direction)
