"""A scan with what the steps of finding text lines threw away drawn on it, each step in its own colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from orchestrator.overlay.drawing import corners, shrink, title
from orchestrator.results.legend import Entry, with_legend
from orchestrator.results.line_steps import line_steps, step_name
from orchestrator.results.pages import ArchivedPage
from orchestrator.terminal.wording import plural
from workers.layout import LineStep

if TYPE_CHECKING:
    from workers.stages.palette.normalise import NormalisedPage

KEPT = "#BBBBBB"
# one a step, in their order, the same on every page
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#117733", "#332288", "#000000")


def dropped_image(page: ArchivedPage, scan: NormalisedPage, width: int) -> Image.Image:
    """Return the picture of a page with what became no line, the scan no wider than `width` pixels, with a legend.

    What a step dropped has a broad outline, what it cut off the end of a line a thin one; the lines that are left are
    grey.

    Raises:
        UnreadableInput: the lines were found by kraken's own method, which has no steps.
    """
    steps = [(step, COLOURS[n % len(COLOURS)]) for n, step in enumerate(line_steps(page, scan))]
    steps = [(step, colour) for step, colour in steps if step.dropped or step.trimmed]
    picture = shrink(scan, width)
    draw, scale = ImageDraw.Draw(picture), picture.width / page.layout.width
    for line in page.layout.lines:
        draw.rectangle(corners(line.bbox, scale), outline=KEPT)
    for step, colour in steps:
        for boxes, thickness in ((step.dropped, 3), (step.trimmed, 1)):
            for box in boxes:
                draw.rectangle(corners(box, scale), outline=colour, width=thickness)
    return with_legend(picture, title(page), [Entry(KEPT, f"text lines: {len(page.layout.lines)}"), *_legend(steps)])


def _legend(steps: Sequence[tuple[LineStep, str]]) -> list[Entry]:
    """Return for each step its colour and how much it threw away."""
    return [Entry(colour, f"{step_name(step)}: {_thrown_away(step)}") for step, colour in steps]


def _thrown_away(step: LineStep) -> str:
    lines = [f"{len(step.dropped)} dropped"] if step.dropped else []
    return ", ".join([*lines, *([plural(len(step.trimmed), "end")] if step.trimmed else [])])
