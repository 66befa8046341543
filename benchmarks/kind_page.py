"""A page in the making that kinds of pages are drawn on, and what a scanner makes of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Box = tuple[int, int, int, int]
WORDS = "the und von Rath Bern Stadt Regierung morning letter harbour price of street clock with".split()  # noqa: SIM905
WIDTH, HEIGHT, MARGIN, GUTTER = 1200, 1600, 80, 40
COLUMN = (WIDTH - 2 * MARGIN - GUTTER) // 2


@dataclass
class Page:
    """A page in the making: its picture, its words by chance, its true lines.

    Attributes:
        seed: of all that is chosen by chance.
        lines: boxes of the ink of each line.
        separators: how many column separators a careful reader would draw, at most.
        quality: of the JPEG it is stored as.
    """

    seed: int
    lines: list[Box] = field(default_factory=list)
    separators: int = 1
    quality: int = 60

    def __post_init__(self) -> None:
        self.image = Image.new("L", (WIDTH, HEIGHT), 245)
        self.pen = ImageDraw.Draw(self.image)
        self.chance = random.Random(self.seed)

    def line(self, x: int, y: int, text: str, size: int, grey: int = 20, font_name: str = "") -> None:
        """Set one line."""
        font = ImageFont.truetype(font_name, size) if font_name else ImageFont.load_default(size)
        self.pen.text((x, y), text, grey, font)
        x0, y0, x1, y1 = self.pen.textbbox((x, y), text, font)
        self.lines.append((int(x0), int(y0), int(x1), int(y1)))

    def text(self, x: int, y: int, width: int, bottom: int, size: int = 20, grey: int = 20) -> None:
        """Set lines of words by chance, as long as they fit."""
        font = ImageFont.load_default(size)
        while y + 1.3 * size < bottom:
            words = [self.chance.choice(WORDS)]
            while font.getlength(" ".join([*words, "Regierung"])) < width:
                words.append(self.chance.choice(WORDS))
            self.line(x, y, " ".join(words), size, grey)
            y += round(1.35 * size)

    def columns(self, top: int, bottom: int, size: int = 20, grey: int = 20) -> None:
        """Set two columns."""
        for x in (MARGIN, MARGIN + COLUMN + GUTTER):
            self.text(x, top, COLUMN, bottom, size, grey)

    def paste(self, picture: NDArray[np.uint8], x: int, y: int) -> None:
        """Print a picture."""
        self.image.paste(Image.fromarray(picture), (x, y))


def scanned(page: Page) -> NDArray[np.uint8]:
    """Return what a scanner makes of a page: soft, a little noisy, stored as JPEG."""
    noise = np.random.default_rng(page.seed).normal(0, 4, (HEIGHT, WIDTH))
    grey = cv2.GaussianBlur(np.asarray(page.image, np.float64), (0, 0), 0.7) + noise
    _, data = cv2.imencode(".jpg", grey.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, page.quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
