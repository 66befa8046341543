"""The matching of boxes, on cases worked out by hand and on any boxes at all."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.evaluation.matching import (
    Boxes,
    Score,
    as_boxes,
    lines_across_columns,
    match_boxes,
    pad_boxes,
    pairwise_iou,
)


@st.composite
def boxes(draw: st.DrawFn, most: int = 6) -> Boxes:
    """Boxes on a small page, so that many of them compete."""
    side = st.integers(0, 12)
    corners = draw(st.lists(st.tuples(side, side, st.integers(1, 8), st.integers(1, 8)), max_size=most))
    return as_boxes([(x, y, x + width, y + height) for x, y, width, height in corners])


@given(boxes(most=40))
def test_a_layout_matches_itself_completely(any_boxes: Boxes) -> None:
    matching = match_boxes(any_boxes, any_boxes)
    assert matching.score == Score(len(any_boxes), 0, 0)
    assert matching.score.f1 == 1.0


@given(boxes(), boxes(), st.sampled_from([0.1, 0.3, 0.5, 0.8]))
def test_swapping_found_and_truth_swaps_false_ones_and_misses(found: Boxes, truth: Boxes, iou: float) -> None:
    there, back = match_boxes(found, truth, iou).score, match_boxes(truth, found, iou).score
    assert there == Score(back.true_positives, back.misses, back.false_positives)
    assert there.true_positives + there.false_positives == len(found)
    assert there.true_positives + there.misses == len(truth)


@settings(max_examples=60)
@given(boxes(most=4), boxes(most=4))
def test_no_other_assignment_has_more_pairs(found: Boxes, truth: Boxes) -> None:
    few, many = sorted((found, truth), key=len)
    possible = pairwise_iou(few, many) >= 0.3
    best = max(
        sum(possible[row, column] for row, column in enumerate(columns))
        for columns in permutations(range(len(many)), len(few))
    )
    assert match_boxes(found, truth, 0.3).score.true_positives == best


@given(boxes(), boxes(), st.randoms(use_true_random=False))
def test_the_order_of_boxes_does_not_decide(found: Boxes, truth: Boxes, random: object) -> None:
    order = list(range(len(found)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert match_boxes(found, truth).score == match_boxes(found[order], truth).score


@given(boxes(), boxes())
def test_every_pair_is_one_to_one_and_overlaps_enough(found: Boxes, truth: Boxes) -> None:
    pairs = match_boxes(found, truth, 0.5).pairs
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)
    assert (pairwise_iou(found, truth)[pairs[:, 0], pairs[:, 1]] >= 0.5).all()


def test_a_greedy_choice_would_lose_a_pair() -> None:
    # the first true box fits both found ones, best the second; the second true box fits only the second
    found = as_boxes([[0, 0, 10, 10], [0, 3, 10, 13]])
    truth = as_boxes([[0, 2, 10, 12], [0, 6, 10, 16]])
    assert match_boxes(found, truth, 0.5).pairs.tolist() == [[0, 0], [1, 1]]


def test_of_two_found_copies_one_is_false() -> None:
    found = as_boxes([[0, 0, 10, 10], [0, 0, 10, 10]])
    assert match_boxes(found, found[:1]).score == Score(1, 1, 0)


def test_exactly_half_an_overlap_is_enough() -> None:
    assert match_boxes(as_boxes([[0, 0, 10, 10]]), as_boxes([[0, 0, 10, 20]]), 0.5).score.true_positives == 1
    assert match_boxes(as_boxes([[0, 0, 10, 10]]), as_boxes([[0, 0, 10, 21]]), 0.5).score.true_positives == 0


def test_more_boxes_than_are_compared_at_once_keep_their_places() -> None:
    y = np.arange(1500.0) * 10
    truth = np.stack([np.zeros_like(y), y, np.full_like(y, 50), y + 8], axis=1)
    pairs = match_boxes(truth[::-1].copy(), truth).pairs
    assert pairs.tolist() == [[row, 1499 - row] for row in range(1500)]


def test_rates_follow_from_the_counts() -> None:
    score = Score(true_positives=6, false_positives=2, misses=4)
    assert (score.precision, score.recall, score.f1) == (0.75, 0.6, pytest.approx(2 / 3))
    assert score + Score(1, 2, 3) == Score(7, 4, 7)


def test_nothing_found_where_nothing_is_counts_as_right() -> None:
    assert Score().f1 == 1.0
    assert Score(misses=3).f1 == 0.0
    assert Score(false_positives=3).recall == 1.0


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_a_senseless_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="IoU threshold"):
        match_boxes(as_boxes([]), as_boxes([]), threshold)


def test_padding_grows_each_box_by_its_own_height() -> None:
    grown = pad_boxes(as_boxes([[100, 100, 200, 110], [100, 200, 200, 240]]), 0.5)
    assert grown.tolist() == [[95, 95, 205, 115], [80, 180, 220, 260]]


TWO_COLUMNS = as_boxes([[0, 0, 100, 20], [120, 0, 220, 20], [0, 25, 100, 45], [120, 25, 220, 45]])


@pytest.mark.parametrize(
    ("found", "across"),
    [
        ([0, 0, 220, 20], True),
        ([0, 0, 150, 20], True),  # takes in a third of the neighbour
        ([0, 0, 140, 20], False),  # only touches its first letters
        ([0, 0, 100, 45], False),  # two lines of one column
        ([0, 0, 100, 20], False),
        ([0, 20, 220, 25], False),  # the white between the lines
    ],
)
def test_a_line_across_columns_takes_in_lines_that_stand_side_by_side(found: list[float], across: bool) -> None:
    assert lines_across_columns(as_boxes([found]), TWO_COLUMNS).tolist() == [across]
