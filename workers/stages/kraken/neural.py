"""Kraken's neural segmenter (`blla`) for those who want it: baselines and boundaries of text lines."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.errors import TransientError
from workers.layout import BoundingBox, Point, TextLine


class NeuralSegmenterMissing(TransientError):
    """This worker cannot run the neural segmenter; another worker, or this one when mended, can."""

    code = "neural_segmenter_missing"


def baseline_lines(rgb: NDArray[np.uint8], weights: str, text_direction: str) -> list[TextLine]:
    """Find text lines with kraken's neural segmenter, in its reading order.

    Args:
        rgb: (h, w, 3) uint8, the upright original.
        weights: path of a segmentation model, empty for kraken's own.
        text_direction: as kraken names it, for the order of the lines.

    Raises:
        NeuralSegmenterMissing: torchvision does not fit torch, or the weights cannot be read.
    """
    model, config = load_model(weights, text_direction)
    found = model.predict(im=Image.fromarray(rgb), config=config)
    size = (rgb.shape[1], rgb.shape[0])
    lines = (_text_line(line.baseline, line.boundary, size) for line in found.lines)
    return [line for line in lines if line is not None]


def _text_line(baseline: Any, boundary: Any, size: tuple[int, int]) -> TextLine | None:
    """Return a text line, None where the network gave no outline inside the page."""
    outline = _points(boundary or baseline or [])
    if len(outline) < 2:
        return None
    x_min, y_min = (max(0, min(point[axis] for point in outline)) for axis in (0, 1))
    x_max, y_max = (min(size[axis], max(point[axis] for point in outline) + 1) for axis in (0, 1))
    if x_min >= x_max or y_min >= y_max:
        return None
    return TextLine(
        BoundingBox(x_min, y_min, x_max, y_max), _points(baseline or []) or None, _points(boundary or []) or None
    )


def _points(points: Any) -> tuple[Point, ...]:
    return tuple((int(x), int(y)) for x, y in points)


@lru_cache(maxsize=2)
def load_model(weights: str, text_direction: str) -> tuple[Any, Any]:
    """Load the network once a process; on a GPU when there is one, on one thread otherwise.

    Raises:
        NeuralSegmenterMissing: torchvision does not fit torch, or the weights cannot be read.
    """
    try:
        import torch
        from kraken.configs import SegmentationInferenceConfig
        from kraken.tasks import SegmentationTaskModel
    except (ImportError, RuntimeError) as error:
        raise NeuralSegmenterMissing(
            f"The neural segmenter cannot start because torchvision does not fit torch ({error}); install both from "
            "the same package index, or use --segmenter fast."
        ) from error
    torch.set_num_threads(1)
    try:
        model = SegmentationTaskModel.load_model(weights or None)
    except (OSError, ValueError) as error:
        raise NeuralSegmenterMissing(
            f"The segmentation weights {weights} are no model that kraken can load; check the file."
        ) from error
    accelerator = "gpu" if torch.cuda.is_available() else "cpu"
    config = SegmentationInferenceConfig(
        accelerator=accelerator, device=1, num_threads=1, text_direction=text_direction
    )
    return model, config
