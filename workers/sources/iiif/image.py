"""One picture of a IIIF canvas: what a page's address holds of it, and what its service can give. Pure.

IIIF Image API 1.1, 2.1 and 3.0, https://iiif.io/api/image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Size = tuple[int, int]
Place = tuple[int, int, int, int]

MOST_SIDE_PX = 1_000_000  # a number beyond is no size
_LEVEL = re.compile(r"level\s*([0-2])", re.IGNORECASE)
_VERSION = re.compile(r"image(?:-api)?/(\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CanvasImage:
    """The picture of a canvas, from a service (`service`) or as a plain file (`url`), one of which may be empty.

    Attributes:
        service: base URL of the image service.
        version: of the Image API: 1, 2 or 3; 0 where the manifest does not tell.
        url: of the picture as a plain file.
        canvas: width and height of the canvas in its own pixels, in which boxes are given; None where it tells none.
        place: x, y, width and height of the picture on its canvas; None where it covers all of it.
        region: which part of the picture is painted, as the Image API spells it.
        member: the picture's name in the ZIP at `url`, where its host offers all pictures of an item in one.
    """

    service: str = ""
    version: int = 0
    url: str = ""
    canvas: Size | None = None
    place: Place | None = None
    region: str = "full"
    member: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what is stored in SQL; what has its default is left out."""
        usual = CanvasImage()
        return {name: value for name, value in asdict(self).items() if value != getattr(usual, name)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> CanvasImage:
        """Read what `to_json` wrote."""
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in stored.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a service says of a picture in its info.json: `most` are maxWidth, maxHeight and maxArea, 0 for none."""

    service: str
    version: int
    level: int
    size: Size
    sizes: tuple[Size, ...] = ()
    most: tuple[int, int, int] = (0, 0, 0)


def whole_number(value: object) -> int:
    """Return a size as a number of pixels, also where it is written as text; 0 for what is none."""
    try:
        number = int(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 < number <= MOST_SIDE_PX else 0


def size_of(values: Mapping[str, Any]) -> Size | None:
    """Return width and height where both are told."""
    width, height = whole_number(values.get("width")), whole_number(values.get("height"))
    return (width, height) if width and height else None


def service_version(values: Mapping[str, Any]) -> int:
    """Return the version of the Image API that a service is of; 0 where nothing tells."""
    kind = str(values.get("type") or values.get("@type") or "")
    if kind.startswith("ImageService") and kind[-1:].isdigit():
        return int(kind[-1])
    found = _VERSION.search(f"{values.get('@context', '')} {values.get('profile', '')}")
    return int(found[1]) if found else 0


def read_info(service: str, values: Mapping[str, Any], version: int = 0) -> ImageInfo | None:
    """Return what an info.json says; None where it is none, or tells no size.

    Args:
        service: the base URL by which it was asked for: what it says of its own is often another machine's name.
        values: the JSON object.
        version: what the manifest said, for a service that says nothing.
    """
    size = size_of(values)
    if size is None:
        return None
    limits = _limits(values)
    # a side of which only the width is limited is limited likewise: Image API 2.1, 5.3
    width = whole_number(limits.get("maxWidth"))
    most = (width, whole_number(limits.get("maxHeight")) or width, whole_number_of_pixels(limits.get("maxArea")))
    offered = [size_of(one) for one in values.get("sizes") or () if isinstance(one, Mapping)]
    found = service_version(values) or version or 2
    return ImageInfo(service, found, _level(values), size, tuple(sorted(one for one in offered if one)), most)


def whole_number_of_pixels(value: object) -> int:
    """Return an area in pixels, 0 for what is none."""
    return int(value) if isinstance(value, int | float) and 0 < value < MOST_SIDE_PX**2 else 0


def _limits(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object with the limits: the info itself, or in version 2 one in its profile."""
    profile = values.get("profile")
    parts = [one for one in profile if isinstance(one, Mapping)] if isinstance(profile, list) else []
    return {name: one[name] for one in (*parts, values) for name in ("maxWidth", "maxHeight", "maxArea") if name in one}


def _level(values: Mapping[str, Any]) -> int:
    found = _LEVEL.search(str(values.get("profile", "")))
    return int(found[1]) if found else 0


def requests_for(info: ImageInfo, image: CanvasImage, pixels: float) -> tuple[str, ...]:
    """Return the URLs by which a picture of about so many pixels is asked for, the best first.

    Never larger than it is, nor than the service gives: some hosts answer 403. The further ones are for hosts that
    refuse the first.
    """
    sizes = _sizes(info, pixels, image.region == "full")
    quality = "native" if info.version == 1 else "default"
    return tuple(f"{info.service}/{image.region}/{size}/0/{quality}.jpg" for size in sizes)


def _sizes(info: ImageInfo, pixels: float, is_whole: bool) -> Sequence[str]:
    wanted = size_for(info, pixels)
    whole: Sequence[str] = (
        ("max", "full") if info.version >= 3 or (info.version == 2 and any(info.most)) else ("full", "max")
    )
    whole = ("full",) if info.version == 1 else whole
    if wanted == info.size or not is_whole:
        return whole
    exact = f"{wanted[0]},{wanted[1]}"
    return ((exact if info.version >= 3 or info.level == 0 else f"{wanted[0]},"), *whole)


def size_for(info: ImageInfo, pixels: float) -> Size:
    """Return the size in which a picture is asked for to have about so many pixels, or as many as there are."""
    width, height = info.size
    factor = min(1.0, (pixels / (width * height)) ** 0.5, *_factors(info))
    if info.level == 0:
        enough = [one for one in info.sizes if one[0] >= factor * width and one[0] <= width]
        return min(enough, default=info.size)
    if factor == 1.0:
        return info.size
    return max(1, round(width * factor)), max(1, round(height * factor))


def _factors(info: ImageInfo) -> Sequence[float]:
    (width, height), (most_width, most_height, most_area) = info.size, info.most
    sides = ((most_width, width), (most_height, height))
    factors = [most / side for most, side in sides if most]
    return [*factors, (most_area / (width * height)) ** 0.5] if most_area else factors
