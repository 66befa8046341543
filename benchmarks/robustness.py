"""How much the page engine loses on scans that differ from the reference pages as other scans of their kinds do.

    python -m benchmarks.robustness ../shared/data [--sets NAME ...] [--changes NAME ...] > table.md

Each page is changed in one way (resolution, skew, light, noise, a black border, the other side showing through), its
truth with it. A cell is the F1 of lines at intersection over union 0.5, found boxes padded as the set's style of truth
asks; of newspaper_ndnp the recall of boxes over 15 pixels, of newspaper_gbn the F1 of separators by their length.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orchestrator.evaluation.scores import EvaluationParameters, PageScore, add_up, evaluate_layout
from orchestrator.evaluation.truth import PageTruth, read_truth
from workers.layout import PageLayout
from workers.parameters import BinarizationParameters, PipelineParameters
from workers.stages.binarization.leaf import leaf_alone
from workers.stages.binarization.working_page import working_page
from workers.stages.palette.normalise import normalise
from workers.stages.segmentation.text_lines import find_text_lines
from workers.stages.separators.columns import find_columns, no_columns, to_separators

Grey = NDArray[np.uint8]
Boxes = NDArray[np.float64]
Matrix = NDArray[np.float64]  # (2, 3), from the page to the changed page
Changed = tuple[Grey, PageTruth]

PADDING = {
    "newspaper_nzz": 0.0,
    "newspaper_ndnp": 0.0,
    "newspaper_gbn": 0.0,
    "periodical_argus": 0.35,
    "book_gallicorpora": 0.0,
    "book_expo1878": 0.0,
    "typed_tapus": 0.2,
    "register_lectaurep": 0.35,
    "rtl_arabic_ulb": 0.0,
}
LEAST_HEIGHT = {"newspaper_ndnp": 15.0}  # px: lower boxes are dirt in the output of an OCR engine
LEAST_LEFT = 0.5  # share of a line's height that a crop must leave for it to be wanted
PAPER = 235


@dataclass(frozen=True, slots=True)
class Page:
    """A reference page: its set, its grey values (h, w), its truth in pixels of it and its text scale in pixels."""

    folder: str
    grey: Grey
    truth: PageTruth
    scale: float


def mapped(page: Page, matrix: Matrix, size: tuple[int, int], border: int = PAPER) -> Changed:
    """Return a page under an affine map on a canvas of `size` (width, height), and its truth."""
    shrinks = abs(np.linalg.det(matrix[:, :2])) < 0.9
    if shrinks:  # a scanner averages
        grey = np.asarray(cv2.resize(page.grey, size, interpolation=cv2.INTER_AREA))
    else:
        grey = np.asarray(cv2.warpAffine(page.grey, matrix, size, borderValue=border))
    return grey, mapped_truth(page.truth, matrix, size)


def mapped_truth(truth: PageTruth, matrix: Matrix, size: tuple[int, int]) -> PageTruth:
    """Return the truth under an affine map, cut at the edges of the canvas."""

    def polygon(points: Boxes) -> Boxes:
        return points @ matrix[:, :2].T + matrix[:, 2]

    def boxes(before: Boxes | None) -> Boxes | None:
        if before is None or not len(before):
            return before
        corners = np.stack([polygon(before[:, [i, j]]) for i, j in ((0, 1), (2, 1), (2, 3), (0, 3))])
        whole = np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1)
        cut = np.clip(whole, 0, np.tile(size, 2))
        width, height = cut[:, 2] - cut[:, 0], cut[:, 3] - cut[:, 1]
        wanted = (height >= LEAST_LEFT * (whole[:, 3] - whole[:, 1])) & (height > 0)
        wanted &= width >= np.minimum(height, whole[:, 2] - whole[:, 0])  # no stubs; drop capitals are taller than wide
        return np.asarray(cut[wanted])

    def inside(points: Boxes) -> bool:
        middle = points.mean(axis=0)
        return bool((middle > 0).all() and (middle < size).all())

    rules = None
    if truth.separators is not None:
        moved = [polygon(points) for points in truth.separators]
        rules = tuple(np.clip(points, 0, np.array(size)) for points in moved if inside(points))
    return replace(
        truth,
        width=size[0],
        height=size[1],
        lines=boxes(truth.lines),
        regions=boxes(truth.regions),
        images=boxes(truth.images),
        separators=rules,
    )


def resized(page: Page, factor: float) -> Changed:
    """Scan at another resolution."""
    height, width = page.grey.shape
    size = (round(width * factor), round(height * factor))
    return mapped(page, np.array([[size[0] / width, 0, 0], [0, size[1] / height, 0]]), size)


def turned(page: Page, degrees: float) -> Changed:
    """Lay the page on the scanner askew, `degrees` clockwise; the canvas grows so that no corner is lost."""
    height, width = page.grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1)
    matrix[:, 2] += [(size[0] - width) / 2, (size[1] - height) / 2]
    return mapped(page, np.asarray(matrix), size)


def cropped(page: Page, left: float, top: float, right: float, bottom: float) -> Changed:
    """Scan a part of the page: shares of its width and height."""
    height, width = page.grey.shape
    x0, y0, x1, y1 = round(left * width), round(top * height), round(right * width), round(bottom * height)
    matrix = np.array([[1.0, 0, -x0], [0, 1.0, -y0]])
    return np.ascontiguousarray(page.grey[y0:y1, x0:x1]), mapped_truth(page.truth, matrix, (x1 - x0, y1 - y0))


def on_black(page: Page, share: float) -> Changed:
    """Scan with a black background around the page, `share` of its width."""
    height, width = page.grey.shape
    margin = round(share * width)
    matrix = np.array([[1.0, 0, margin], [0, 1.0, margin]])
    return mapped(page, matrix, (width + 2 * margin, height + 2 * margin), border=10)


def blurred(page: Page, scales: float) -> Changed:
    """Scan out of focus, by `scales` of the text's."""
    return np.asarray(cv2.GaussianBlur(page.grey, (0, 0), scales * page.scale)), page.truth


