"""A picture mapped in tiles is the picture mapped in one piece."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page
from workers.stages.raster.warp import warped


@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
@pytest.mark.parametrize("degrees", [0.7, -7.0, 18.0])
@pytest.mark.parametrize("shape", [(300, 90), (200, 260)])
def test_tiles_make_the_picture_that_one_piece_makes(border: int, degrees: float, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    picture = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3))
    height, width = shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    size = (width + 40, height + 40)
    inverse = np.asarray(cv2.invertAffineTransform(matrix)) @ np.array([[1, 0, -20], [0, 1, -20], [0, 0, 1.0]])
    whole = warped(picture, inverse, size, border, 255)
    tiles = warped(picture, inverse, size, border, 255, longest=120)
    inside = warped(np.full(shape, 255, np.uint8), inverse, size, cv2.BORDER_CONSTANT, 0) == 255
    assert np.abs(whole.astype(int) - tiles)[inside].max() <= 4
    if border == cv2.BORDER_CONSTANT:
        far = warped(np.full(shape, 255, np.uint8), inverse, size, cv2.BORDER_CONSTANT, 0) == 0
        assert (tiles[far] == 255).all()


@pytest.mark.parametrize("shape", [(2, 60_000), (60_000, 3)])
def test_a_strip_longer_than_opencv_can_map_is_analysed(shape: tuple[int, int]) -> None:
    strip = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert analyse_page(Image.fromarray(strip), PipelineParameters()).lines == ()
