"""What a hundred years and a scanner do to a sheet: skew, blur, paper tone, stains, noise, specks; boxes move along."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import ndimage

from samples.sheet import Box, Grey, Sheet

Polygon = list[list[float]]
_PAPER = np.array([236.0, 226.0, 202.0], np.float32)  # RGB of old newsprint


@dataclass(frozen=True, slots=True)
class Wear:
    """How much a page has suffered."""

    seed: int
    skew_degrees: float = 0.0
    noise: float = 4.0
    stains: float = 6.0
    specks: int = 60
    blur: float = 0.6


@dataclass(frozen=True, slots=True)
class Scan:
    """The aged page, grey and in colour, and where everything now is, in its own pixels."""

    grey: Grey
    rgb: Grey
    lines: list[Box]
    separators: list[Box]
    separator_polygons: list[Polygon]
    images: list[Box]
    faces: list[Box]


def scan(sheet: Sheet, wear: Wear) -> Scan:
    """Return the page as a scanner would see it today."""
    rng = np.random.default_rng(wear.seed)
    printed = sheet.image.filter(ImageFilter.GaussianBlur(wear.blur))
    turned = printed.rotate(wear.skew_degrees, Image.Resampling.BICUBIC, fillcolor=255)
    reflectance = np.asarray(turned, np.float32) / 255
    grey = _worn(rng, reflectance * _paper_tone(rng, reflectance.shape, wear), wear)
    rgb = np.clip(grey[..., np.newaxis] * (_PAPER / _PAPER.mean()), 0, 255).astype(np.uint8)
    polygons = [_turned(box, sheet, wear.skew_degrees) for box in sheet.rules]
    return Scan(
        np.clip(grey, 0, 255).astype(np.uint8), rgb, _line_boxes(sheet, wear.skew_degrees),
        [_around(polygon) for polygon in polygons], polygons,
        [_around(_turned(box, sheet, wear.skew_degrees)) for box in sheet.pictures],
        [_around(_turned(box, sheet, wear.skew_degrees)) for box in sheet.faces],
    )  # fmt: skip


def _paper_tone(rng: np.random.Generator, shape: tuple[int, ...], wear: Wear) -> npt.NDArray[np.float32]:
    """Return the brightness of the paper, float32 (height, width), 0 to 255: stains, and darker towards the edges."""
    height, width = shape
    coarse = Image.fromarray(rng.normal(0, wear.stains, (9, 7)).astype(np.float32))
    stains = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    y, x = np.linspace(-1, 1, height)[:, np.newaxis], np.linspace(-1, 1, width)
    edges = 14 * (np.abs(x) ** 8 + np.abs(y) ** 8)
    tone: npt.NDArray[np.float32] = (_PAPER.mean() + stains - edges).astype(np.float32)
    return tone


def _worn(rng: np.random.Generator, grey: npt.NDArray[Any], wear: Wear) -> npt.NDArray[np.float32]:
    noisy: npt.NDArray[np.float32] = grey.astype(np.float32) + rng.normal(0, wear.noise, grey.shape).astype(np.float32)
    height, width = grey.shape
    for _ in range(wear.specks):
        y, x, size = int(rng.integers(height)), int(rng.integers(width)), int(rng.integers(1, 4))
        noisy[y : y + size, x : x + size] = 70
    return noisy


def _line_boxes(sheet: Sheet, degrees: float) -> list[Box]:
    """Return the box of each line's ink after the page was turned, from the ink itself."""
    labels = Image.fromarray(sheet.labels).rotate(degrees, Image.Resampling.NEAREST)
    found = ndimage.find_objects(np.asarray(labels), max_label=sheet.lines)
    return [(int(x.start), int(y.start), int(x.stop), int(y.stop)) for y, x in filter(None, found)]


def _turned(box: Box, sheet: Sheet, degrees: float) -> Polygon:
    """Return the corners of a box after the page was turned counter-clockwise about its centre."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = sheet.width / 2, sheet.height / 2
    x0, y0, x1, y1 = box
    return [
        [round(cx + (x - cx) * cos + (y - cy) * sin, 1), round(cy - (x - cx) * sin + (y - cy) * cos, 1)]
        for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    ]


def _around(polygon: Polygon) -> Box:
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))
