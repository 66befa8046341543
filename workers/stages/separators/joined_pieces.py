"""One rule is one separator, though it was found in pieces: where it is faint, touched by letters, or met by a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workers.layout import BoundingBox, Separator

MAX_OFFSET_HEIGHTS = 0.6  # line heights by which the upper piece ends beside the beginning of the lower
MAX_GAP_HEIGHTS = 4.0  # line heights between them
MIN_REACH_HEIGHTS = 1.0  # line heights: a line reaching so far over both sides keeps pieces apart


def join_pieces(separators: Sequence[Separator], lines: Sequence[BoundingBox]) -> tuple[Separator, ...]:
    """Return the separators with pieces below each other as one, unless a line crosses between them.

    Args:
        separators: of an upright page, in pixels of the scan.
        lines: boxes of the text lines of the same page.
    """
    if not lines:
        return tuple(separators)
    height = float(np.median([line.height for line in lines]))
    found: list[Separator] = []
    for piece in sorted(separators, key=lambda one: one.bbox.y_min):
        above = next((n for n, one in enumerate(found) if _goes_on(one, piece, lines, height)), None)
        if above is None:
            found.append(piece)
        else:
            found[above] = _joined(found[above], piece)
    return tuple(sorted(found, key=lambda one: one.bbox))


def _goes_on(upper: Separator, lower: Separator, lines: Sequence[BoundingBox], height: float) -> bool:
    (x0, y0), (x1, y1) = upper.path[-1], lower.path[0]
    if (
        abs(x1 - x0) > MAX_OFFSET_HEIGHTS * height
        or not -height <= y1 - y0 <= MAX_GAP_HEIGHTS * height
        or not _runs_down(lower)
    ):
        return False
    reach, x = MIN_REACH_HEIGHTS * height, (x0 + x1) / 2
    return not any(
        line.y_max > y0 and line.y_min < y1 and line.x_min < x - reach and line.x_max > x + reach for line in lines
    )


def _runs_down(separator: Separator) -> bool:
    return separator.bbox.height > separator.bbox.width


def _joined(upper: Separator, lower: Separator) -> Separator:
    path = upper.path + tuple(point for point in lower.path if point[1] > upper.path[-1][1])
    boxes = (upper.bbox, lower.bbox)
    box = BoundingBox(
        min(one.x_min for one in boxes),
        min(one.y_min for one in boxes),
        max(one.x_max for one in boxes),
        max(one.y_max for one in boxes),
    )
    longer = max((upper, lower), key=lambda one: one.bbox.height)
    return Separator(box, longer.origin, path)
