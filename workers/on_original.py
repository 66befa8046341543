"""From the pixels of a picture that was read smaller to those of the original. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from workers.errors import ImageTooLarge
from workers.layout import BoundingBox, PageLayout, Point

_KEY = "broadsheet_original"  # of the entry in a Pillow image's `info`


@dataclass(frozen=True, slots=True)
class Original:
    """Width and height of the original, and where in it the picture lies: x, y, width and height."""

    size: tuple[int, int]
    place: tuple[float, float, float, float]


def with_original(image: Image.Image, original: Original) -> Image.Image:
    """Return the image, which tells from now on of what it is a smaller copy."""
    image.info[_KEY] = original
    return image


def on_original(layout: PageLayout, image: Image.Image) -> PageLayout:
    """Return a layout in the pixels of what `image`, on which it was found, is a copy of; else as it is.

    An image that was turned upright before is turned against its original likewise.
    """
    original = image.info.get(_KEY)
    if not isinstance(original, Original):
        return layout
    (width, height), (x, y, across, down) = original.size, original.place
    if (layout.height, layout.width) == image.size != (layout.width, layout.height):
        (width, height), (x, y, across, down) = (height, width), (y, x, down, across)
    way = _Way(x, y, across / layout.width, down / layout.height, width, height)
    return replace(
        layout,
        width=width,
        height=height,
        lines=tuple(
            replace(line, bbox=way.box(line.bbox), baseline=way.path(line.baseline), boundary=way.path(line.boundary))
            for line in layout.lines
        ),
        separators=tuple(replace(one, bbox=way.box(one.bbox), path=way.points(one.path)) for one in layout.separators),
        faces=tuple(replace(one, bbox=way.box(one.bbox)) for one in layout.faces),
        pictures=tuple(
            replace(one, bbox=way.box(one.bbox), outline=way.points(one.outline)) for one in layout.pictures
        ),
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """The way of a point to the original of `width` x `height` pixels."""

    x: float
    y: float
    across: float
    down: float
    width: int
    height: int

    def box(self, box: BoundingBox) -> BoundingBox:
        x_min, x_max = self._span(self.x + self.across * box.x_min, self.x + self.across * box.x_max, self.width)
        y_min, y_max = self._span(self.y + self.down * box.y_min, self.y + self.down * box.y_max, self.height)
        return BoundingBox(x_min, y_min, x_max, y_max)

    @staticmethod
    def _span(low: float, high: float, most: int) -> tuple[int, int]:
        first = min(max(0, round(low)), most - 1)
        return first, min(max(first + 1, round(high)), most)

    def points(self, points: Sequence[Point]) -> tuple[Point, ...]:
        # the middle of a pixel stays the middle
        return tuple(
            (
                min(max(0, int(self.x + self.across * (x + 0.5))), self.width - 1),
                min(max(0, int(self.y + self.down * (y + 0.5))), self.height - 1),
            )
            for x, y in points
        )

    def path(self, points: Sequence[Point] | None) -> tuple[Point, ...] | None:
        return None if points is None else self.points(points)


def placed_on_original(image: Image.Image, max_pixels: int) -> Image.Image:
    """Return a picture in the pixels of its original: enlarged, and laid on white where it covers a part of it alone.

    Raises:
        ImageTooLarge: the original would have more pixels than the limit.
    """
    original = image.info.get(_KEY)
    if not isinstance(original, Original):
        return image
    (width, height), (x, y, across, down) = original.size, original.place
    if width * height > max_pixels:
        raise ImageTooLarge(f"The page is said to have {width} x {height} pixels, the limit is {max_pixels}.")
    picture = image.resize((max(1, round(across)), max(1, round(down))), Image.Resampling.BICUBIC)
    if picture.size == original.size:
        return picture
    sheet = Image.new(image.mode, original.size, "white")
    sheet.paste(picture, (round(x), round(y)))
    return sheet
