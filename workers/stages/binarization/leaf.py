"""The leaf on the table: a ruler, a colour chart and labels that were scanned beside it are no part of the page."""

from __future__ import annotations

import cv2
import numpy as np

from workers.stages.raster.arrays import Counts, Grey

LOOK_PX = 400  # longer side of what is looked at
FRAME_SHARE = 0.02  # of the scan, along its edges: there lies the table
MIN_TABLE_SHARE = 0.6  # of the frame that has the table's grey: a ruler may run to the edge
TABLE_DEVIATION_GREY = 20  # grey levels
MIN_CONTRAST_GREY = 30  # grey levels by which paper is lighter than the table
CLOSED_SHARE = 0.01  # of the longer side: gaps so wide, of ruled frames and of the fold, are closed
MIN_LEAF_SHARE = 0.2  # of the scan that the leaf covers
MIN_OTHER_LEAF_SHARE = 0.25  # of the largest one: the facing page, not a ruler
MIN_BESIDE_SHARE = 0.005  # of the scan: less beside it is dust on the table
MARGIN_SHARE = 0.005  # of the scan's longer side that is left around the leaf


def leaf_alone(grey: Grey) -> Grey:
    """Return a scan (h, w; uint8) on which the table's grey covers what lies beside the leaf; mostly the scan itself.

    A leaf is told from its table where a frame along the scan's edges is evenly darker than the paper.
    """
    step = max(1, max(grey.shape) // LOOK_PX)
    small = grey[::step, ::step]
    table = _table_grey(small)
    paper = float(np.percentile(small, 75))
    if table is None or paper - table < MIN_CONTRAST_GREY:
        return grey
    x0, y0, x1, y1, area = _light_boxes(small, (table + paper) / 2).T
    leaf = area >= MIN_OTHER_LEAF_SHARE * area.max(initial=0)
    if area[leaf].sum() < MIN_LEAF_SHARE * small.size:
        return grey
    left, top, right, bottom = x0[leaf].min(), y0[leaf].min(), x1[leaf].max(), y1[leaf].max()
    beside = (x1 <= left) | (x0 >= right) | (y1 <= top) | (y0 >= bottom)
    if area[beside].sum() < MIN_BESIDE_SHARE * small.size:
        return grey
    margin = int(MARGIN_SHARE * max(grey.shape))
    kept = np.s_[
        max(0, top * step - margin) : bottom * step + margin, max(0, left * step - margin) : right * step + margin
    ]
    alone = np.full_like(grey, round(table))
    alone[kept] = grey[kept]
    return alone


def _table_grey(small: Grey) -> float | None:
    """Return the grey of the table along the scan's edges; None where they are not even."""
    wide = max(1, round(FRAME_SHARE * max(small.shape)))
    frame = np.concatenate([edge.ravel() for edge in (small[:wide], small[-wide:], small[:, :wide], small[:, -wide:])])
    table = float(np.median(frame))
    return table if (np.abs(frame - table) <= TABLE_DEVIATION_GREY).mean() >= MIN_TABLE_SHARE else None


def _light_boxes(small: Grey, level: float) -> Counts:
    """Return (n, 5): left, top, right, bottom and area of what is lighter than `level`, its frames and folds closed."""
    light = (small > level).astype(np.uint8)
    side = max(3, round(CLOSED_SHARE * max(small.shape)))
    closed = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    stats = cv2.connectedComponentsWithStats(closed)[2][1:].astype(np.int64)
    stats[:, 2:4] += stats[:, :2]
    return stats
