"""What is hard for a line finder, drawn kind by kind with exact truth: advertisements, white on black, tints, pictures.

    python -m benchmarks.drawn_kinds [--pages 3] [--seed 1] [--kinds NAME ...] > table.md

Every page has two columns of text and, in their midst, what its kind is named by (`benchmarks.page_kinds`). A cell is
the F1 of lines as `benchmarks.unseen` counts them (relaxed), then false lines a page and separators more than a
careful reader would draw; once with the first reading alone, once with the second reader where it is asked (`auto`),
and the share of pages that asked.
"""

from __future__ import annotations

import argparse

import cv2
from PIL import Image

from benchmarks.kind_page import scanned
from benchmarks.page_kinds import KINDS, VERTICAL, drawn
from benchmarks.unseen import match_relaxed
from orchestrator.evaluation.matching import Score, as_boxes
from orchestrator.evaluation.scores import boxes_of
from workers.parameters import FaceParameters, PipelineParameters, SegmentationParameters, TextDirection
from workers.pipeline import analyse_page


def row(name: str, pages: int, seed: int) -> str:
    """Return a kind's row: with the first reading alone, and with the second reader where it is asked."""
    cells = []
    for when in ("never", "auto"):
        direction: TextDirection = "vertical-rl" if name == VERTICAL else "horizontal-lr"
        segmentation = SegmentationParameters(second_reader=when, text_direction=direction)
        parameters = PipelineParameters(segmentation=segmentation, faces=FaceParameters(turned=0.0))
        total, separators, asked = Score(), 0, 0
        for number in range(pages):
            page = drawn(name, seed + number)
            layout = analyse_page(Image.fromarray(scanned(page)), parameters)
            total += match_relaxed(boxes_of(line.bbox for line in layout.lines), as_boxes(page.lines))
            separators += max(0, len(layout.separators) - page.separators)
            asked += any(timing.stage == "second_reader" for timing in layout.timings)
        cells.append(
            f"{total.f1:.3f}, {total.false_positives / pages:.1f} false, {separators / pages:.1f} separators too many"
        )
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
