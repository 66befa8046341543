"""Weigh what is measured of text lines by truth, and tell how well the chances hold.

    python -m benchmarks.line_confidence ../shared/data/newspaper_nzz FOLDER ...

A folder holds scans and their `truth.json`. A found line is true where it is one of the truth's by relaxed overlap (as
in `benchmarks.unseen`). The weights of `workers/stages/segmentation/line_confidence.py` are fitted on all folders; the
table is of lines whose folder was left out of the fit, each folder in turn, so that it tells of pages of other kinds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.unseen import direction_of, pages, same_relaxed, wanted
from orchestrator.evaluation.scores import boxes_of
from workers.parameters import FaceParameters, PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page
from workers.stages.segmentation import described_lines
from workers.stages.segmentation.line_confidence import LEAST, MEASURES, MOST, line_measures

Floats = NDArray[np.float64]
RIDGE = 1.0
EDGES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)
NO_FACES = FaceParameters(detector="cascade", min_size=10_000)


@dataclass(frozen=True, slots=True)
class Judged:
    """The lines of a folder: their measures (n, 5), and which of them are true (n,)."""

    folder: str
    measures: Floats
    true: Floats


def judged_lines(folder: Path) -> Judged:
    """Read the scans of a folder and tell which lines are true."""
    found = list(_pages(folder))
    return Judged(folder.name, np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found]))


def _pages(folder: Path) -> Iterator[tuple[Floats, Floats]]:
    for scan, truth, ignored in pages(folder):
        with Image.open(scan) as image:
            image.load()
        lines = truth.scaled_to(*image.size).lines
        assert lines is not None
        segmentation = SegmentationParameters(text_direction=direction_of(lines))
        kept: list[Floats] = []

        def keep(*measured: object, kept: list[Floats] = kept) -> Floats:
            kept.append(line_measures(*measured))  # type: ignore[arg-type]
            return np.full(len(kept[-1]), 0.5)

        with mock.patch.object(described_lines, "line_confidences", keep):
            layout = analyse_page(image, replace(PipelineParameters(), segmentation=segmentation, faces=NO_FACES))
        if not layout.lines:
            continue
        boxes = boxes_of(line.bbox for line in layout.lines)
        looked_at = _looked_at(boxes, ignored)
        yield kept[-1][looked_at], _is_true(boxes[looked_at], wanted(lines, ignored))


def _looked_at(boxes: Floats, ignored: Floats) -> NDArray[np.bool_]:
    kept = {tuple(box) for box in wanted(boxes, ignored).tolist()}
    return np.array([tuple(box) in kept for box in boxes.tolist()])


def _is_true(found: Floats, truth: Floats) -> Floats:
    """Return 1 for each found line that is one of the truth's, one to one."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    same = same_relaxed(found, truth)
    if not same.size:
        return np.zeros(len(found))
    return (maximum_bipartite_matching(csr_array(same), perm_type="column") >= 0).astype(np.float64)


def fit(measures: Floats, true: Floats, weight: Floats) -> tuple[Floats, float]:
    """Return weights and bias of a logistic regression, by Newton's method with a small ridge."""
    design = np.column_stack([measures, np.ones(len(measures))])
    found = np.zeros(design.shape[1])
    ridge = RIDGE * np.append(np.ones(len(found) - 1), 0.0)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (weight * (chance - true)) + ridge * found
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-9)
        found -= np.linalg.solve(curve, slope)
    return found[:-1], float(found[-1])


def fit_folders(judged: Sequence[Judged]) -> tuple[Floats, float]:
    """Fit on folders, each of which weighs as much as its lines' square root: a large one does not decide alone."""
    weight = np.concatenate([np.full(len(one.true), len(one.true) ** -0.5) for one in judged])
    weight *= len(weight) / weight.sum()
    return fit(np.concatenate([one.measures for one in judged]), np.concatenate([one.true for one in judged]), weight)


def left_out(judged: Sequence[Judged]) -> tuple[Floats, Floats]:
    """Return the chance of each line by weights that its folder had no part in, and whether it is true."""
    chances = []
    for one in judged:
        weights, bias = fit_folders([other for other in judged if other is not one])
        chances.append((1 / (1 + np.exp(-(one.measures @ weights + bias)))).clip(LEAST, MOST))
    return np.concatenate(chances), np.concatenate([one.true for one in judged])


def table(chance: Floats, true: Floats) -> str:
    """Return how many lines of each range of confidences are true."""
    rows = ["| confidence | lines | mean confidence | true |", "|---|---|---|---|"]
    for low, high in pairwise(EDGES):
        of_range = (chance >= low) & (chance < high)
        if of_range.any():
            mean, share = chance[of_range].mean(), true[of_range].mean()
            rows.append(f"| {low:.2f} to {min(high, 1.0):.2f} | {of_range.sum():,} | {mean:.3f} | {share:.3f} |")
    return "\n".join(rows)


def main() -> None:
    """Print the weights and the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", nargs="+", type=Path, help="folders of scans with truth.json")
    cv2.setNumThreads(1)
    judged = []
    for folder in options.parse_args().folders:
        judged.append(judged_lines(folder))
        print(f"{folder.name}: {len(judged[-1].true):,} lines, {judged[-1].true.mean():.3f} true", flush=True)
    weights, bias = fit_folders(judged)
    print(
        "WEIGHTS:", ", ".join(f"{name} {w:.3f}" for name, w in zip(MEASURES, weights, strict=True)), f"BIAS: {bias:.3f}"
    )
    print(table(*left_out(judged)))


if __name__ == "__main__":
    main()