def noisy(page: Page, levels: float) -> Changed:
    """Add a sensor's noise of `levels` grey levels."""
    grain = np.random.default_rng(1).standard_normal(page.grey.shape, np.float32) * np.float32(levels)
    return (page.grey + grain).clip(0, 255).astype(np.uint8), page.truth


def specked(page: Page, each: float) -> Changed:
    """Strew dark specks, up to a third of the text scale large, one on `each` squares of that side."""
    random = np.random.default_rng(2)
    height, width = page.grey.shape
    grey = page.grey.copy()
    for _ in range(int(height * width / (page.scale**2 * each))):
        middle = int(random.integers(width)), int(random.integers(height))
        cv2.circle(grey, middle, int(random.uniform(0.04, 0.16) * page.scale), 60, -1)
    return grey, page.truth


def shaded(page: Page, darkest: float) -> Changed:
    """Light the page from one corner and darken it along a fold."""
    height, width = page.grey.shape
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)[:, None]
    light = 1 - (1 - darkest) * (x + y) / 2
    light *= 1 - 0.35 * np.exp(-(((x - 0.02) / 0.03) ** 2))
    return (page.grey * light).astype(np.uint8), page.truth


def faint(page: Page, contrast: float) -> Changed:
    """Leave `contrast` of the range of grey levels."""
    return (page.grey * np.float32(contrast) + 255 * 0.6 * (1 - contrast)).astype(np.uint8), page.truth


def compressed(page: Page, quality: int) -> Changed:
    """Store as JPEG."""
    _, data = cv2.imencode(".jpg", page.grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)), page.truth


