"""A sheet of paper being printed: text, rules and pictures, each remembered with the ink it left."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Grey = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

_INK_BELOW = 160


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the scalable font that is part of Pillow, so that a page looks the same on every machine.

    Raises:
        TypeError: Pillow was built without FreeType.
    """
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("Pillow has no FreeType; install Pillow from its wheel")
    return loaded


@cache
def width_of(word: str, size: int, weight: int = 0) -> float:
    """Return the width of a word in pixels; `weight` is the stroke that makes letters bold."""
    return font(size).getlength(word) + 2 * weight * bool(word)


@dataclass(slots=True)
class Sheet:
    """A white page; `grey` is uint8 (height, width), `labels` int32 alike: which line left the ink, 0 for none."""

    width: int
    height: int
    ink: int = 30
    lines: int = 0
    rules: list[Box] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    faces: list[Box] = field(default_factory=list)
    image: Image.Image = field(init=False)
    labels: npt.NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.image = Image.new("L", (self.width, self.height), 255)
        self.labels = np.zeros((self.height, self.width), np.int32)

    @property
    def grey(self) -> Grey:
        """What is printed so far."""
        return np.asarray(self.image)

    def line(self, words: list[tuple[float, str]], baseline: int, size: int, weight: int = 0) -> None:
        """Print one text line: words with their left edges."""
        draw = ImageDraw.Draw(self.image)
        before = self._band(baseline, size)
        for x, word in words:
            draw.text(
                (x + weight, baseline), word, self.ink, font(size), anchor="ls", stroke_width=weight,
                stroke_fill=self.ink,
            )  # fmt: skip
        band = self._band(baseline, size)
        self.lines += 1
        top = max(0, baseline - 2 * size)
        labels = self.labels[top : top + len(band)]
        fresh = ((band < _INK_BELOW) & (band < before))[: len(labels)]
        labels[fresh] = self.lines

    def _band(self, baseline: int, size: int) -> Grey:
        return np.asarray(self.image.crop((0, max(0, baseline - 2 * size), self.width, baseline + size)))

    def centred(self, text: str, left: int, right: int, baseline: int, size: int, weight: int = 0) -> None:
        """Print one text line in the middle between two edges."""
        space = width_of(" ", size)
        words = text.split()
        x = (left + right - sum(width_of(word, size, weight) for word in words) - space * (len(words) - 1)) / 2
        placed = []
        for word in words:
            placed.append((x, word))
            x += width_of(word, size, weight) + space
        self.line(placed, baseline, size, weight)

    def rule(self, box: Box, *, parts_columns: bool = False) -> None:
        """Print a rule; one that parts columns is remembered."""
        ImageDraw.Draw(self.image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), self.ink)
        if parts_columns:
            self.rules.append(box)

    def picture(self, picture: Image.Image, left: int, top: int, faces: list[Box]) -> None:
        """Print a picture; `faces` are boxes in its own pixels."""
        self.image.paste(picture, (left, top))
        self.pictures.append((left, top, left + picture.width, top + picture.height))
        self.faces += [(x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in faces]
