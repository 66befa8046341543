"""Kraken's box segmenter as it is published, for comparison: its own functions, its own column finder, the full scan."""

from __future__ import annotations

from typing import Literal

import numpy as np
from kraken import pageseg
from kraken.lib import morph
from numpy.typing import NDArray

from workers.parameters import SegmentationParameters

Mask = NDArray[np.uint8]
EmptyReason = Literal["blank", "too_many_components"]


def too_many_components(ink: Mask) -> bool:
    """Tell whether kraken would refuse the page: more white components than one for 900 pixels."""
    _, count = morph.label(1 - ink)
    return bool(count > ink.size / 900)


def column_finder(ink: Mask, scale: float, parameters: SegmentationParameters) -> tuple[Mask, Mask]:
    """Find columns as kraken does, with `maxcolseps` black separators where kraken never gives more than two.

    Returns the separators and the ink without them, both (h, w) and 0 or 1.

    Raises:
        ValueError: the page has too little ink to find columns in.
    """
    white = pageseg.compute_colseps_conv(ink, scale, maxcolseps=parameters.maxcolseps)
    if not parameters.black_colseps:
        return np.asarray(white, np.uint8), ink
    black = pageseg.compute_separators_morph(ink, scale, maxcolseps=parameters.maxcolseps)
    return np.maximum(white, black).astype(np.uint8), np.minimum(ink, 1 - black).astype(np.uint8)


def original_line_boxes(ink: Mask, separators: Mask, scale: float) -> NDArray[np.int64]:
    """Return the line boxes (n, 4) that kraken's own functions find between `separators`."""
    binary = ink.astype(np.int32)
    bottom, top, boxmap = pageseg.compute_gradmaps(binary, scale)
    seeds = pageseg.compute_line_seeds(binary, bottom, top, separators, scale)
    labels = morph.propagate_labels(boxmap, seeds, conflict=0)
    spread = morph.spread_labels(seeds, maxdist=scale)
    labels = np.where(labels > 0, labels, spread * binary)
    lines = pageseg.compute_lines(labels * binary, scale)
    bounds = [(b[1].start, b[0].start, b[1].stop, b[0].stop) for b in (line.bounds for line in lines)]
    return np.array(bounds, np.int64).reshape(-1, 4)


def remove_hlines(ink: Mask, scale: float) -> Mask:
    """Remove components wider than ten text sizes, as kraken does with `no_hlines`."""
    return np.asarray(pageseg.remove_hlines(ink, scale), np.uint8)
