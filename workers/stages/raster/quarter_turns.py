"""Vertical text is turned to lie horizontally, as kraken turns it, and its boxes are turned back."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

TextDirection = Literal["horizontal-lr", "horizontal-rl", "vertical-lr", "vertical-rl"]
QUARTER_TURNS: dict[str, int] = {"horizontal-lr": 0, "horizontal-rl": 0, "vertical-rl": 1, "vertical-lr": 3}


def turned(boxes: NDArray[Any], turns: int, width: int, height: int) -> NDArray[Any]:
    """Return boxes (n, 4) of a page of `width` x `height` as they lie when it is turned counter-clockwise.

    Kraken orders the lines of vertical text in this position.
    """
    x_min, y_min, x_max, y_max = boxes.T
    if turns == 1:
        return np.stack([y_min, width - x_max, y_max, width - x_min], axis=1)
    if turns == 3:
        return np.stack([height - y_max, x_min, height - y_min, x_max], axis=1)
    return boxes


def turned_back(boxes: NDArray[Any], turns: int, width: int, height: int) -> NDArray[Any]:
    """Return boxes (n, 4) of a turned page of `width` x `height` as they lie on the page that was not turned."""
    return turned(boxes, 4 - turns, width, height)
