"""Shows that the page engine's results do not hang on one value: each threshold is moved down and up by a third.

    python -m benchmarks.parameter_study ../shared/data [more folders] > table.md

Every folder holds images and a `truth.json` with `lines`. F1 at intersection over union 0.5, all lines of a folder
together; found boxes are padded by the share of their height that the folder's style of truth asks for.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from orchestrator.evaluation.matching import as_boxes, match_boxes, pad_boxes
from workers.parameters import BinarizationParameters
from workers.stages.binarization.working_page import working_page
from workers.stages.palette.normalise import normalise
from workers.stages.segmentation.text_lines import read_lines
from workers.stages.separators.columns import find_columns

FOLDERS = {"newspaper_nzz": 0.0, "periodical_argus": 0.35, "book_gallicorpora": 0.0, "typed_tapus": 0.2}
VALUES = [
    ("working_page", "WORKING_SCALE"),
    ("working_page", "SOLID"),
    ("working_page", "LEADING"),
    ("binarization", "DARK_SIDE"),
    ("binarization", "DARKEST_INK"),
    ("survey", "OF_WORDS"),
    ("sharpening", "WIDE"),
    ("orientation", "SURELY"),
    ("orientation", "IN_ROWS"),
    ("letter_rows", "NEXT"),
    ("letter_rows", "STEP"),
    ("gutters", "WHITE_LINES"),
    ("gutters", "LINES"),
    ("gutters", "NARROWEST"),
    ("gutters", "CLOSE"),
    ("gutters", "MOST"),
    ("gutters", "WIDER"),
    ("gutters", "NARROW_COLUMN"),
    ("gutters", "WIDEST"),
    ("gutters", "CORRIDOR_LINES"),
    ("gutters", "OFTEN"),
    ("columns", "STRIP"),
    ("rules", "SHORTEST"),
    ("rules", "THICKEST"),
    ("rules", "DARKNESS"),
    ("rules", "WAVERS"),
    ("rules", "SHORT_FREE"),
    ("folds", "LONG"),
    ("folds", "THICK"),
    ("pictures", "LARGE_SIDE"),
    ("pictures", "FILL"),
    ("headlines", "TALL"),
    ("headlines", "BOLD"),
    ("headlines", "SPACE"),
    ("components", "HEAVY"),
    ("components", "TOUCHING"),
    ("line_boxes", "GAP"),
    ("line_boxes", "STICKS_OUT"),
    ("credible_lines", "MOSTLY_SPECKS"),
    ("credible_lines", "STANDS_OUT"),
    ("credible_lines", "UPRIGHT"),
    ("credible_lines", "SLENDER"),
    ("credible_lines", "CHARACTER"),
    ("drop_capitals", "LEVEL"),
    ("drop_capitals", "BELOW"),
    ("alignment", "LEVEL"),
    ("alignment", "NOT_STANDING"),
    ("alignment", "OF_LARGE_TYPE"),
    ("tables", "CELL_GAP"),
    ("tables", "WIDE"),
    ("tables", "EVEN"),
    ("components", "DUST_SIZE"),
]
FACTORS = (0.67, 1.33)

Page = tuple[str, np.ndarray, np.ndarray]


def main(root: Path) -> None:
    """Print the table of F1 a folder for each value as it is, a third smaller and a third larger."""
    cv2.setNumThreads(1)
    pages = list(_pages(root))
    names = list(dict.fromkeys(folder for folder, _, _ in pages))
    print(f"| value | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    print(_row("all as they are", pages, names), flush=True)
    for module, name in VALUES:
        for factor in FACTORS:
            with _changed(module, name, factor) as value:
                print(_row(f"{module}.{name} = {value:.3g}", pages, names), flush=True)


def _pages(root: Path) -> Iterator[Page]:
    for folder in FOLDERS:
        for name, truth in sorted(json.loads((root / folder / "truth.json").read_text()).items()):
            with Image.open(root / folder / name) as image:
                yield folder, normalise(image).grey, as_boxes(truth["lines"])


@contextmanager
def _changed(module: str, name: str, factor: float) -> Iterator[float]:
    stage: Any = importlib.import_module(f"workers.stages.{module}")
    value = getattr(stage, name)
    setattr(stage, name, value * factor)
    try:
        yield value * factor
    finally:
        setattr(stage, name, value)


def _row(title: str, pages: list[Page], names: list[str]) -> str:
    scores = {name: np.zeros(3) for name in names}
    for folder, grey, truth in pages:
        scores[folder] += _count(grey, truth, FOLDERS[folder])
    return f"| {title} | " + " | ".join(f"{2 * m / (f + t):.3f}" for m, f, t in scores.values()) + " |"


def _count(grey: np.ndarray, truth: np.ndarray, padding: float) -> np.ndarray:
    """Return how many lines were matched, found and true."""
    page = working_page(grey, BinarizationParameters())
    boxes = page.placement.boxes(read_lines(page, find_columns(page)).lines.astype(np.float64))
    found = pad_boxes(as_boxes([(b.x_min, b.y_min, b.x_max, b.y_max) for b in boxes]), padding)
    return np.array([len(match_boxes(found, truth).pairs), len(found), len(truth)], float)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
