"""A scan with what was found drawn on it: lines numbered in reading order, separators, faces, a legend.

Colours are Okabe and Ito's, which people with any colour vision can tell apart.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from orchestrator.results.legend import BAND_HEIGHT, INK, Entry, with_legend
from orchestrator.results.pages import ArchivedPage
from workers.layout import BoundingBox, PageLayout, Separator

if TYPE_CHECKING:
    from workers.stages.palette.normalise import NormalisedPage

LINE, PRINTED, INSERTED, FACE = "#0072B2", "#D55E00", "#CC79A7", "#009E73"
BEHIND_NUMBERS = "#FFFFFF90"  # what a number lies on, the end of a line in the column before, is still to be read
ANCHORS = {(-1, 0): "rm", (0, -1): "mb", (0, 1): "mt"}  # Pillow's, of a number left of, above and below a place


def legend(layout: PageLayout) -> list[Entry]:
    """Return the legend of a page: what each colour means and how often it occurs."""
    printed = sum(separator.origin == "printed" for separator in layout.separators)
    reason = f" ({layout.empty_reason})" if layout.empty_reason else ""
    return [
        Entry(LINE, f"text lines: {len(layout.lines)}{reason}"),
        Entry(PRINTED, f"printed separators: {printed}"),
        Entry(INSERTED, f"inserted separators: {len(layout.separators) - printed}"),
        Entry(FACE, f"faces: {len(layout.faces)}"),
    ]


def title(page: ArchivedPage) -> str:
    """Return the headline of a page's picture."""
    return f"{page.page}  ·  page {page.page_number} of {page.volume}  ·  pipeline {page.provenance.fingerprint}"