def shown_through(page: Page, share: float) -> Changed:
    """Let the other side of the leaf, mirrored, soft and out of step, show through by `share` of its ink."""
    other = np.roll(page.grey[:, ::-1], page.grey.shape[0] // 37, axis=0)
    other = cv2.GaussianBlur(other, (0, 0), 0.12 * page.scale)
    return (page.grey * (1 - np.float32(share) * (1 - other / np.float32(255)))).astype(np.uint8), page.truth


CHANGES: dict[str, Callable[[Page], Changed]] = {
    "as it is": lambda page: (page.grey, page.truth),
    "half the resolution": lambda page: resized(page, 0.5),
    "0.7 of the resolution": lambda page: resized(page, 0.7),
    "1.5 times the resolution": lambda page: resized(page, 1.5),
    "turned 1": lambda page: turned(page, 1),
    "turned -1": lambda page: turned(page, -1),
    "turned 3": lambda page: turned(page, 3),
    "turned -3": lambda page: turned(page, -3),
    "turned 5": lambda page: turned(page, 5),
    "turned -5": lambda page: turned(page, -5),
    "blurred": lambda page: blurred(page, 0.08),
    "blurred more": lambda page: blurred(page, 0.12),
    "noise": lambda page: noisy(page, 25),
    "specks": lambda page: specked(page, 16),
    "uneven light": lambda page: shaded(page, 0.5),
    "low contrast": lambda page: faint(page, 0.35),
    "JPEG at 30": lambda page: compressed(page, 30),
    "black border": lambda page: on_black(page, 0.06),
    "upper left part": lambda page: cropped(page, 0, 0, 0.6, 0.55),
    "middle": lambda page: cropped(page, 0.2, 0.3, 0.9, 0.8),
    "show-through 15 %": lambda page: shown_through(page, 0.15),
    "show-through 25 %": lambda page: shown_through(page, 0.25),
}


def pages(root: Path, folders: list[str]) -> Iterator[Page]:
    """Yield the reference pages of the folders."""
    for folder in folders:
        for truth in read_truth(root / folder).pages:
            scan = next((root / folder).glob(f"*{truth.names[0]}"))  # names may have got a prefix
            with Image.open(scan) as image:
                grey = normalise(image).grey
            truth = _wanted(truth.scaled_to(grey.shape[1], grey.shape[0]), folder)
            page = working_page(grey, BinarizationParameters())
            yield Page(folder, grey, truth, page.scale * float(np.hypot(*page.placement.to_original[0][:2])))


def _wanted(truth: PageTruth, folder: str) -> PageTruth:
    if folder not in LEAST_HEIGHT or truth.lines is None:
        return truth
    return replace(truth, lines=truth.lines[truth.lines[:, 3] - truth.lines[:, 1] >= LEAST_HEIGHT[folder]])


def layout_of(grey: Grey, parameters: PipelineParameters) -> PageLayout:
    """Return the lines and separators of a page: `analyse_page` without its faces."""
    page = working_page(leaf_alone(grey), parameters.binarization)
    columns = find_columns(page) if page.scale else no_columns(page)
    lines, reason = find_text_lines(page, columns, parameters.segmentation)
    height, width = grey.shape
    return PageLayout(width, height, lines, to_separators(columns, page.placement), (), (), reason, page.skew, None)


def score(page: Page, change: Callable[[Page], Changed]) -> PageScore:
    """Score a changed page."""
    grey, truth = change(page)
    layout = layout_of(grey, PipelineParameters())
    return evaluate_layout(layout, truth, EvaluationParameters(pad=PADDING[page.folder]))


def cell(folder: str, scores: list[PageScore]) -> str:
    """Return a set's figure."""
    total = add_up(scores)
    if total.lines is None:
        return "-" if total.separators is None else f"{total.separators.f1:.3f}"
    return f"{total.lines.recall if folder in LEAST_HEIGHT else total.lines.f1:.3f}"


def main() -> None:
    """Print the table, a row a change."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("root", type=Path)
    options.add_argument("--sets", nargs="+", default=list(PADDING), choices=list(PADDING))
    options.add_argument("--changes", nargs="+", default=list(CHANGES), choices=list(CHANGES))
    given = options.parse_args()
    cv2.setNumThreads(1)
    print(f"| change | {' | '.join(given.sets)} |\n|---|{'---|' * len(given.sets)}")
    kept = list(pages(given.root, given.sets))
    for name in given.changes:
        scores = [(page.folder, score(page, CHANGES[name])) for page in kept]
        cells = [cell(folder, [found for own, found in scores if own == folder]) for folder in given.sets]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
