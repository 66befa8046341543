"""Pictures of what was right and what was wrong on a page: hits green, misses red, false ones orange."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from orchestrator.evaluation.rules import SeparatorComparison
from orchestrator.evaluation.scores import BoxComparison, PageScore

HIT, MISS, FALSE = (0, 150, 40), (220, 0, 0), (255, 140, 0)
LONGEST_SIDE = 2400  # px of the picture
FADED = 0.45  # how far the scan goes towards white, so that the colours stand out


def worst_pages(pages: Sequence[PageScore], number: int) -> list[PageScore]:
    """Return the pages with the lowest F1 (of lines, else separators, else faces), worst first."""
    return sorted(pages, key=lambda page: page.quality)[:number]


def picture_of(page: PageScore, scan: NDArray[np.uint8]) -> Image.Image:
    """Draw the comparison over a scan.

    Args:
        page: the scores of the page.
        scan: (h, w) uint8, the upright scan at the size of the page's layout.
    """
    factor = min(1.0, LONGEST_SIDE / max(scan.shape))
    size = (max(1, round(scan.shape[1] * factor)), max(1, round(scan.shape[0] * factor)))
    small = Image.fromarray(scan).resize(size, Image.Resampling.BOX)
    picture = Image.blend(small, Image.new("L", size, 255), FADED).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for boxes, width in ((page.lines, 2), (page.faces, 5)):
        if boxes is not None:
            _draw_boxes(draw, boxes, factor, width)
    if page.separators is not None:
        _draw_separators(draw, page, page.separators, factor)
    return picture


def _draw_boxes(draw: ImageDraw.ImageDraw, boxes: BoxComparison, factor: float, width: int) -> None:
    for kind, colour in ((boxes.missed, MISS), (boxes.false_boxes, FALSE), (boxes.hits, HIT)):
        for x_min, y_min, x_max, y_max in (kind * factor).tolist():
            draw.rectangle((x_min, y_min, max(x_min, x_max), max(y_min, y_max)), outline=colour, width=width)


def _draw_separators(
    draw: ImageDraw.ImageDraw, page: PageScore, separators: SeparatorComparison, factor: float
) -> None:
    for rule, found in zip(separators.rules, separators.found, strict=True):
        if not found:
            draw.polygon([(x, y) for x, y in (rule * factor).tolist()], outline=MISS, width=4)
    for separator, correct in zip(page.layout.separators, separators.correct, strict=True):
        path = [(x * factor, y * factor) for x, y in separator.path]
        draw.line(path, fill=HIT if correct else FALSE, width=4)
