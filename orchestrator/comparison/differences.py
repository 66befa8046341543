"""Two results of one page side by side: which lines are the same, moved, gained, lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from orchestrator.evaluation.matching import Boxes, as_boxes, match_boxes
from orchestrator.overlay.drawing import corners
from orchestrator.results.legend import Entry, with_legend
from workers.layout import BoundingBox, PageLayout

SAME_IOU, MOVED_IOU = 0.9, 0.5
SAME, MOVED, LOST, GAINED, INK = "#999999", "#0072B2", "#D55E00", "#009E73", "#222222"


@dataclass(frozen=True, slots=True)
class PageComparison:
    """How B differs from A on one page; boxes are of A for `lost`, of B for `gained`, of both for `moved`."""

    page: str
    volume: str
    page_run_id: int
    lines: tuple[int, int]
    separators: tuple[int, int]
    faces: tuple[int, int]
    wall_ms: tuple[float, float]
    same: int
    moved: tuple[tuple[BoundingBox, BoundingBox], ...] = field(repr=False)
    lost: tuple[BoundingBox, ...] = field(repr=False)
    gained: tuple[BoundingBox, ...] = field(repr=False)

    @property
    def change(self) -> int:
        """How much is different: lines that only one of both has, and half a point for one that moved."""
        return 2 * (len(self.lost) + len(self.gained)) + len(self.moved)


def compare_layouts(
    page: str, volume: str, page_run_id: int, layouts: tuple[PageLayout, PageLayout], wall_ms: tuple[float, float]
) -> PageComparison:
    """Match the lines of two layouts (A, B) of one page one to one and sort them by what became of them.

    Lines are the same from an intersection over union of 0.9 on, moved from 0.5 on.
    """
    a, b = layouts
    boxes_a, boxes_b = [line.bbox for line in a.lines], [line.bbox for line in b.lines]
    pairs = match_boxes(_array(boxes_b), _array(boxes_a), MOVED_IOU).pairs.tolist()
    matched = [(boxes_a[in_a], boxes_b[in_b]) for in_b, in_a in pairs]
    moved = tuple((old, new) for old, new in matched if old.iou(new) < SAME_IOU)
    in_both_a, in_both_b = {in_a for _, in_a in pairs}, {in_b for in_b, _ in pairs}
    return PageComparison(
        page,
        volume,
        page_run_id,
        lines=(len(boxes_a), len(boxes_b)),
        separators=(len(a.separators), len(b.separators)),
        faces=(len(a.faces), len(b.faces)),
        wall_ms=wall_ms,
        same=len(matched) - len(moved),
        moved=moved,
        lost=tuple(box for n, box in enumerate(boxes_a) if n not in in_both_a),
        gained=tuple(box for n, box in enumerate(boxes_b) if n not in in_both_b),
    )


def _array(boxes: Sequence[BoundingBox]) -> Boxes:
    return as_boxes([(box.x_min, box.y_min, box.x_max, box.y_max) for box in boxes])


def difference_image(found: PageComparison, b: PageLayout, paper: Image.Image) -> Image.Image:
    """Return a picture of a page: its lines in B thin and grey, and what differs in colour, over the paled scan."""
    scale = paper.width / b.width
    picture = paper.copy()
    draw = ImageDraw.Draw(picture)
    for line in b.lines:
        _box(draw, line.bbox, scale, SAME, 1)
    for old, new in found.moved:
        _box(draw, old, scale, LOST, 1)
        _box(draw, new, scale, MOVED, 2)
    for box in found.lost:
        _box(draw, box, scale, LOST, 3)
    for box in found.gained:
        _box(draw, box, scale, GAINED, 3)
    return with_legend(picture, f"{found.page} of {found.volume}", _legend(found))


def _box(draw: ImageDraw.ImageDraw, box: BoundingBox, scale: float, colour: str, width: int) -> None:
    draw.rectangle(corners(box, scale), outline=colour, width=width)


def _legend(found: PageComparison) -> list[Entry]:
    return [
        Entry(SAME, f"same: {found.same}"),
        Entry(MOVED, f"moved: {len(found.moved)}"),
        Entry(LOST, f"only in A: {len(found.lost)}"),
        Entry(GAINED, f"only in B: {len(found.gained)}"),
    ]
