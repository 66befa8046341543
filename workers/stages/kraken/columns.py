"""Kraken's own column separators: white gaps with an edge of text beside them, and black vertical lines."""

from __future__ import annotations

import numpy as np

from workers.stages.kraken.components import find_kraken_components
from workers.stages.kraken.filters import gaussian, maximum, minimum, uniform
from workers.stages.raster.arrays import Mask


def white_separators(ink: Mask, scale: float, maxcolseps: int) -> Mask:
    """Return (h, w), 255 in the `maxcolseps` tallest white gaps (kraken's `compute_colseps_conv`)."""
    smoothed = uniform(gaussian(ink, (scale, scale * 0.5)), (5 * scale, 1))
    white = smoothed < smoothed.max() * np.float32(0.1)
    edge = uniform(gaussian(ink, (scale, scale * 0.5), order=(0, 1)), (10 * scale, 1))
    edge = (edge > 0.5 * edge.max()).view(np.uint8)
    gaps = maximum(white.view(np.uint8) & maximum(edge, (int(scale), int(5 * scale))), (int(2 * scale), 1))
    return _best_regions(gaps, axis=0, least=10 * scale, count=maxcolseps)


def black_separators(ink: Mask, scale: float, maxcolseps: int, widening: int = 10) -> Mask:
    """Return (h, w), 255 on at most `maxcolseps` black lines (kraken's `compute_separators_morph`)."""
    d0, d1 = int(max(5, scale / 4)), int(max(5, scale)) + widening
    upright = (10 * scale, 1)
    opened = maximum(minimum(maximum(ink, (d0, d1)), upright), upright)
    thin = minimum(opened, (d0 // 2, widening))
    wide = _best_regions(thin, axis=1, least=3, count=2 * maxcolseps)
    return _best_regions(wide, axis=0, least=20 * scale, count=maxcolseps)


def _best_regions(binary: Mask, axis: int, least: float, count: int) -> Mask:
    """Keep the `count` components that are longest along `axis` (0 is down the page), if longer than `least`."""
    components = find_kraken_components(binary)
    extent = components.boxes[:, 2 if axis else 3].astype(np.int64)
    kept = np.zeros(len(extent) + 1, np.bool_)
    best = np.argsort(extent)[len(extent) - min(count, len(extent)) :]
    kept[best[extent[best] > least] + 1] = True
    return components.labelled.mask(kept) * np.uint8(255)
