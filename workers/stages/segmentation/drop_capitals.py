"""Drop capitals: a large letter with which a paragraph begins is text, though it stands in no line."""

from __future__ import annotations

import numpy as np

from workers.stages.raster.arrays import Boxes
from workers.stages.segmentation.evidence import PageEvidence
from workers.stages.segmentation.noise import MIN_CHARACTER_RATIO

LINES_BEGIN_TS = (-0.5, 2.0)  # where the lines beside it begin, from its right edge
MIN_BESIDE_SHARE = 0.5  # of such a line's height that lies beside the letter
MAX_BELOW_PITCHES = 1.0  # where the next line under it begins at the latest


def add_drop_capitals(lines: Boxes, evidence: PageEvidence) -> Boxes:
    """Return the lines with the large letters at the corners of paragraphs.

    Without this step a paragraph lacks its first letter, which is in no line's box.
    A line longer than the letter is tall begins beside it, and another passes under it. Ornaments, stamps and what is
    left of a border or a fold have no such place.
    """
    initials, c = evidence.headlines.initials, evidence.components
    x0, y0, x1, y1 = lines.T
    chosen = np.flatnonzero(initials & (c.width >= MIN_CHARACTER_RATIO * c.height))
    letters = c.boxes[chosen]
    _, top, right, bottom = letters.T[:, :, None]
    near, far = (right + side * c.scale for side in LINES_BEGIN_TS)
    latest = MAX_BELOW_PITCHES * evidence.pitch
    beside = (x0 >= near) & (x0 <= far) & (x1 - x0 > bottom - top)
    beside &= np.minimum(y1, bottom) - np.maximum(y0, top) >= MIN_BESIDE_SHARE * (y1 - y0)
    under = (x0 < right) & (x1 > right) & (y1 > bottom) & (y0 > (top + bottom) / 2) & (y0 <= bottom + latest)
    return np.concatenate([lines, letters[beside.any(axis=1) & (under & ~beside).any(axis=1)]])
