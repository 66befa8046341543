"""The make-up of a newspaper page: masthead, banner, columns, a picture with its caption, advertisements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from samples.pictures import portrait
from samples.prose import Prose
from samples.sheet import Sheet, width_of
from samples.typesetting import Column, Flow, Type

WIDTH, HEIGHT = 1500, 2200
MARGIN = 90


@dataclass(frozen=True, slots=True)
class PageDesign:
    """What a page looks like; lengths in pixels. `picture` spans two columns from column `picture_column` on."""

    seed: int
    columns: int = 4
    type_size: int = 19
    pitch: int = 25
    gutter: int = 30
    rules: bool = False
    title: str = ""
    dateline: str = ""
    banner: bool = False
    picture: Literal["", "grey", "halftone"] = ""
    picture_column: int = 1
    advertisements: bool = False
    width: int = WIDTH
    height: int = HEIGHT


def draw(design: PageDesign) -> Sheet:
    """Return the printed sheet."""
    sheet = Sheet(design.width, design.height)
    prose = Prose(design.seed)
    top = MARGIN
    if design.title:
        top = _masthead(sheet, design, top)
    if design.banner:
        top = _banner(sheet, design, prose, top)
    columns = _columns(design, top)
    bottom = design.height - MARGIN
    if design.advertisements:
        bottom = _advertisements(sheet, design, prose, top + (bottom - top) // 2)
        columns = [replace(column, bottom=bottom) for column in columns]
    if design.picture:
        columns = _picture(sheet, design, columns)
    if design.rules:
        _column_rules(sheet, columns, top)
    Flow(sheet, prose, columns, Type(design.type_size, design.pitch)).fill()
    return sheet


def _masthead(sheet: Sheet, design: PageDesign, top: int) -> int:
    left, right = MARGIN, design.width - MARGIN
    size = min(150, int(1.55 * (right - left) / len(design.title)))
    sheet.centred(design.title, left, right, top + size, size, weight=3)
    y = top + size + 50
    sheet.rule((left, y, right, y + 3))
    sheet.centred(design.dateline, left, right, y + 34, 22)
    sheet.rule((left, y + 50, right, y + 52))
    sheet.rule((left, y + 56, right, y + 60))
    return y + 75


def _banner(sheet: Sheet, design: PageDesign, prose: Prose, top: int) -> int:
    left, right = MARGIN, design.width - MARGIN
    large, small = prose.banner()
    sheet.centred(large, left, right, top + 62, 58, weight=2)
    sheet.centred(small, left, right, top + 112, 32)
    sheet.rule((left, top + 138, right, top + 140))
    return top + 150


def _columns(design: PageDesign, top: int) -> list[Column]:
    inner = design.width - 2 * MARGIN + design.gutter
    edges = [MARGIN + round(inner * number / design.columns) for number in range(design.columns + 1)]
    bottom = design.height - MARGIN
    return [Column(left, right - design.gutter, top, bottom) for left, right in pairwise(edges)]


def _picture(sheet: Sheet, design: PageDesign, columns: list[Column]) -> list[Column]:
    """Put the portrait over two columns, and return the columns with those two beginning below its caption."""
    first, second = columns[design.picture_column : design.picture_column + 2]
    pitch = 5.0 if design.picture == "halftone" else None
    picture, faces = portrait(second.right - first.left, halftone_pitch=pitch)
    sheet.picture(picture, first.left, first.top + 12, faces)
    caption = first.top + 12 + picture.height + design.pitch + 2
    sheet.centred("The pilot, who will speak on Thursday", first.left, second.right, caption, design.type_size)
    below = caption + design.pitch // 2
    return [replace(column, top=below) if column in (first, second) else column for column in columns]


def _column_rules(sheet: Sheet, columns: list[Column], top: int) -> None:
    """Print a rule between neighbours, from where both have begun to the foot."""
    for left, right in pairwise(columns):
        x = (left.right + right.left) // 2
        begin = max(left.top, right.top) if left.top == right.top else top  # below a picture, or beside it
        sheet.rule((x - 1, begin + 8, x + 1, left.bottom), parts_columns=True)


def _advertisements(sheet: Sheet, design: PageDesign, prose: Prose, top: int) -> int:
    """Print framed advertisements in the lower half; returns where the text above must end."""
    across, down, gap = 3, 3, 24
    width = (design.width - 2 * MARGIN + gap) // across
    height = (design.height - MARGIN - top + gap) // down
    for number in range(across * down):
        x = MARGIN + number % across * width
        y = top + number // across * height
        _frame(sheet, (x, y, x + width - gap, y + height - gap))
        _advertisement(sheet, prose.advertisement(), x, x + width - gap, y + height // 2 - 60)
    return top - 20


def _frame(sheet: Sheet, box: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    for side in ((x0, y0, x1, y0 + 3), (x0, y1 - 3, x1, y1), (x0, y0, x0 + 3, y1), (x1 - 3, y0, x1, y1)):
        sheet.rule(side)


def _advertisement(sheet: Sheet, lines: tuple[str, ...], left: int, right: int, baseline: int) -> None:
    for number, line in enumerate(lines):
        largest = 25 if number else 44
        fitting = int(largest * (right - left - 50) / width_of(line, largest))
        y = baseline + (19 + 36 * number if number else 0)
        sheet.centred(line, left, right, y, min(largest, fitting), weight=0 if number else 2)
