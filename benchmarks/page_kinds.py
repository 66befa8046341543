"""Pages drawn kind by kind with exact truth: two columns of text and, in their midst, what the kind is named by."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.kind_page import COLUMN, GUTTER, HEIGHT, MARGIN, WIDTH, WORDS, Page
from samples.pictures import halftone, portrait

RUSSIAN = "и пред мною встал старик добрый день".split()  # noqa: SIM905
GREEK = "και ο λόγος ην προς τον θεόν ημέρα".split()  # noqa: RUF001, SIM905


def _around(page: Page, middle: Callable[[Page, int, int], None]) -> None:
    page.columns(MARGIN, 500)
    middle(page, 520, 1080)
    page.columns(1100, HEIGHT - MARGIN)


def _advertisements(page: Page, top: int, bottom: int) -> None:
    """Boxes of different widths in thick frames, small type under large names."""
    page.separators = 6
    edges = [MARGIN, MARGIN + page.chance.choice((280, 340, 400)), MARGIN + 700, WIDTH - MARGIN]
    for row in range(2):
        y = top + row * (bottom - top) // 2
        for left, right in pairwise(edges):
            page.pen.rectangle((left + 4, y + 4, right - 4, y + 260), outline=20, width=page.chance.choice((3, 7)))
            page.line(left + 30, y + 20, page.chance.choice(("Kaiserhof", "Urania", "London")), 42)
            page.text(left + 22, y + 80, right - left - 44, y + 250, 15)


def _reversed(page: Page, top: int, bottom: int) -> None:
    """White letters on black bars."""
    page.separators = 5
    for y in range(top, bottom - 100, 180):
        page.pen.rectangle((MARGIN, y, WIDTH - MARGIN, y + 60), 20)
        page.line(MARGIN + 30, y + 12, "LATEST MORNING PRICES", 34, 240)
        page.columns(y + 75, y + 170)


def _tints(page: Page, top: int, bottom: int) -> None:
    """Text on grey grounds."""
    for x, grey in ((MARGIN, 190), (MARGIN + COLUMN + GUTTER, 150)):
        page.pen.rectangle((x, top, x + COLUMN, bottom), grey)
        page.text(x + 20, top + 20, COLUMN - 40, bottom - 20)


def _light_type(page: Page, top: int, bottom: int) -> None:
    """Thin grey letters beside black ones."""
    page.columns(top, bottom, 20, 150)


def _photograph(page: Page, top: int, bottom: int) -> None:
    """A photograph in tones across both columns."""
    page.separators = 2
    page.paste(cv2.resize(np.asarray(portrait(500)[0].convert("L")), (WIDTH - 2 * MARGIN, bottom - top)), MARGIN, top)


def _halftone(page: Page, top: int, bottom: int) -> None:
    """The same, screened."""
    page.separators = 2
    picture = cv2.resize(np.asarray(portrait(500)[0].convert("L")), (WIDTH - 2 * MARGIN, bottom - top))
    page.paste(halftone(picture, 5.0), MARGIN, top)


def _crossword(page: Page, top: int, bottom: int) -> None:
    """Cells, some black, in one column; text in the other."""
    page.separators = 3
    for row in range(13):
        for column in range(12):
            x, y = MARGIN + column * 40, top + row * 40
            page.pen.rectangle((x, y, x + 40, y + 40), 20 if page.chance.random() < 0.2 else None, 20, 2)
    page.text(MARGIN + COLUMN + GUTTER, top, COLUMN, bottom)


def _table(page: Page, top: int, bottom: int) -> None:
    """Ruled columns of words and numbers, each cell a line."""
    page.separators = 7
    edges = [MARGIN, 420, 620, 820, WIDTH - MARGIN]
    for x in edges:
        page.pen.line((x, top, x, bottom), 20, 2)
    for y in range(top + 10, bottom - 30, 32):
        for number, x in enumerate(edges[:-1]):
            page.line(x + 14, y, page.chance.choice(WORDS) if not number else f"{page.chance.random() * 999:.2f}", 20)


def _side_notes(page: Page, top: int, bottom: int) -> None:
    """One column of text with small notes close beside it."""
    page.separators = 3
    page.text(MARGIN + 220, top, WIDTH - 2 * MARGIN - 220, bottom, 22)
    for y in range(top + 10, bottom - 120, 160):
        page.text(MARGIN, y, 190, y + 90, 15)


def _drawing(page: Page, top: int, bottom: int) -> None:
    """A pen drawing across both columns: houses with hatched walls, windows and a sky of strokes."""
    page.separators = 2
    for x in range(MARGIN, WIDTH - MARGIN - 150, 170):
        wall = top + page.chance.randrange(120, 260)
        page.pen.rectangle((x, wall, x + 140, bottom - 20), outline=20, width=2)
        page.pen.line((x, wall, x + 70, wall - 80, x + 140, wall), 20, 2)
        for y in range(wall + 10, bottom - 30, 12):
            page.pen.line((x + 4, y, x + page.chance.randrange(20, 136), y + page.chance.randrange(-3, 4)), 20, 1)
        for row in range(wall + 20, bottom - 60, 60):
            page.pen.rectangle((x + 30, row, x + 54, row + 34), 240, 20, 2)
            page.pen.rectangle((x + 86, row, x + 110, row + 34), 240, 20, 2)
    for _ in range(60):
        x, y = page.chance.randrange(MARGIN, WIDTH - MARGIN - 90), page.chance.randrange(top, top + 100)
        page.pen.arc((x, y, x + 80, y + 20), 180, 340, 20, 2)


def _run_around(page: Page, top: int, bottom: int) -> None:
    """A portrait in the middle that the lines of both columns end before, with a caption."""
    page.separators = 4
    picture = np.asarray(portrait(260)[0].convert("L"))
    left, y = (WIDTH - picture.shape[1]) // 2, top + 60
    page.text(MARGIN, top, left - 30 - MARGIN, bottom)
    page.text(left + picture.shape[1] + 30, top, WIDTH - MARGIN - left - picture.shape[1] - 30, bottom)
    page.paste(picture, left, y)
    page.text(left, y + picture.shape[0] + 8, picture.shape[1], y + picture.shape[0] + 45, 15)


def _portraits(page: Page, top: int, bottom: int) -> None:
    """Four portraits side by side, each with its name under it."""
    page.separators = 2
    for number in range(4):
        picture = np.asarray(portrait(220)[0].convert("L"))
        x = MARGIN + number * 270
        page.paste(halftone(picture, 4.0) if number % 2 else picture, x, top + 60)
        page.line(x + 50, top + 70 + picture.shape[0], "DR. RATH", 20)


def _two_scripts(page: Page, top: int, bottom: int) -> None:
    """Russian beside Greek, as in a grammar."""
    for x, own in zip((MARGIN, MARGIN + COLUMN + GUTTER), (RUSSIAN, GREEK), strict=True):
        for y in range(top, bottom - 30, 27):
            page.line(x, y, " ".join(page.chance.choice(own) for _ in range(7)), 19, font_name="DejaVuSerif.ttf")


def _small_type(page: Page, top: int, bottom: int) -> None:
    """Two columns of type whose small letters are 4 to 5 px high."""
    page.columns(top, bottom, 9)


def _show_through(page: Page, top: int, bottom: int) -> None:
    """The other side of the leaf, mirrored, soft and pale, all over the page; white in the midst."""
    page.columns(top, (top + bottom) // 2)
    other = Page(page.seed + 7000)
    other.columns(MARGIN + 11, HEIGHT - MARGIN)
    verso = cv2.GaussianBlur(np.asarray(other.image)[:, ::-1], (0, 0), 1.5).astype(np.float64)
    page.image = Image.fromarray(
        (np.asarray(page.image) * (1 - 0.35 * (1 - verso / 245))).clip(0, 255).astype(np.uint8)
    )
    page.pen = ImageDraw.Draw(page.image)


def _headings(page: Page, top: int, bottom: int) -> None:
    """Headings in large type, ruled above and below, with a column rule that runs up to them."""
    page.separators = 2
    page.pen.line((MARGIN, top + 5, WIDTH - MARGIN, top + 5), 20, 3)
    page.line(MARGIN + 60, top + 20, "Regierung und Stadt von Bern", 66)
    page.pen.line((MARGIN, top + 120, WIDTH - MARGIN, top + 120), 20, 3)
    middle = MARGIN + COLUMN + GUTTER // 2
    page.pen.line((middle, top + 124, middle, bottom), 20, 2)
    page.columns(top + 135, bottom)


def _low_jpeg(page: Page, top: int, bottom: int) -> None:
    """Plain text, stored as JPEG at quality 40."""
    page.quality = 40
    page.columns(top, bottom)


def _vertical_tiers(page: Page, top: int, bottom: int) -> None:
    """Three tiers of vertical columns of made-up characters, right to left; a heading over two of them in a box."""
    page.image.paste(245, (0, 0, WIDTH, HEIGHT))
    page.separators = 2
    height = (HEIGHT - 2 * MARGIN) // 3
    for tier in range(3):
        y = MARGIN + tier * height
        right = WIDTH - MARGIN
        if tier == 0:
            page.pen.rectangle((right - 96, y, right, y + height - 50), outline=20, width=3)
            _upright(page, right - 78, y + 24, 60, 5)
            right -= 120
        for x in range(right - 26, MARGIN, -44):
            _upright(page, x, y, 26, page.chance.randrange(10, (height - 40) // 28))


def _upright(page: Page, x: int, y: int, side: int, count: int) -> None:
    """Set one column of `count` characters, each of five to nine strokes."""
    for number in range(count):
        at = y + number * (side + 2)
        for _ in range(page.chance.randrange(5, 10)):
            ends = [page.chance.randrange(1, side - 1) for _ in range(2)]
            fixed = page.chance.randrange(1, side - 1)
            stroke = (x + ends[0], at + fixed, x + ends[1], at + fixed)
            upright = (x + fixed, at + ends[0], x + fixed, at + ends[1])
            page.pen.line(stroke if page.chance.random() < 0.6 else upright, 20, max(2, side // 13))
    page.lines.append((x, y, x + side, y + count * (side + 2) - 2))


def _on_the_table(page: Page) -> None:
    """Lay the leaf on a grey ground, with a ruler and a colour chart below it."""
    leaf = page.image.resize((WIDTH - 120, HEIGHT - 200), Image.Resampling.LANCZOS)
    scale = leaf.width / WIDTH, leaf.height / HEIGHT
    page.lines = [
        (60 + round(x0 * scale[0]), 40 + round(y0 * scale[1]), 60 + round(x1 * scale[0]), 40 + round(y1 * scale[1]))
        for x0, y0, x1, y1 in page.lines
    ]
    page.image = Image.new("L", (WIDTH, HEIGHT), 140)
    page.pen = ImageDraw.Draw(page.image)
    page.image.paste(leaf, (60, 40))
    page.pen.rectangle((20, HEIGHT - 120, WIDTH - 20, HEIGHT - 70), 235)
    for number, x in enumerate(range(40, WIDTH - 60, 40)):
        page.pen.line((x, HEIGHT - 120, x, HEIGHT - 104), 20, 2)
        page.pen.text((x, HEIGHT - 100), str(number), 20, ImageFont.load_default(18))
    for number in range(8):
        page.pen.rectangle((60 + number * 60, HEIGHT - 60, 110 + number * 60, HEIGHT - 15), 30 + 25 * number)


KINDS: dict[str, Callable[[Page, int, int], None]] = {
    "advertisements in frames": _advertisements,
    "white on black": _reversed,
    "text on tints": _tints,
    "light grey type": _light_type,
    "photograph": _photograph,
    "halftone": _halftone,
    "crossword": _crossword,
    "table": _table,
    "side notes": _side_notes,
    "pen drawing": _drawing,
    "run-around": _run_around,
    "row of portraits": _portraits,
    "two scripts": _two_scripts,
    "type of 5 px": _small_type,
    "show-through": _show_through,
    "ruled headings": _headings,
    "JPEG at 40": _low_jpeg,
    "vertical tiers": _vertical_tiers,
    "ruler and chart": Page.columns,
}


VERTICAL = "vertical tiers"


def drawn(kind: str, seed: int) -> Page:
    """Draw a page of a kind."""
    page = Page(seed)
    if kind == VERTICAL:
        KINDS[kind](page, MARGIN, HEIGHT - MARGIN)
    else:
        _around(page, KINDS[kind])
    if kind == "ruler and chart":
        _on_the_table(page)
    return page
