"""Pages drawn for the tests of the page engine, with the boxes of their lines."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WORDS = ["die", "der", "und", "von", "zu", "sich", "mit", "ein", "das", "Rath", "Bern", "Stadt", "gegen", "Regierung"]


@dataclass
class DrawnPage:
    """A white page that text is set on; `lines` collects the ink's boxes."""

    width: int = 1400
    height: int = 1800
    seed: int = 1
    lines: list[tuple[int, int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = Image.new("L", (self.width, self.height), 255)
        self.draw = ImageDraw.Draw(self.image)
        self.random = random.Random(self.seed)

    def line(self, x: int, y: int, text: str, size: int) -> None:
        font = ImageFont.load_default(size)
        self.draw.text((x, y), text, fill=0, font=font)
        x0, y0, x1, y1 = self.draw.textbbox((x, y), text, font=font)
        self.lines.append((int(x0), int(y0), int(x1), int(y1)))

    def column(self, x: int, y: int, width: int, count: int, size: int = 26, pitch: int = 36) -> None:
        """Set `count` justified lines of random words; the last is short."""
        font = ImageFont.load_default(size)
        for number in range(count):
            words: list[str] = []
            while font.getlength(" ".join([*words, "Regierung"])) < width:
                words.append(self.random.choice(WORDS))
            if number == count - 1:
                words = words[:2]
            self._justified(x, y + number * pitch, words, width if number < count - 1 else 0, font)

    def _justified(self, x: int, y: int, words: list[str], width: int, font: ImageFont.FreeTypeFont) -> None:
        lengths = [font.getlength(word) for word in words]
        space = (width - sum(lengths)) / max(1, len(words) - 1) if width else font.getlength(" ")
        at, boxes = float(x), []
        for word, length in zip(words, lengths, strict=True):
            self.draw.text((at, y), word, fill=0, font=font)
            boxes.append(self.draw.textbbox((at, y), word, font=font))
            at += length + space
        corners = np.array(boxes)
        x0, y0 = corners[:, :2].min(axis=0)
        x1, y1 = corners[:, 2:].max(axis=0)
        self.lines.append((int(x0), int(y0), int(x1), int(y1)))

    @property
    def grey(self) -> NDArray[np.uint8]:
        return np.asarray(self.image)


def two_columns(**page: int) -> DrawnPage:
    drawn = DrawnPage(**page)
    drawn.column(80, 100, 560, 40)
    drawn.column(720, 100, 560, 40)
    return drawn
