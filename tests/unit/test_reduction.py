"""Pictures made small in two steps look like those made small in one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from workers.stages.raster.resize import much_reduced, reduce_by


@pytest.mark.parametrize("shape", [(600, 900), (619, 917), (40, 90), (30, 30)])
def test_whole_blocks_first_change_no_grey_by_much(shape: tuple[int, int]) -> None:
    page = cv2.GaussianBlur(np.random.default_rng(5).integers(0, 256, shape, np.uint8), (0, 0), 20)
    reduced = much_reduced(page, (30, 20))
    expected = cv2.resize(page, (30, 20), interpolation=cv2.INTER_AREA)
    assert reduced.shape == (20, 30)
    assert np.abs(reduced.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("shape, factor, reduced", [((7, 11), 3, (2, 3)), ((2, 90), 5, (1, 45)), ((4, 4), 1, (4, 4))])
def test_blocks_are_averaged_and_the_rest_is_left_out(
    shape: tuple[int, int], factor: int, reduced: tuple[int, int]
) -> None:
    page = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    block = min(factor, *shape)
    height, width = (side // block * block for side in shape)
    means = page[:height, :width].reshape(height // block, block, width // block, block).mean(axis=(1, 3))
    found = reduce_by(page, factor)
    assert found.shape == reduced
    assert np.abs(found - means).max() <= 0.5 + 1e-6
