"""The band below a picture of a page: a headline, and what each colour means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

INK = "#222222"
BAND_HEIGHT = 56
MIN_WIDTH = 640  # px; a smaller picture gets white beside it


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a legend."""

    colour: str
    text: str


def with_legend(picture: Image.Image, title: str, entries: Sequence[Entry]) -> Image.Image:
    """Return an RGB picture with the band below it, at least as wide as the band needs."""
    font = ImageFont.load_default(14)
    steps = [font.getlength(entry.text) + 42 for entry in entries]
    whole = Image.new("RGB", (max(picture.width, MIN_WIDTH, int(sum(steps))), picture.height + BAND_HEIGHT), "white")
    whole.paste(picture, (0, 0))
    draw = ImageDraw.Draw(whole)
    draw.text((10, picture.height + 6), shortened(title, whole.width - 20, font), INK, font)
    x = 10.0
    for entry, step in zip(entries, steps, strict=True):
        draw.rectangle((x, picture.height + 34, x + 12, picture.height + 46), fill=entry.colour)
        draw.text((x + 18, picture.height + 32), entry.text, INK, font)
        x += step
    return whole


def shortened(text: str, width: float, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Return `text`, cut in its middle until it is no wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    kept = len(text)
    while kept > 2 and font.getlength(_middle_cut(text, kept)) > width:
        kept -= 1
    return _middle_cut(text, kept)


def _middle_cut(text: str, kept: int) -> str:
    head = kept // 3
    return f"{text[:head]}…{text[len(text) - (kept - head) :]}"
