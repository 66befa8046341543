"""How far a page is turned, and the way between the upright working image and the original scan."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.layout import BoundingBox, Point
from workers.stages.text_size import strip_sums

LIMIT_DEGREES = 6.0
FINER_DEGREES = (0.5, 0.1, 0.05)  # from one round of the search to the next
STRIPS = 96  # columns of the reduced image in which rows are summed


def skew_degrees(ink: NDArray[np.uint8], scale: float) -> float:
    """Return by how many degrees the text lines fall to the right (positive: clockwise), between -6 and 6.

    The lines are upright where the row sums vary most (Postl 1986). Rows are summed in narrow strips that are shifted
    against each other, one shift an angle, and only over windows about as wide as a column: the lines of
    neighbouring columns need not be level.

    Args:
        ink: (h, w), non-zero is ink.
        scale: text scale in pixels of `ink`.
    """
    step = max(1, int(scale / 5))  # rows of a fifth of the text size tell lines apart
    rows, columns = ink.shape[0] // step, STRIPS
    if rows < 8 or ink.shape[1] < columns:
        return 0.0
    profile = cv2.resize(strip_sums(ink, columns), (columns, rows), interpolation=cv2.INTER_AREA)
    # shearing by parts of a row smooths, no shear at all does not: smoothed before, all angles are alike
    profile = cv2.GaussianBlur(profile, (1, 9), sigmaX=0.1, sigmaY=1.5)
    slope = ink.shape[1] // columns * rows / ink.shape[0]  # rows a strip for a slope of 1
    margin = _margin(columns, slope)
    strips = np.pad(np.asarray(cv2.transpose(profile)), ((0, 0), (margin, margin)))
    windows = _windows(columns, int(np.clip(round(30 * scale / (ink.shape[1] // columns)), 8, columns)))
    best, reach = 0.0, LIMIT_DEGREES
    for width in FINER_DEGREES:
        angles = best + np.arange(-reach, reach + 0.01, width)
        best, reach = float(angles[np.argmax([_sharpness(strips, a, slope, windows) for a in angles])]), width
    return best


def _windows(strips: int, width: int) -> NDArray[np.float32]:
    """Return (strips, windows): what each strip adds to the mean of each window of `width` strips, every half width."""
    return np.asarray(cv2.blur(np.eye(strips, dtype=np.float32), (width, 1))[:, width // 2 :: max(1, width // 2)])


def _sharpness(strips: NDArray[np.float32], degrees: float, slope: float, windows: NDArray[np.float32]) -> float:
    """Return how much neighbouring row sums differ when the strips are sheared by `degrees`.

    Args:
        strips: (strips, rows), paper above and below for the largest shear.
        degrees: the angle.
        slope: rows a strip for a slope of 1.
        windows: (strips, windows), what each strip adds to each window.
    """
    count, length = strips.shape
    margin = _margin(count, slope)
    shift = np.float32(np.tan(np.radians(degrees)) * slope)
    # to a 32nd of a row, rounded as OpenCV's affine map does, which takes twice as long
    place = np.rint(float(shift) * 1024 * np.arange(count)) + np.rint(float(-shift * np.float32(count / 2)) * 1024)
    whole, part = np.divmod((place.astype(np.intp) + 16) >> 5, 32)
    part = part.astype(np.float32)[:, None] / 32
    rows = np.lib.stride_tricks.sliding_window_view(strips, length - 2 * margin + 1, axis=1)
    moved = rows[np.arange(count), margin + whole]
    # between two rows by interpolation, which the sums over windows take up
    sheared = (windows * (1 - part)).T @ moved[:, :-1] + (windows * part).T @ moved[:, 1:]
    return float(np.square(np.diff(sheared, axis=1)).sum())


def _margin(strips: int, slope: float) -> int:
    """Return how many rows the outermost strip moves at most, and one more."""
    return int(np.ceil(np.tan(np.radians(LIMIT_DEGREES + sum(FINER_DEGREES))) * slope * strips / 2)) + 1


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the upright working image lies in the original scan: an affine map from working to original pixels."""

    to_original: tuple[tuple[float, float, float], tuple[float, float, float]]
    width: int
    height: int

    def boxes(self, boxes: NDArray[np.float64]) -> list[BoundingBox]:
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

    def points(self, points: NDArray[np.float64]) -> tuple[Point, ...]:
        """Return (n, 2) working points x, y as pixels of the original."""
        x, y = np.asarray(points, np.float64).reshape(-1, 2).T
        mapped = np.rint(self._map(x, y)).astype(int).clip(0, [self.width - 1, self.height - 1])
        return tuple((int(a), int(b)) for a, b in mapped)

    def turned_back(self, turns: int) -> Placement:
        """Return the placement in the scan whose counter-clockwise quarter `turns` gave the page this one is in."""
        (a, b, c), (d, e, f) = self.to_original
        if turns == 1:
            return Placement(((-d, -e, self.height - f), (a, b, c)), self.height, self.width)
        if turns == 3:
            return Placement(((d, e, f), (-a, -b, self.width - c)), self.height, self.width)
        return self

    def _map(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        (a, b, c), (d, e, f) = self.to_original
        return np.stack([a * x + b * y + c, d * x + e * y + f], axis=-1)


def upright(
    grey: NDArray[np.uint8], degrees: float, paper: int, original: tuple[int, int], pixel: tuple[float, float]
) -> tuple[NDArray[np.uint8], Placement]:
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
        return grey, Placement(((scale_x, 0.0, 0.0), (0.0, scale_y, 0.0)), *original)
    radians = np.radians(degrees)
    cos, sin = float(np.cos(radians)), float(np.sin(radians))
    new_width = int(np.ceil(width * cos + height * abs(sin)))
    new_height = int(np.ceil(height * cos + width * abs(sin)))
    # upright -> reduced: turn about the centres
    cx, cy, nx, ny = width / 2, height / 2, new_width / 2, new_height / 2
    inverse = np.array([[cos, -sin, cx - cos * nx + sin * ny], [sin, cos, cy - sin * nx - cos * ny]])
    turned = cv2.warpAffine(
        grey,
        inverse,
        (new_width, new_height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=paper,
    )
    a, b, c = (float(v) * scale_x for v in inverse[0])
    d, e, f = (float(v) * scale_y for v in inverse[1])
    return turned.astype(np.uint8, copy=False), Placement(((a, b, c), (d, e, f)), *original)
