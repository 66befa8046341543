"""Masks as bits and as runs say what OpenCV says of their pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from workers.stages.raster import bits
from workers.stages.raster.labelling import label_dense, label_sparse, runs_of

Mask = NDArray[np.uint8]

# wider than a word of 64 pixels, exactly one word and less
shapes = st.tuples(st.integers(1, 12), st.sampled_from([1, 5, 63, 64, 65, 130]))
masks = shapes.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 1, 255])))


@given(masks)
def test_a_mask_comes_back_from_its_bits_and_from_its_runs(mask: Mask) -> None:
    expected = (mask > 0).astype(np.uint8)
    assert np.array_equal(bits.unpacked(bits.packed(mask), mask.shape[1]), expected)
    assert np.array_equal(bits.unpacked(runs_of(mask).bits(len(mask)), mask.shape[1]), expected)


@given(masks, st.integers(1, 20))
def test_bits_of_rows_are_eroded_and_dilated_as_pixels_are(mask: Mask, rows: int) -> None:
    kernel, packed = np.ones((rows, 1), np.uint8), bits.packed(mask)
    inked, width = (mask > 0).astype(np.uint8), mask.shape[1]
    assert np.array_equal(bits.unpacked(bits.all_of_rows(packed, rows), width), cv2.erode(inked, kernel))
    assert np.array_equal(bits.unpacked(bits.any_of_rows(packed, rows), width), cv2.dilate(inked, kernel))


@given(masks, st.integers(0, 9).map(lambda half: 2 * half + 1))  # OpenCV closes with even sides a pixel aside
def test_runs_are_closed_as_pixels_are(mask: Mask, gap: int) -> None:
    framed = cv2.copyMakeBorder(mask, 0, 0, 2 * gap, 2 * gap, cv2.BORDER_CONSTANT, value=0)
    pixels = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    closed = bits.unpacked(runs_of(mask).closed(gap).bits(len(mask)), mask.shape[1])
    assert np.array_equal(closed > 0, pixels[:, 2 * gap : -2 * gap] > 0)


@given(masks)
def test_inner_bits_are_what_a_cross_leaves(mask: Mask) -> None:
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    expected = cv2.erode((mask > 0).astype(np.uint8), cross)
    assert np.array_equal(bits.inner(bits.packed(mask), mask.shape[1]), bits.packed(np.asarray(expected)))


@given(masks)
def test_neighbours_stay_in_their_row(mask: Mask) -> None:
    wider = bits.with_neighbours(bits.packed(mask), mask.shape[1])
    expected = cv2.dilate((mask > 0).astype(np.uint8), np.ones((1, 3), np.uint8))
    assert np.array_equal(wider, bits.packed(np.asarray(expected)))


@pytest.mark.parametrize("diagonal", [True, False])
@given(mask=masks)
def test_components_are_those_of_opencv(diagonal: bool, mask: Mask) -> None:
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8 if diagonal else 4, cv2.CV_32S, cv2.CCL_SAUF
    )
    sparse, dense = label_sparse(mask, diagonal=diagonal), label_dense(mask, diagonal=diagonal)
    assert np.array_equal(sparse.stats[1:], stats[1:])
    assert sorted(dense.stats[1:].tolist()) == sorted(stats[1:].tolist())
    y, x = np.indices(mask.shape)
    assert np.array_equal(sparse.at(y.ravel(), x.ravel()), labels.ravel())


@given(masks, st.data())
def test_chosen_components_are_drawn_on_the_page_and_in_their_boxes(mask: Mask, data: st.DataObject) -> None:
    labels = cv2.connectedComponentsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_SAUF)[1]
    found = label_sparse(mask)
    chosen = data.draw(arrays(np.bool_, len(found.stats)))
    chosen[0] = False
    assert np.array_equal(found.mask(chosen), chosen[labels])
    for label, own in zip(np.flatnonzero(chosen), found.windows(np.flatnonzero(chosen)), strict=True):
        x, y, width, height, _ = found.stats[label]
        assert np.array_equal(own, labels[y : y + height, x : x + width] == label)


@pytest.mark.parametrize("diagonal", [True, False])
def test_components_hang_together_from_strip_to_strip(diagonal: bool) -> None:
    random = np.random.default_rng(3)
    page = cv2.dilate((random.random((300, 90)) < 0.03).astype(np.uint8), np.ones((5, 3), np.uint8))
    dense, sparse = label_dense(page, diagonal=diagonal), label_sparse(page, diagonal=diagonal)
    assert sorted(dense.stats.tolist()) == sorted(sparse.stats.tolist())
    assert len(np.unique(np.stack([dense.label, sparse.label]), axis=1).T) == len(sparse.stats) - 1


@given(masks, st.data())
def test_set_bits_are_counted_from_column_to_column(mask: Mask, data: st.DataObject) -> None:
    height, width = mask.shape
    row = data.draw(st.integers(0, height - 1))
    first, last = sorted(data.draw(st.tuples(st.integers(0, width), st.integers(0, width))))
    begin = row * bits.row_stride(width)
    found = bits.number_between(bits.packed(mask), np.array([begin + first]), np.array([begin + last]))
    assert found.tolist() == [np.count_nonzero(mask[row, first:last])]
