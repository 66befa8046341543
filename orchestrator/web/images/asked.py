"""What a request of the IIIF Image API asks for: numbers out of the five parts of its path. Pure.

https://iiif.io/api/image/3.0/: region, size, rotation, quality and format. Level 1, and of
level 2 what viewers ask for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workers.errors import UnreadableInput

MAX_SIDE = 4096  # px of a picture that is sent; larger ones come as tiles
TILE = 512
QUALITIES = ("default", "color", "gray", "bitonal")
FORMATS = {"jpg": "image/jpeg", "png": "image/png"}
TURNS = {"0": 0, "90": 1, "180": 2, "270": 3}

_FOUR = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)," * 3 + r"(\d{1,7}(?:\.\d{1,6})?)")
_SIZE = re.compile(r"(!?)(\d{0,6}),(\d{0,6})")
_PERCENT = re.compile(r"pct:(\d{1,3}(?:\.\d{1,6})?)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A part of the scan, x_min, y_min, x_max, y_max in its pixels; its size as wanted, px; clockwise quarter turns."""

    box: tuple[int, int, int, int]
    width: int
    height: int
    turns: int = 0
    quality: str = "default"
    form: str = "jpg"

    @property
    def name(self) -> str:
        """A name for the picture among those of its scan, of digits and words of ours alone."""
        numbers = "_".join(map(str, (*self.box, self.width, self.height, self.turns)))
        return f"{numbers}_{self.quality}.{self.form}"

    @property
    def shrinking(self) -> float:
        """How many pixels of the scan come to one of the picture, across or down, whichever is less."""
        return min((self.box[2] - self.box[0]) / self.width, (self.box[3] - self.box[1]) / self.height)


def asked(region: str, size: str, rotation: str, quality: str, form: str, width: int, height: int) -> Asked:
    """Return what is asked of a scan of `width` x `height` pixels.

    Raises:
        UnreadableInput: it is not of the API, outside of the scan, or larger than the scan or than `MAX_SIDE`.
    """
    box = _region(region, width, height)
    wide, high = _size(size, box[2] - box[0], box[3] - box[1])
    if rotation not in TURNS or quality not in QUALITIES or form not in FORMATS:
        raise UnreadableInput(
            "This image service turns by 0, 90, 180 or 270 degrees and gives default, color, gray and bitonal as jpg "
            "and png."
        )
    return Asked(box, wide, high, TURNS[rotation], quality, form)


def _region(text: str, width: int, height: int) -> tuple[int, int, int, int]:
    if text == "full":
        return 0, 0, width, height
    if text == "square":
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        return left, top, left + side, top + side
    parts = text.removeprefix("pct:")
    match = _FOUR.fullmatch(parts)
    if match is None or (parts == text and "." in text):
        raise UnreadableInput(
            f"The region {text[:60]} is none: full, square, X,Y,WIDTH,HEIGHT or pct:X,Y,WIDTH,HEIGHT."
        )
    x, y, w, h = map(float, match.groups())
    if parts != text:
        x, y, w, h = x * width / 100, y * height / 100, w * width / 100, h * height / 100
    box = (round(x), round(y), min(width, round(x + w)), min(height, round(y + h)))
    if box[2] <= box[0] or box[3] <= box[1]:
        raise UnreadableInput(f"The region {text[:60]} holds no pixel of the scan, which is {width} x {height}.")
    return box


def _size(text: str, width: int, height: int) -> tuple[int, int]:
    """Return the width and height in which a region of `width` x `height` pixels is wanted."""
    if text == "max":
        return _within(width, height, MAX_SIDE, MAX_SIDE)
    if percent := _PERCENT.fullmatch(text):
        wide, high = round(width * float(percent[1]) / 100), round(height * float(percent[1]) / 100)
    elif (match := _SIZE.fullmatch(text)) and (match[2] or match[3]):
        wide, high = int(match[2] or 0), int(match[3] or 0)
        if match[1]:
            wide, high = _within(width, height, wide or width, high or height)
        wide, high = wide or round(width * high / height), high or round(height * wide / width)
    else:
        raise UnreadableInput(f"The size {text[:60]} is none: max, WIDTH,HEIGHT with one or both, or pct:PERCENT.")
    wide, high = max(1, wide), max(1, high)
    if wide > width or high > height or max(wide, high) > MAX_SIDE:
        raise UnreadableInput(
            f"The size {text[:60]} is more than the region has or than {MAX_SIDE} pixels; nothing is enlarged."
        )
    return wide, high


def _within(width: int, height: int, most_wide: int, most_high: int) -> tuple[int, int]:
    scale = min(1.0, most_wide / width, most_high / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def scale_factors(width: int, height: int) -> list[int]:
    """Return 1, 2, 4 and so on, until the whole scan is one tile."""
    factors = [1]
    while max(width, height) > TILE * factors[-1]:
        factors.append(2 * factors[-1])
    return factors


def service(address: str, width: int, height: int) -> dict[str, object]:
    """Return the description of the image service at `address`: its `info.json`."""
    return {
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": address,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level1",
        "width": width,
        "height": height,
        "maxWidth": MAX_SIDE,
        "maxHeight": MAX_SIDE,
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": scale_factors(width, height)}],
        "extraFormats": ["png"],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": ["regionByPct", "rotationBy90s", "sizeByConfinedWh", "sizeByPct", "sizeByWh"],
    }
