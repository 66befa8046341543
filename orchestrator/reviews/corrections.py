"""A layout as reviewers corrected it: without the false boxes, with the missing ones, separators moved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import median

from models.review import Verdict
from orchestrator.reviews.statements import Statement
from workers.layout import (
    BoundingBox,
    Face,
    PageLayout,
    Picture,
    Point,
    Separator,
    TextLine,
    corners,
    straight_baseline,
)

FEET = 0.8  # of a line's height, from its top: where the feet of its letters are, if no other line says


def corrected(layout: PageLayout, statements: Iterable[Statement]) -> PageLayout:
    """Return what is on a page by a reviewer's word; lines that were drawn stand where reading comes to them."""
    said = list(statements)
    false = {(one.box_kind, one.box_number) for one in said if one.verdict == Verdict.FALSE_BOX}
    moved = {one.box_number: one.box for one in said if one.verdict == Verdict.MOVED_SEPARATOR and one.box}
    drawn = {
        kind: [one.box for one in said if one.verdict == Verdict.MISSING_BOX and one.box_kind == kind and one.box]
        for kind in ("line", "separator", "face", "picture")
    }
    lines = [line for n, line in enumerate(layout.lines, 1) if ("line", n) not in false]
    separators = [
        moved_separator(one, moved[n]) if n in moved else one
        for n, one in enumerate(layout.separators, 1)
        if ("separator", n) not in false
    ]
    faces = [face for n, face in enumerate(layout.faces, 1) if ("face", n) not in false]
    pictures = [one for n, one in enumerate(layout.pictures, 1) if ("picture", n) not in false]
    area = layout.width * layout.height
    return replace(
        layout,
        lines=with_drawn(lines, drawn["line"]),
        separators=(*separators, *map(drawn_separator, drawn["separator"])),
        faces=(*faces, *(Face(box, confidence=1.0) for box in drawn["face"])),
        pictures=(*pictures, *(Picture(box, corners(box), "other", box.area / area) for box in drawn["picture"])),
    )


def with_drawn(lines: Sequence[TextLine], drawn: Iterable[BoundingBox]) -> tuple[TextLine, ...]:
    """Return lines in reading order with drawn boxes among them: each above the next line of its column.

    Its column is that of the nearest line that stands above or below it, else of the nearest of all.
    """
    found, feet = list(lines), _feet(lines)
    for box in sorted(drawn, key=lambda one: (one.y_min, one.x_min)):
        beside = min(found, key=lambda line: _distance(line.bbox, box), default=None)
        column = beside.column if beside else 1
        foot = min(box.y_max - 1, box.y_min + round(feet * box.height))
        line = TextLine(box, ((box.x_min, foot), (box.x_max - 1, foot)), column=column)
        found.insert(_place(found, line), line)
    return tuple(found)


def _place(lines: Sequence[TextLine], drawn: TextLine) -> int:
    """Return where a line belongs: before the first of its column whose middle lies below, else after the last."""
    of_column = [n for n, line in enumerate(lines) if line.column == drawn.column and _beside(line.bbox, drawn.bbox)]
    of_column = of_column or [n for n, line in enumerate(lines) if line.column == drawn.column]
    middle = drawn.bbox.y_min + drawn.bbox.y_max
    below = (n for n in of_column if lines[n].bbox.y_min + lines[n].bbox.y_max > middle)
    return next(below, of_column[-1] + 1 if of_column else len(lines))


def _beside(one: BoundingBox, other: BoundingBox) -> bool:
    return one.x_min < other.x_max and other.x_min < one.x_max


def _distance(one: BoundingBox, other: BoundingBox) -> tuple[int, int]:
    across = max(one.x_min - other.x_max, other.x_min - one.x_max, -1) + 1
    return across, abs(one.y_min + one.y_max - other.y_min - other.y_max)


def _feet(lines: Iterable[TextLine]) -> float:
    """Return how far down in their boxes the baselines of lines run, as a share of the height."""
    level = [
        ((ends[0] + ends[1]) / 2 - line.bbox.y_min) / line.bbox.height
        for line in lines
        if (ends := straight_baseline(line)) is not None
    ]
    return median(level) if level else FEET


def drawn_separator(box: BoundingBox) -> Separator:
    """Return the separator that a drawn box means: a rule through its middle, along its longer side."""
    if box.height >= box.width:
        middle = (box.x_min + box.x_max) // 2
        return Separator(box, "printed", ((middle, box.y_min), (middle, box.y_max - 1)))
    middle = (box.y_min + box.y_max) // 2
    return Separator(box, "printed", ((box.x_min, middle), (box.x_max - 1, middle)))


def moved_separator(separator: Separator, box: BoundingBox) -> Separator:
    """Return a separator in another place; its path keeps its shape, stretched as the box is."""
    old = separator.bbox

    def moved(point: Point) -> Point:
        x = box.x_min + (point[0] - old.x_min) * box.width // old.width
        y = box.y_min + (point[1] - old.y_min) * box.height // old.height
        return min(max(x, box.x_min), box.x_max - 1), min(max(y, box.y_min), box.y_max - 1)

    return Separator(box, separator.origin, tuple(map(moved, separator.path)))


def separator_outline(separator: Separator) -> tuple[Point, ...]:
    """Return the outline of a separator: to both sides of its path, as wide as its box leaves for the rule itself."""
    path = separator.path
    if len(path) < 2 or separator.bbox.height < separator.bbox.width:
        return corners(separator.bbox)
    slant = max(x for x, _ in path) - min(x for x, _ in path)
    half = max(separator.bbox.width - slant, 2) // 2
    left = [(max(x - half, 0), y) for x, y in path]
    return (*left, *((x + half, y) for x, y in reversed(path)))
