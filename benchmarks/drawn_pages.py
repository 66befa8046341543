"""How right the page engine is on pages nobody looked at: newspapers drawn by chance, with exact truth.

    python -m benchmarks.drawn_pages [--pages 40] [--seed 2000] [--processes 2]

Each page draws its columns, type, gutters, rules, headlines, pictures and advertisements, and what age and a scanner
did to it (skew, blur, noise, stains, specks, resolution), from its seed. The table lists the worst pages; the seeds say
how to draw them again.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from benchmarks.robustness import layout_of
from orchestrator.evaluation.matching import as_boxes
from orchestrator.evaluation.scores import PageScore, add_up, evaluate_layout
from orchestrator.evaluation.truth import PageTruth
from samples.ageing import Scan, Wear, scan
from samples.pages import PageDesign, draw
from workers.parameters import PipelineParameters

COLUMNS = (1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8)
TYPE = range(12, 25)  # px
LETTERS = 13  # type sizes, of the narrowest column
PICTURES: tuple[Literal["", "grey", "halftone"], ...] = ("", "", "grey", "halftone")
RESOLUTIONS = (0.75, 1.0, 1.0, 1.5)
WORST = 8


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page by its seed, and how it was scanned."""

    design: PageDesign
    wear: Wear
    resolution: float

    def __str__(self) -> str:
        d, w = self.design, self.wear
        parts = [f"{d.columns} columns", f"type {d.type_size}", f"gutter {d.gutter}", f"x {self.resolution}"]
        parts += [f"skew {w.skew_degrees}"] if w.skew_degrees else []
        parts += [f"blur {w.blur:.1f}", f"noise {w.noise:.0f}"]
        parts += [word for word, drawn in (("rules", d.rules), ("advertisements", d.advertisements)) if drawn]
        parts += [f"{d.picture} picture"] if d.picture else []
        return ", ".join(parts)


def drawn(seed: int) -> Drawn:
    """Return the page that belongs to a seed."""
    chance = random.Random(seed)
    columns = chance.choice(COLUMNS)
    size = max(TYPE.start, min(chance.choice(TYPE), 1320 // (columns * LETTERS)))
    picture = chance.choice(PICTURES) if columns >= 3 else PICTURES[0]
    design = PageDesign(
        seed,
        columns=columns,
        type_size=size,
        pitch=round(size * chance.uniform(1.2, 1.5)),
        gutter=round(size * chance.uniform(1.0, 2.0)),
        rules=chance.random() < 0.4,
        title=chance.choice(("", "The Evening Star")),
        dateline="Monday, 3 May 1880",
        banner=chance.random() < 0.3,
        picture=picture,
        picture_column=chance.randint(0, max(0, columns - 2)),
        advertisements=not picture and chance.random() < 0.3,
    )
    wear = Wear(
        seed,
        skew_degrees=round(chance.choice((0.0, 0.0, chance.uniform(-4, 4))), 2),
        noise=chance.uniform(2, 10),
        stains=chance.uniform(0, 14),
        specks=chance.randint(0, 250),
        blur=chance.uniform(0.3, 1.2),
    )
    return Drawn(design, wear, chance.choice(RESOLUTIONS))


def score(seed: int) -> PageScore:
    """Draw a page, find its lines and separators, and compare them with what was drawn."""
    page = drawn(seed)
    scanned = scan(draw(page.design), page.wear)
    way = cv2.INTER_AREA if page.resolution < 1 else cv2.INTER_CUBIC
    grey = np.asarray(cv2.resize(scanned.grey, None, fx=page.resolution, fy=page.resolution, interpolation=way))
    return evaluate_layout(layout_of(grey, PipelineParameters()), truth_of(scanned), page=str(seed))


def truth_of(scanned: Scan) -> PageTruth:
    """Return the truth of a drawn page."""
    height, width = scanned.grey.shape
    rules = tuple(np.array(polygon) for polygon in scanned.separator_polygons)
    images = as_boxes(scanned.images) if scanned.images else None
    return PageTruth(("drawn",), width, height, as_boxes(scanned.lines), separators=rules, images=images)


def report(scores: Sequence[PageScore], tell: Callable[[str], object]) -> None:
    """Print the sums and the worst pages."""
    total = add_up(scores)
    if total.lines is not None and total.separators is not None:
        tell(f"{len(scores)} pages: lines precision {total.lines.precision:.4f}, recall {total.lines.recall:.4f}")
        tell(
            f"separators: {total.separators.recall:.4f} of the rules covered, "
            f"{total.separators.precision:.4f} of ours right"
        )
    tell("\n| seed | F1 of lines | found | page |\n|---|---|---|---|")
    for found in sorted(scores, key=lambda found: found.quality)[:WORST]:
        tell(f"| {found.page} | {found.quality:.3f} | {len(found.layout.lines)} | {drawn(int(found.page))} |")


def main() -> None:
    """Score as many pages as asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pages", type=int, default=40)
    options.add_argument("--seed", type=int, default=2000, help="of the first page")
    options.add_argument("--processes", type=int, default=2)
    given = options.parse_args()
    cv2.setNumThreads(1)
    with ProcessPoolExecutor(given.processes) as pool:
        report(list(pool.map(score, range(given.seed, given.seed + given.pages))), print)


if __name__ == "__main__":
    main()
