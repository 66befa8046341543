"""The values that a page is turned into. All coordinates are pixels of the upright original scan.

The origin is the top left corner; `x_max` and `y_max` are exclusive. Kraken and Pillow speak of corners,
OpenCV of corner and size: `BoundingBox.from_xywh` and `to_xywh` are the only converters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[int, int]
LineKind = Literal["body", "headline", "drop_capital"]
PictureKind = Literal["photograph", "other"]


@dataclass(frozen=True, slots=True, order=True)
class BoundingBox:
    """A box of whole pixels, `x_max` and `y_max` exclusive.

    Raises:
        ValueError: the box has no area or starts left of or above the page.
    """

    x_min: int
    y_min: int
    x_max: int
    y_max: int

    def __post_init__(self) -> None:
        if not (0 <= self.x_min < self.x_max and 0 <= self.y_min < self.y_max):
            raise ValueError(f"not a box: {self.x_min}, {self.y_min}, {self.x_max}, {self.y_max}")

    @classmethod
    def from_xywh(cls, x: int, y: int, width: int, height: int) -> BoundingBox:
        """Make a box from OpenCV's corner and size."""
        return cls(int(x), int(y), int(x + width), int(y + height))

    def to_xywh(self) -> tuple[int, int, int, int]:
        """Return corner and size, as OpenCV, IIIF and COCO want them."""
        return self.x_min, self.y_min, self.width, self.height

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.x_max - self.x_min

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.y_max - self.y_min

    @property
    def area(self) -> int:
        """Area in pixels."""
        return self.width * self.height

    def overlap(self, other: BoundingBox) -> int:
        """Return the area in pixels that both boxes cover."""
        width = min(self.x_max, other.x_max) - max(self.x_min, other.x_min)
        height = min(self.y_max, other.y_max) - max(self.y_min, other.y_min)
        return max(0, width) * max(0, height)

    def iou(self, other: BoundingBox) -> float:
        """Return intersection over union, 0 to 1."""
        shared = self.overlap(other)
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class TextLine:
    """One text line; its place in `PageLayout.lines` is its reading order.

    `baseline` runs through the feet of its letters. `boundary` is the outline that the neural segmenter gives; the box
    segmenter gives none. `column` is the place of its column among those side by side at its height, from 1 in the
    direction of reading. `kind` is `body`, `headline` (much taller than the body) or `drop_capital`. `confidence` is
    the chance that it is a line, 0 to 1.
    """

    bbox: BoundingBox
    baseline: tuple[Point, ...] | None = None
    boundary: tuple[Point, ...] | None = None
    column: int = 1
    kind: LineKind = "body"
    confidence: float | None = None


def corners(box: BoundingBox) -> tuple[Point, ...]:
    """Return the corners of a box, clockwise from the left upper one, on its last pixels."""
    right, bottom = box.x_max - 1, box.y_max - 1
    return (box.x_min, box.y_min), (right, box.y_min), (right, bottom), (box.x_min, bottom)


def straight_baseline(line: TextLine) -> tuple[int, int] | None:
    """Return the heights of a baseline at the left and the right edge of its box, None where it is not that simple."""
    ends = line.baseline or ()
    if len(ends) != 2 or (ends[0][0], ends[1][0]) != (line.bbox.x_min, line.bbox.x_max - 1):
        return None
    return ends[0][1], ends[1][1]


@dataclass(frozen=True, slots=True)
class Separator:
    """A line between columns: a printed rule, or one that was inserted into a white gutter.

    `path` runs from the top to the bottom along its middle, so that slanted and curved rules keep their shape.
    """

    bbox: BoundingBox
    origin: Literal["inserted", "printed"]
    path: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face (or what else the cascade named by `label` finds).

    `confidence` is the share of such faces that are true, 0 to 1; `level` what the detector gives.
    """

    bbox: BoundingBox
    label: str = "face"
    confidence: float = 0.0
    level: float = 0.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the page: a photograph, in which no white paper shows, or another: a drawing, an open halftone.

    `outline` is a polygon; `share` says which part of the page it covers, 0 to 1.
    """

    bbox: BoundingBox
    outline: tuple[Point, ...]
    kind: PictureKind
    share: float


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What the file says of the scan, and whether it really has colours.

    Attributes:
        format: as Pillow names it: JPEG, TIFF, PNG, JPEG2000, PDF.
        mode: how a pixel is stored, as Pillow names it: 1, L, P, RGB, CMYK, I;16.
        bit_depth: bits of one channel.
        dpi: dots per inch along x and y; None where the file does not state them, or nothing that can be.
        is_colour: False where all is grey, sepia of old paper not counted.
    """

    format: str | None
    mode: str
    bit_depth: int
    dpi: tuple[float, float] | None
    is_colour: bool


@dataclass(frozen=True, slots=True)
class LineStep:
    """What one step of finding text lines did: how many `lines` it left, and the boxes of those that it changed.

    Attributes:
        dropped: lines that were taken for something else.
        trimmed: ends of lines that were taken for something else.
        added: lines that were not there before.
        joined: pieces that became one line.
        cut: lines that became several.
    """

    step: str
    lines: int
    dropped: tuple[BoundingBox, ...]
    trimmed: tuple[BoundingBox, ...]
    added: tuple[BoundingBox, ...]
    joined: tuple[BoundingBox, ...]
    cut: tuple[BoundingBox, ...]


LINE_CHANGES = ("dropped", "trimmed", "added", "joined", "cut")


@dataclass(frozen=True, slots=True)
class StageTiming:
    """What one stage cost: wall and CPU time, the process's peak resident memory in it, and the items it gave.

    The peak is 0 where the system cannot tell that of a stage alone."""

    stage: str
    wall_ms: float
    cpu_ms: float
    peak_rss_kib: int
    items: int


@dataclass(frozen=True, slots=True)
class PageLayout:
    """Everything that was found on one page, lines in reading order.

    `empty_reason` says why there is no text line (`blank`, `too_many_components`, ...) and is None when there is one.
    `skew_degrees` tells how far the scan is turned clockwise, about 90 or -90 where it lies on its side.
    `picture_hash` is the signed 64-bit difference hash by which the same picture is found again. `doubt` says from 0 to
    1 how far the lines fail to explain the page's letters (`second_reader.doubt`); None where it was not measured.
    `columns` is the number of columns side by side where most are, 0 on a page without lines. `sha256` is that of the
    bytes where they came from a store, so that nobody knew it before; else empty.
    """

    width: int
    height: int
    lines: tuple[TextLine, ...] = ()
    separators: tuple[Separator, ...] = ()
    faces: tuple[Face, ...] = ()
    timings: tuple[StageTiming, ...] = ()
    empty_reason: str | None = None
    skew_degrees: float = 0.0
    picture_hash: int | None = None
    doubt: float | None = None
    columns: int = 0
    pictures: tuple[Picture, ...] = ()
    scan: ScanFacts | None = None
    sha256: str = ""

    @property
    def quarter_turns(self) -> int:
        """How many counter-clockwise quarter turns bring the page upright."""
        return round(self.skew_degrees / 90) % 4
