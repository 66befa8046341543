"""The boxes of a page, as the layers of the static site draw them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workers.layout import BoundingBox, PageLayout, Point, corners
from workers.stages.segmentation.blocks import text_blocks

# name, what people call it, key, shown at first
LAYERS = (
    ("line", "Lines", "l", True),
    ("number", "Order", "o", False),
    ("block", "Blocks", "b", False),
    ("separator", "Separators", "r", True),
    ("picture", "Pictures", "i", True),
    ("face", "Faces", "f", True),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A polygon of a layer with its name for links and what it says when it is pointed at."""

    name: str
    kind: str
    points: str
    says: str
    box: BoundingBox
    number: int


def shapes(layout: PageLayout) -> dict[str, list[Shape]]:
    """Return the shapes of each layer but the numbers, which are drawn from the lines."""
    found: dict[str, list[Shape]] = {name: [] for name, *_ in LAYERS if name != "number"}
    for shape in _all(layout):
        found[shape.name.partition("-")[0]].append(shape)
    return found


def _all(layout: PageLayout) -> Iterator[Shape]:
    for number, line in enumerate(layout.lines, 1):
        says = f"line {number}, {line.kind.replace('_', ' ')}, column {line.column}"
        yield _shape("line", number, line.kind, line.bbox, says, line.boundary)
    for number, block in enumerate(text_blocks(layout), 1):
        yield _shape("block", number, "block", block.bbox, f"block {number}, lines: {len(block.lines)}")
    for number, separator in enumerate(layout.separators, 1):
        yield _shape("separator", number, separator.origin, separator.bbox, f"{separator.origin} separator {number}")
    for number, picture in enumerate(layout.pictures, 1):
        says = f"picture {number}, {picture.kind}, {picture.share:.0%} of the page"
        yield _shape("picture", number, picture.kind, picture.bbox, says, picture.outline)
    for number, face in enumerate(layout.faces, 1):
        yield _shape("face", number, face.label, face.bbox, f"{face.label} {number}, confidence {face.confidence:.2f}")


def _shape(
    layer: str, number: int, kind: str, box: BoundingBox, says: str, outline: tuple[Point, ...] | None = None
) -> Shape:
    points = " ".join(f"{x},{y}" for x, y in outline or corners(box))
    return Shape(f"{layer}-{number}", kind, points, says, box, number)
