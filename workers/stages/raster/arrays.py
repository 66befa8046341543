"""The arrays that the stages hand each other: the shape, the type and the meaning of each, under one name."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# Pixels
Grey: TypeAlias = NDArray[np.uint8]
"""(h, w) grey values, 0 black and 255 white."""
Mask: TypeAlias = NDArray[np.uint8]
"""(h, w), 1 where something is (ink, a rule, a picture), else 0; within `kraken` 255 and 0."""
AnyMask: TypeAlias = NDArray[np.generic]
"""(h, w), not 0 where something is, of any type."""
Strength: TypeAlias = NDArray[np.float32]
"""(h, w), what a filter makes of pixels."""
Bits: TypeAlias = NDArray[np.uint64]
"""(h, words): a mask with 64 pixels of a row in one integer, the leftmost in the lowest bit."""
Window: TypeAlias = NDArray[np.bool_]
"""(height, width): the pixels of one component within its box."""

# Boxes and points
Boxes: TypeAlias = NDArray[np.int64]
"""(n, 4) x_min, y_min, x_max, y_max in pixels, the latter two exclusive; a single one is (4,)."""
IntBoxes: TypeAlias = NDArray[np.int32]
"""The same where half the memory counts."""
FloatBoxes: TypeAlias = NDArray[np.float64]
"""(n, 4) corners between pixels, with a confidence (n, 5); a single one is (4,) or (5,)."""
Stats: TypeAlias = NDArray[np.int32]
"""(n, 5) x, y, width, height, area of components; row 0 is the paper."""
Polyline: TypeAlias = NDArray[np.float64]
"""(n, 2) x, y of a line down the page, from the top to the bottom."""
Matrix: TypeAlias = NDArray[np.float64]
"""(2, 3) an affine map of points x, y."""
Gaps: TypeAlias = NDArray[np.int64]
"""(n, 3) line, first white column, first inked column after it; in the order of lines and columns."""

RowRuns: TypeAlias = NDArray[np.int64]
"""(n, 3) row, first column, one past the last column of stretches of a row."""
Rectangles: TypeAlias = NDArray[np.int32]
"""(n, 4) x, y, width, height of components, as OpenCV has them."""

# One value for each of n things
Truths: TypeAlias = NDArray[np.bool_]
"""(n,) which of them are meant."""
Indices: TypeAlias = NDArray[np.intp]
"""(n,) numbers of things, or of the groups they are in."""
Counts: TypeAlias = NDArray[np.int64]
"""(n,) how many, how large, or which line."""
Coordinates: TypeAlias = NDArray[np.int64]
"""(n,) columns or rows in pixels."""
Places: TypeAlias = NDArray[np.int64]
"""(n,) pixels on rows laid end to end."""
IntCoordinates: TypeAlias = NDArray[np.int32]
"""(n,) the same where half the memory counts."""
Floats: TypeAlias = NDArray[np.float64]
"""(n,) measures."""
