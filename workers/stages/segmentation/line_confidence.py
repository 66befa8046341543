"""How likely a line is one: what the steps that believe in lines measure, weighed as truth taught.

Logistic regression on the lines of the truth sets; `benchmarks/line_confidence.py` fits the weights and prints how well
the chances hold on sets that were left out.
"""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.binarization.working_page import WorkingPage
from workers.stages.raster.arrays import Boxes, Floats
from workers.stages.segmentation.baseline_fit import letters_on_baseline
from workers.stages.segmentation.noise import assign_components
from workers.stages.separators.components import TEXT, Components

MEASURES = (
    "letters",  # logarithm of their number
    "contrast",  # by the page's median, at most 1.5
    "length",  # by the page's median, as a logarithm
    "page_left_out",  # share of the page's letters that are in no line
    "page_standing",  # share of all letters in lines that stand on theirs
)
WEIGHTS = np.array([0.884, 1.902, 0.535, -2.358, 4.290])
BIAS = -4.450
MAX_CONTRAST = 1.5
LEAST, MOST = 0.01, 0.99


def line_confidences(lines: Boxes, page: WorkingPage, components: Components) -> Floats:
    """Return the chance, 0 to 1, of each line (n, 4) in working pixels to be one, (n,) float64."""
    chance = 1 / (1 + np.exp(-(line_measures(lines, page, components) @ WEIGHTS + BIAS)))
    return chance.clip(LEAST, MOST)


def line_measures(lines: Boxes, page: WorkingPage, components: Components) -> Floats:
    """Return the measures of each line, (n, 5) float64, in the order of `MEASURES`."""
    c, count = components, len(lines)
    own = assign_components(lines, c)
    letters, standing = letters_on_baseline(own, count, c)
    is_letter = (c.kind == TEXT) & c.letterlike
    contrast, width = _contrast(lines, page), lines[:, 2] - lines[:, 0]
    return np.column_stack(
        [
            np.log1p(letters),
            np.minimum(contrast / max(1e-9, float(np.median(contrast))), MAX_CONTRAST),
            np.log(width / np.median(width)),
            np.full(count, (is_letter & (own == 0)).sum() / max(1, is_letter.sum())),
            np.full(count, standing.sum() / max(1, letters.sum())),
        ]
    )


def _contrast(lines: Boxes, page: WorkingPage) -> Floats:
    """Return by how much the ink in each box is darker than its paper, in grey levels."""
    contrast = np.zeros(len(lines))
    for number, (x0, y0, x1, y1) in enumerate(lines.tolist()):
        values, inked = page.grey[y0:y1, x0:x1], page.ink[y0:y1, x0:x1]
        ink, dark = cv2.countNonZero(inked), cv2.mean(values, inked)[0]
        contrast[number] = (cv2.sumElems(values)[0] - dark * ink) / max(1, inked.size - ink) - dark
    return contrast.clip(0)
