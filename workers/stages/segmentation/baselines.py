"""The baseline of each line: through the feet of its letters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from workers.stages.raster.arrays import Boxes, Counts, Floats
from workers.stages.segmentation.noise import assign_components
from workers.stages.separators.components import TEXT, Components

MIN_LETTER_HEIGHT_SHARE = 0.35  # of the line's height: smaller components are dots and commas
MAX_FOOT_DISTANCE_SHARE = 0.2  # of the line's height below or above the usual foot: a descender, or an accent
MIN_SLOPED_LETTERS = 6  # letters from which a line may rise or fall
MAX_SLOPE_RATIO = 0.05  # on an upright page
EMPTY_BASELINE_SHARE = 0.2  # of the height above the foot of the box


def baselines(lines: Boxes, components: Components) -> Floats:
    """Return (n, 2): the height of the baseline at the left and at the right edge of each line, in working pixels.

    The median foot of the letters, after those that reach below it, with the slope of a fit where there are enough.

    Args:
        lines: (n, 4) boxes in working pixels.
        components: of the ink of the page.
    """
    c = components
    own = assign_components(lines, c)
    of_line = np.flatnonzero((own > 0) & (c.kind >= TEXT))
    order = of_line[np.argsort(own[of_line], kind="stable")]
    bounds = np.searchsorted(own[order], np.arange(1, len(lines) + 2))
    found = np.empty((len(lines), 2))
    for n, (a, b) in enumerate(pairwise(bounds)):
        chosen = order[a:b]
        tall = chosen[c.height[chosen] >= MIN_LETTER_HEIGHT_SHARE * (lines[n, 3] - lines[n, 1])]
        found[n] = _baseline(lines[n], c.x[tall] + c.width[tall] / 2, (c.y + c.height)[tall].astype(np.float64))
    return found


def _baseline(line: Counts, x: Floats, feet: Floats) -> tuple[float, float]:
    x0, y0, x1, y1 = (float(value) for value in line)
    inside = (feet > y0) & (feet <= y1 + 1)
    x, feet = x[inside], feet[inside]
    if not len(feet):
        level = y1 - EMPTY_BASELINE_SHARE * (y1 - y0)
        return level, level
    level = float(np.median(feet))
    standing = np.abs(feet - level) <= MAX_FOOT_DISTANCE_SHARE * (y1 - y0)
    if not standing.any():
        return level, level
    slope = 0.0
    if np.count_nonzero(standing) >= MIN_SLOPED_LETTERS and np.ptp(x[standing]) > 0.5 * (x1 - x0):
        slope = float(np.clip(np.polyfit(x[standing], feet[standing], 1)[0], -MAX_SLOPE_RATIO, MAX_SLOPE_RATIO))
    middle_x, level = float(x[standing].mean()), float(feet[standing].mean())
    left, right = level + slope * (x0 - middle_x), level + slope * (x1 - middle_x)
    return float(np.clip(left, y0 + 1, y1)), float(np.clip(right, y0 + 1, y1))
