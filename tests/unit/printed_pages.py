"""Pages that look printed, drawn for tests: words in columns, at any size, with what disturbs line finders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Mask = NDArray[np.uint8]
LETTERS = "aaabcdeeeefghiiijklmnnnoopqrrsssttuuvwxyzABDEGHMST,.;"


def printed_page(
    seed: int,
    columns: int = 2,
    size: int = 15,
    shape: tuple[int, int] = (560, 620),
    rules: bool = False,
    leading: float = 1.45,
) -> tuple[Mask, Mask]:
    """Draw a page; return its ink and its gutters, (h, w) uint8 with 255 in them.

    Args:
        seed: decides the words.
        columns: of text, 1.6 text sizes apart.
        size: of the type in pixels.
        shape: height and width in pixels.
        rules: whether there are printed lines between the columns and across the page, and specks.
        leading: distance of lines in text sizes; tight ones touch each other.
    """
    height, width = shape
    random = np.random.default_rng(seed)
    page = Image.new("L", (width, height), 255)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    gutter, margin = round(1.6 * size), 2 * size
    column_width = (width - 2 * margin - (columns - 1) * gutter) // columns
    draw.text((margin, margin), _words(random, 3).upper(), 0, ImageFont.load_default(2 * size))
    gutters = np.zeros(shape, np.uint8)
    for column in range(columns):
        left = margin + column * (column_width + gutter)
        _draw_column(draw, font, random, (left, 5 * size, left + column_width, height - 2 * size), size * leading)
        if column:
            gutters[5 * size :, left - gutter + size // 2 : left - size // 2] = 255
            if rules:
                draw.line((left - gutter // 2, 5 * size, left - gutter // 2, height - size), 0, 2)
    if rules:
        draw.line((margin, 4 * size + 4, width - margin, 4 * size + 4), 0, 2)
    ink = np.where(np.asarray(page) < 128, np.uint8(255), np.uint8(0))
    if rules:
        ink[random.random(shape) < 0.0005] = 255
    return ink, gutters


def _draw_column(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    random: np.random.Generator,
    box: Sequence[float],
    pitch: float,
) -> None:
    left, y, right, bottom = box
    while y + pitch < bottom:
        line = _words(random, 30)
        end = right - (right - left) * random.random() * 0.6 if random.random() < 0.2 else right
        while line and draw.textlength(line, font) > end - left:
            line = line[: line.rfind(" ")] if " " in line else line[:-1]
        draw.text((left, y), line, 0, font)
        y += pitch


def _words(random: np.random.Generator, count: int) -> str:
    return " ".join("".join(random.choice(list(LETTERS), random.integers(2, 9))) for _ in range(count))
