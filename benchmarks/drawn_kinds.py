"""What is hard for a line finder, drawn kind by kind with exact truth: advertisements, white on black, tints, pictures.

    python -m benchmarks.drawn_kinds [--pages 3] [--seed 1] [--kinds NAME ...] > table.md

Every page has two columns of text and, in the midst of them, what its kind is named by. A cell is the F1 of lines as
`benchmarks.unseen` counts them (relaxed), then false lines and false separators a page; once with the first reading
alone, once with the second reader where it is asked (`auto`), and the share of pages that asked.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.unseen import match_relaxed
from orchestrator.evaluation.matching import Score, as_boxes
from orchestrator.evaluation.scores import boxes_of
from samples.pictures import halftone, portrait
from workers.parameters import FaceParameters, PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page

Box = tuple[int, int, int, int]
WORDS = "the und von Rath Bern Stadt Regierung morning letter harbour price of street clock with".split()  # noqa: SIM905
WIDTH, HEIGHT, MARGIN, GUTTER = 1200, 1600, 80, 40
COLUMN = (WIDTH - 2 * MARGIN - GUTTER) // 2


@dataclass
class Page:
    """A page in the making: its picture, its words by chance, its true lines and how many separators it has."""

    seed: int
    lines: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = Image.new("L", (WIDTH, HEIGHT), 245)
        self.pen = ImageDraw.Draw(self.image)
        self.chance = random.Random(self.seed)

    def line(self, x: int, y: int, text: str, size: int, grey: int = 20) -> None:
        """Set one line."""
        font = ImageFont.load_default(size)
        self.pen.text((x, y), text, grey, font)
        x0, y0, x1, y1 = self.pen.textbbox((x, y), text, font)
        self.lines.append((int(x0), int(y0), int(x1), int(y1)))

    def text(self, x: int, y: int, width: int, bottom: int, size: int = 20, grey: int = 20) -> None:
        """Set lines of words by chance, as long as they fit."""
        font = ImageFont.load_default(size)
        while y + 1.3 * size < bottom:
            words = [self.chance.choice(WORDS)]
            while font.getlength(" ".join([*words, "Regierung"])) < width:
                words.append(self.chance.choice(WORDS))
            self.line(x, y, " ".join(words), size, grey)
            y += round(1.35 * size)

    def columns(self, top: int, bottom: int, size: int = 20, grey: int = 20) -> None:
        """Set two columns."""
        for x in (MARGIN, MARGIN + COLUMN + GUTTER):
            self.text(x, top, COLUMN, bottom, size, grey)

    def paste(self, picture: NDArray[np.uint8], x: int, y: int) -> None:
        """Print a picture."""
        self.image.paste(Image.fromarray(picture), (x, y))


def _around(page: Page, middle: Callable[[Page, int, int], None]) -> Page:
    page.columns(MARGIN, 500)
    middle(page, 520, 1080)
    page.columns(1100, HEIGHT - MARGIN)
    return page


def _advertisements(page: Page, top: int, bottom: int) -> None:
    """Boxes of different widths in thick frames, small type under large names."""
    edges = [MARGIN, MARGIN + page.chance.choice((280, 340, 400)), MARGIN + 700, WIDTH - MARGIN]
    for row in range(2):
        y = top + row * (bottom - top) // 2
        for left, right in pairwise(edges):
            page.pen.rectangle((left + 4, y + 4, right - 4, y + 260), outline=20, width=page.chance.choice((3, 7)))
            page.line(left + 30, y + 20, page.chance.choice(("Kaiserhof", "Urania", "London")), 42)
            page.text(left + 22, y + 80, right - left - 44, y + 250, 15)


def _reversed(page: Page, top: int, bottom: int) -> None:
    """White letters on black bars."""
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
    page.paste(cv2.resize(np.asarray(portrait(500)[0].convert("L")), (WIDTH - 2 * MARGIN, bottom - top)), MARGIN, top)


def _halftone(page: Page, top: int, bottom: int) -> None:
    """The same, screened."""
    picture = cv2.resize(np.asarray(portrait(500)[0].convert("L")), (WIDTH - 2 * MARGIN, bottom - top))
    page.paste(halftone(picture, 5.0), MARGIN, top)


def _crossword(page: Page, top: int, bottom: int) -> None:
    """Cells, some black, in one column; text in the other."""
    for row in range(13):
        for column in range(12):
            x, y = MARGIN + column * 40, top + row * 40
            page.pen.rectangle((x, y, x + 40, y + 40), 20 if page.chance.random() < 0.2 else None, 20, 2)
    page.text(MARGIN + COLUMN + GUTTER, top, COLUMN, bottom)


def _table(page: Page, top: int, bottom: int) -> None:
    """Ruled columns of words and numbers, each cell a line."""
    edges = [MARGIN, 420, 620, 820, WIDTH - MARGIN]
    for x in edges:
        page.pen.line((x, top, x, bottom), 20, 2)
    for y in range(top + 10, bottom - 30, 32):
        for number, x in enumerate(edges[:-1]):
            page.line(x + 14, y, page.chance.choice(WORDS) if not number else f"{page.chance.random() * 999:.2f}", 20)


def _side_notes(page: Page, top: int, bottom: int) -> None:
    """One column of text with small notes close beside it."""
    page.text(MARGIN + 220, top, WIDTH - 2 * MARGIN - 220, bottom, 22)
    for y in range(top + 10, bottom - 120, 160):
        page.text(MARGIN, y, 190, y + 90, 15)


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
}


def scanned(page: Page) -> NDArray[np.uint8]:
    """Return what a scanner makes of a page: soft, a little noisy, stored as JPEG."""
    noise = np.random.default_rng(page.seed).normal(0, 4, (HEIGHT, WIDTH))
    grey = cv2.GaussianBlur(np.asarray(page.image, np.float64), (0, 0), 0.7) + noise
    _, data = cv2.imencode(".jpg", grey.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def row(name: str, pages: int, seed: int) -> str:
    """Return a kind's row: with the first reading alone, and with the second reader where it is asked."""
    cells = []
    for when in ("never", "auto"):
        segmentation = SegmentationParameters(second_reader=when)  # type: ignore[arg-type]
        parameters = PipelineParameters(segmentation=segmentation, faces=FaceParameters(turned=0.0))
        total, separators, asked = Score(), 0, 0
        for number in range(pages):
            page = _around(Page(seed + number), KINDS[name])
            layout = analyse_page(Image.fromarray(scanned(page)), parameters)
            total += match_relaxed(boxes_of(line.bbox for line in layout.lines), as_boxes(page.lines))
            separators += len(layout.separators)
            asked += any(timing.stage == "second_reader" for timing in layout.timings)
        cells.append(f"{total.f1:.3f}, {total.false_positives / pages:.1f} false, {separators / pages:.1f} separators")
        cells += [f"{asked / pages:.0%}"] if when == "auto" else []
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table, a row a kind."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pages", type=int, default=3)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    given = options.parse_args()
    cv2.setNumThreads(1)
    print("| kind | first reading | with the second reader | asked |\n|---|---|---|---|")
    for name in given.kinds:
        print(row(name, given.pages, given.seed), flush=True)


if __name__ == "__main__":
    main()
