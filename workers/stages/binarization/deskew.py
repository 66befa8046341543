"""A page turned upright, and the way back from the working image to the original scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import cv2
import numpy as np

from workers.layout import BoundingBox, Point
from workers.stages.raster.arrays import FloatBoxes, Floats, Grey, Polyline
from workers.stages.raster.warp import warped


@dataclass(frozen=True, slots=True)
class PageTransform:
    """Where the upright working image lies in the original scan: an affine map from working to original pixels."""

    to_original: tuple[tuple[float, float, float], tuple[float, float, float]]
    width: int
    height: int

    def boxes(self, boxes: FloatBoxes) -> list[BoundingBox]:
        """Return the upright boxes in the original that hold the (n, 4) working boxes, cut at its edges.

        The soft edge of the ink, half a working pixel wide, belongs to a box on a reduced page.
        """
        soft = 0.5 if abs(self.to_original[0][0]) + abs(self.to_original[0][1]) > 1.01 else 0.0
        x0, y0, x1, y1 = (np.asarray(boxes, np.float64).reshape(-1, 4) + np.array([-soft, -soft, soft, soft])).T
        corners = self._map(np.stack([x0, x1, x1, x0], 1), np.stack([y0, y0, y1, y1], 1))
        low = np.floor(corners.min(axis=1) + 1e-6).astype(int).clip(0, [self.width - 1, self.height - 1])
        high = np.ceil(corners.max(axis=1) - 1e-6).astype(int)
        high = np.minimum(np.maximum(high, low + 1), [self.width, self.height])
        return [BoundingBox(int(a), int(b), int(c), int(d)) for (a, b), (c, d) in zip(low, high, strict=True)]

    def points(self, points: Polyline) -> tuple[Point, ...]:
        """Return (n, 2) working points x, y as pixels of the original."""
        x, y = np.asarray(points, np.float64).reshape(-1, 2).T
        mapped = np.rint(self._map(x, y)).astype(int).clip(0, [self.width - 1, self.height - 1])
        return tuple((int(a), int(b)) for a, b in mapped)

    def working_boxes(self, boxes: Sequence[BoundingBox]) -> FloatBoxes:
        """Return (n, 4): the working boxes whose upright boxes in the original these are, as near as rounding lets."""
        if not boxes:
            return np.zeros((0, 4))
        corners = np.array([astuple(box) for box in boxes], np.float64)
        inverse = np.linalg.inv(np.vstack([self.to_original, (0.0, 0.0, 1.0)]))[:2]
        middle = (corners[:, :2] + corners[:, 2:]) / 2 @ inverse[:, :2].T + inverse[:, 2]
        # width and height of the original are sums of those of the working box, each by how it is turned
        along, across = np.abs(np.array(self.to_original)[:, :2])
        size = np.linalg.solve(np.stack([along, across]), (corners[:, 2:] - corners[:, :2]).T).T
        size = np.maximum(size, 1.0)
        return np.hstack([middle - size / 2, middle + size / 2])

    def turned_back(self, turns: int) -> PageTransform:
        """Return the placement in the scan whose counter-clockwise quarter `turns` gave the page this one is in."""
        (a, b, c), (d, e, f) = self.to_original
        if turns == 1:
            return PageTransform(((-d, -e, self.height - f), (a, b, c)), self.height, self.width)
        if turns == 3:
            return PageTransform(((d, e, f), (-a, -b, self.width - c)), self.height, self.width)
        return self

    def _map(self, x: Floats, y: Floats) -> Floats:
        (a, b, c), (d, e, f) = self.to_original
        return np.stack([a * x + b * y + c, d * x + e * y + f], axis=-1)


def deskewed(
    grey: Grey, degrees: float, paper: int, original: tuple[int, int], pixel: tuple[float, float]
) -> tuple[Grey, PageTransform]:
    """Turn the reduced page upright.

    Args:
        grey: (h, w) reduced page.
        degrees: what `skew_degrees` gave; the canvas grows so that no corner is lost.
        paper: the value of the corners that the page does not reach.
        original: width and height of the original scan in pixels.
        pixel: width and height of a pixel of `grey` in those.
    """
    height, width = grey.shape
    scale_x, scale_y = pixel
    if degrees == 0:
        return grey, PageTransform(((scale_x, 0.0, 0.0), (0.0, scale_y, 0.0)), *original)
    radians = np.radians(degrees)
    cos, sin = float(np.cos(radians)), float(np.sin(radians))
    new_width = int(np.ceil(width * cos + height * abs(sin)))
    new_height = int(np.ceil(height * cos + width * abs(sin)))
    # upright -> reduced: turn about the centres
    cx, cy, nx, ny = width / 2, height / 2, new_width / 2, new_height / 2
    inverse = np.array([[cos, -sin, cx - cos * nx + sin * ny], [sin, cos, cy - sin * nx - cos * ny]])
    turned = warped(grey, inverse, (new_width, new_height), cv2.BORDER_CONSTANT, paper)
    a, b, c = (float(v) * scale_x for v in inverse[0])
    d, e, f = (float(v) * scale_y for v in inverse[1])
    return turned, PageTransform(((a, b, c), (d, e, f)), *original)