def shrink(scan: NormalisedPage, width: int) -> Image.Image:
    """Return the scan no wider than `width` pixels, paled so that the drawing stands out."""
    image = Image.fromarray(scan.rgb) if scan.rgb.strides[2] else Image.fromarray(scan.grey)
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), reducing_gap=2.0)
    pixels = np.asarray(image.convert("RGB"), dtype=np.uint16)
    return Image.fromarray((255 - (255 - pixels) * 2 // 3).astype(np.uint8))


def overlay_image(page: ArchivedPage, scan: NormalisedPage, width: int) -> Image.Image:
    """Return the picture of a page: the scan, no wider than `width` pixels, with the legend below."""
    return with_legend(marked_scan(page.layout, scan, width), title(page), legend(page.layout))


def marked_scan(layout: PageLayout, scan: NormalisedPage, width: int) -> Image.Image:
    """Return the scan, no wider than `width` pixels, with what was found drawn on it."""
    small = shrink(scan, width)
    _draw_layout(ImageDraw.Draw(small, "RGBA"), layout, small.width / layout.width)
    return small


def _draw_layout(draw: ImageDraw.ImageDraw, layout: PageLayout, scale: float) -> None:
    for separator in layout.separators:
        colour = PRINTED if separator.origin == "printed" else INSERTED
        draw.line([(x * scale, y * scale) for x, y in separator_path(separator)], fill=colour, width=3)
    font = ImageFont.load_default(number_size(layout, scale))
    for number, line in enumerate(layout.lines, 1):
        draw.rectangle(corners(line.bbox, scale), outline=LINE)
        if line.baseline:
            draw.line([(x * scale, y * scale) for x, y in line.baseline], fill=LINE)
        _draw_number(draw, str(number), line.bbox, layout.quarter_turns, scale, font)
    for face in layout.faces:
        draw.rectangle(corners(face.bbox, scale), outline=FACE, width=4)
        draw.text((face.bbox.x_min * scale + 6, face.bbox.y_min * scale + 4), face.label, FACE, font)


def _draw_number(
    draw: ImageDraw.ImageDraw,
    text: str,
    box: BoundingBox,
    turns: int,
    scale: float,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    x, y, (aside, below) = place_of_number(box, turns)
    x, y = x * scale + 2 * aside, y * scale + 2 * below
    anchor = ANCHORS[aside, below]
    left, top, right, bottom = draw.textbbox((x, y), text, font, anchor=anchor)
    inside_x, inside_y = max(0.0, 2 - left), max(0.0, 2 - top)
    x, y = x + inside_x, y + inside_y
    place = (left + inside_x - 1, top + inside_y - 1, right + inside_x + 1, bottom + inside_y + 1)
    draw.rectangle(place, fill=BEHIND_NUMBERS, outline=LINE)
    draw.text((x, y), text, LINE, font, anchor=anchor)


def place_of_number(box: BoundingBox, turns: int) -> tuple[float, float, tuple[int, int]]:
    """Return where a line begins, and on which side of that its number goes: so its first letters can be read.

    Args:
        box: of the line.
        turns: counter-clockwise quarter turns that bring the page upright.
    """
    if turns == 1:
        return (box.x_min + box.x_max) / 2, box.y_min, (0, -1)
    if turns == 3:
        return (box.x_min + box.x_max) / 2, box.y_max, (0, 1)
    return box.x_min, (box.y_min + box.y_max) / 2, (-1, 0)


def number_size(layout: PageLayout, scale: float) -> float:
    """Return the size in pixels of the lines' numbers: as large as half of the lines allow, and still to be read."""
    lying = layout.quarter_turns % 2 == 1
    heights = sorted(line.bbox.width if lying else line.bbox.height for line in layout.lines) or [20]
    return max(8.0, min(16.0, 0.7 * scale * heights[len(heights) // 2]))


def separator_path(separator: Separator) -> Sequence[tuple[int, int]]:
    """Return the course of a separator; the middle of its box where it has none."""
    box, middle = separator.bbox, (separator.bbox.x_min + separator.bbox.x_max) // 2
    return separator.path if len(separator.path) > 1 else ((middle, box.y_min), (middle, box.y_max))


def corners(box: BoundingBox, scale: float) -> tuple[float, float, float, float]:
    """Return the corners of a box on a picture of the page at `scale`, for Pillow, which draws the last pixel too.

    What is less than a pixel there is drawn as one; Pillow refuses a rectangle that ends before it begins.
    """
    x, y = box.x_min * scale, box.y_min * scale
    return x, y, max(x, box.x_max * scale - 1), max(y, box.y_max * scale - 1)


def overlay_svg(page: ArchivedPage, scan: NormalisedPage, width: int) -> str:
    """Return the picture of a page as SVG: the scan as an embedded JPEG, the boxes as shapes in scan pixels."""
    out = io.BytesIO()
    shrink(scan, width).save(out, "JPEG", quality=80)
    found = page.layout
    band = found.width * BAND_HEIGHT / 1000
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {found.width} {found.height + band:.0f}">',
            f"<title>{escape(title(page))}</title>",
            f"<desc>{escape(f'broadsheet {page.provenance.versions} {page.provenance.parameters}')}</desc>",
            f'<rect width="{found.width}" height="{found.height + band:.0f}" fill="white"/>',
            f'<image width="{found.width}" height="{found.height}" preserveAspectRatio="none" '
            f'href="data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"/>',
            *_svg_shapes(found),
            *_svg_legend(page, band),
            "</svg>\n",
        ]
    )


def _svg_shapes(layout: PageLayout) -> Iterator[str]:
    thin = max(1.0, layout.width / 1500)
    size = number_size(layout, 1000 / layout.width) * layout.width / 1000
    for separator in layout.separators:
        colour = PRINTED if separator.origin == "printed" else INSERTED
        points = " ".join(f"{x},{y}" for x, y in separator_path(separator))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{3 * thin:.1f}"/>'
    for number, line in enumerate(layout.lines, 1):
        yield _svg_box(line.bbox, LINE, thin)
        x, y, (aside, below) = place_of_number(line.bbox, layout.quarter_turns)
        x, y = max(x + 0.3 * size * aside, 1.5 * size), max(y + 0.7 * size * below, 0.7 * size)
        yield (
            f'<text x="{x:.1f}" y="{y + 0.35 * size:.1f}" text-anchor="{"end" if aside else "middle"}" '
            f'font-size="{size:.1f}" '
            f'font-family="sans-serif" fill="{LINE}" stroke="white" stroke-opacity="0.56" '
            f'stroke-width="{0.3 * size:.1f}" '
            f'paint-order="stroke">{number}</text>'
        )
    for face in layout.faces:
        yield _svg_box(face.bbox, FACE, 4 * thin)


def _svg_box(box: BoundingBox, colour: str, width: float) -> str:
    x, y, w, h = box.to_xywh()
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="none" stroke="{colour}" stroke-width="{width:.1f}"/>'


def _svg_legend(page: ArchivedPage, band: float) -> Iterator[str]:
    top, size = page.layout.height, band / 4
    yield (
        f'<text x="{size:.0f}" y="{top + 1.5 * size:.0f}" font-size="{size:.1f}" font-family="sans-serif" fill="{INK}">'
        f"{escape(title(page))}</text>"
    )
    entries = "".join(
        f'<tspan fill="{entry.colour}">■</tspan><tspan fill="{INK}"> {escape(entry.text)}   </tspan>'
        for entry in legend(page.layout)
    )
    yield (
        f'<text x="{size:.0f}" y="{top + 3.2 * size:.0f}" font-size="{size:.1f}" font-family="sans-serif" '
        f'xml:space="preserve">{entries}</text>'
    )
