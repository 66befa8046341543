"""A picture from a camera: is there anything in it, where is the sheet, and the sheet laid flat. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Quad = NDArray[np.float64]
"""Corners of a sheet, (4, 2) float64, x and y in pixels: left upper, right upper, right lower, left lower."""

LOOKED_AT_PX = 640  # the longer side of the copy on which a sheet is looked for
LEAST_SHARE = 0.15  # of the picture: a smaller sheet is something else
LEAST_CONTRAST = 6.0  # grey levels between the darker and the lighter tenth: less is a lid, a wall, no signal
LEAST_SIDE_PX = 200
_CORNERS_WITHIN = (0.02, 0.035, 0.05, 0.08)  # of the outline's length: how far it may lie from four straight sides


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture looks like.

    `sharpness` is the mean square of differences between neighbours in a copy of fixed size, in grey levels squared;
    `dark` and `bright` are the shares of pixels that are nearly black or white.
    """

    mean: float
    contrast: float
    sharpness: float
    dark: float
    bright: float


def look_at(grey: Grey) -> Look:
    """Return what a picture (h, w) uint8 looks like."""
    small = _reduced(grey)[0]
    low, high = np.percentile(small, (10, 90))
    across = np.diff(small.astype(np.float32), axis=1)
    return Look(
        mean=float(small.mean()),
        contrast=float(high - low),
        sharpness=float((across**2).mean()),
        dark=float((small <= 8).mean()),
        bright=float((small >= 250).mean()),
    )


def nothing_in(grey: Grey) -> str | None:
    """Return in a sentence why there is no page in a picture, None where there may be one."""
    if min(grey.shape) < LEAST_SIDE_PX:
        return f"The picture has only {grey.shape[1]} x {grey.shape[0]} pixels; choose a higher resolution."
    look = look_at(grey)
    if look.dark > 0.98:
        return "The picture is black: open the lid of the camera, or let another program go that holds it."
    if look.bright > 0.98:
        return "The picture is white: there is too much light, or nothing in front of the camera."
    if look.contrast < LEAST_CONTRAST and look.sharpness < 1.0:
        return "The picture is empty: one tone all over. Is the camera covered, or turned away?"
    return None


def find_sheet(grey: Grey) -> Quad | None:
    """Return the corners of the largest bright sheet in a picture (h, w) uint8, None where there is none.

    The bright part by Otsu's threshold, closed over its print; the largest outline with about four straight sides.
    """
    small, scale = _reduced(grey)
    smooth = cv2.GaussianBlur(small, (5, 5), 0)
    _, bright = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    side = max(3, round(max(small.shape) / 25)) | 1
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(outlines, key=cv2.contourArea, default=None)
    if largest is None or cv2.contourArea(largest) < LEAST_SHARE * small.size:
        return None
    quad = _four_corners(cv2.convexHull(largest))
    return None if quad is None else in_order(quad) / scale


def _four_corners(hull: NDArray[np.int32]) -> Quad | None:
    length = cv2.arcLength(hull, True)
    for share in _CORNERS_WITHIN:
        outline = cv2.approxPolyDP(hull, share * length, True)
        if len(outline) == 4:
            return np.asarray(outline, np.float64).reshape(4, 2)
    box = cv2.boxPoints(cv2.minAreaRect(hull))
    is_sheet = cv2.contourArea(hull) > 0.8 * cv2.contourArea(box)
    return np.asarray(box, np.float64) if is_sheet else None


def in_order(quad: Quad) -> Quad:
    """Return four corners clockwise from the left upper one (y runs down)."""
    middle = quad.mean(axis=0)
    turn = np.arctan2(quad[:, 1] - middle[1], quad[:, 0] - middle[0])
    clockwise = quad[np.argsort(turn)]
    return np.roll(clockwise, -int(np.argmin(clockwise.sum(axis=1))), axis=0)


def is_usable(quad: Quad, width: int, height: int) -> bool:
    """Return whether corners make a convex sheet of some size on a picture."""
    corners = quad.astype(np.float32)
    inside = (corners >= -1).all() and (corners <= (width + 1, height + 1)).all()
    return bool(inside and cv2.isContourConvex(corners) and cv2.contourArea(corners) >= 0.01 * width * height)


def flattened(rgb: NDArray[np.uint8], quad: Quad) -> NDArray[np.uint8]:
    """Return the sheet between four corners of a picture (h, w, 3) uint8, laid flat: (h', w', 3) uint8.

    Its sides are as long as the longer of those that lie opposite of each other.
    """
    left_upper, right_upper, right_lower, left_lower = quad
    width = max(_length(left_upper, right_upper), _length(left_lower, right_lower))
    height = max(_length(left_upper, left_lower), _length(right_upper, right_lower))
    flat = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    way = cv2.getPerspectiveTransform(quad.astype(np.float32), flat)
    return np.asarray(
        cv2.warpPerspective(rgb, way, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _length(one: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    return max(1, round(float(np.hypot(*(one - other)))))


def _reduced(grey: Grey) -> tuple[Grey, float]:
    """Return a copy whose longer side is at most `LOOKED_AT_PX`, and its scale."""
    scale = min(1.0, LOOKED_AT_PX / max(grey.shape))
    if scale == 1.0:
        return grey, 1.0
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale
