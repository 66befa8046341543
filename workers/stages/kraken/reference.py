"""Kraken's own functions behind the signature of our core: for `segmenter=kraken` and to hold the core to them.

The functions are kraken's, the way from one to the next is that of `kraken.pageseg.segment`, with the deviations
that `workers.stages.kraken` lists, save that kraken's limit of components is kept and raises `NoTextError`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.stages.kraken.errors import NoTextError
from workers.stages.raster.arrays import IntBoxes, Mask
from workers.stages.raster.quarter_turns import QUARTER_TURNS, TextDirection, turned_back

LARGEST_SHARE_OF_COMPONENTS = 1 / (30 * 30)  # kraken's limit of white components to a pixel


def find_line_boxes_reference(
    ink: Mask,
    separators: Mask | None = None,
    *,
    scale: float | None = None,
    text_direction: TextDirection = "horizontal-lr",
    maxcolseps: int = 2,
    black_colseps: bool = False,
    no_hlines: bool = True,
    pad: int = 0,
) -> IntBoxes:
    """Find text lines with kraken's own functions; arguments and result are those of `find_line_boxes`.

    Raises:
        NoTextError: the size of the text cannot be estimated, or kraken's limit of components is exceeded.
    """
    from kraken import pageseg
    from kraken.lib import morph

    turns = QUARTER_TURNS[text_direction]
    binary = np.ascontiguousarray(np.rot90(np.array(ink > 0, "i"), turns))
    height, width = binary.shape
    if not binary.any():
        if scale is None:
            raise NoTextError("blank", "the page has no ink")
        return np.empty((0, 4), np.int32)
    if morph.label(1 - binary)[1] > binary.size * LARGEST_SHARE_OF_COMPONENTS:
        raise NoTextError(
            "too_many_components", "the page has more white components than kraken allows; use segmenter=fast"
        )
    if scale is None:
        scale = _estimated_scale(binary)
    if no_hlines:
        binary = pageseg.remove_hlines(binary, scale)
    if separators is not None:
        colseps = np.array(np.rot90(separators, turns) != 0, "i")
    else:
        colseps = pageseg.compute_white_colseps(binary, scale, maxcolseps)
        if black_colseps:
            black = pageseg.compute_separators_morph(binary, scale, maxcolseps=maxcolseps)
            colseps, binary = np.maximum(colseps, black), np.minimum(binary, 1 - black)
    boxes = _lines(binary, colseps, scale)
    boxes[:, 0] = np.maximum(boxes[:, 0] - pad, 0)
    boxes[:, 2] = np.minimum(boxes[:, 2] + pad, width)
    return turned_back(boxes, turns, width, height)


def _estimated_scale(binary: NDArray[Any]) -> float:
    from kraken import pageseg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the median of nothing
        scale = float(pageseg.estimate_scale(binary))
    if np.isnan(scale):
        raise NoTextError("no_text_size", "nothing on the page has the size of a letter, 3 to 100 pixels")
    return scale


def _lines(binary: NDArray[Any], colseps: NDArray[Any], scale: float) -> IntBoxes:
    from kraken import pageseg
    from kraken.lib import morph

    bottom, top, boxmap = pageseg.compute_gradmaps(binary, scale)
    seeds = pageseg.compute_line_seeds(binary, bottom, top, colseps, scale)
    labels = _propagated(boxmap, seeds)
    spread = morph.spread_labels(seeds, maxdist=scale)
    lines = pageseg.compute_lines(np.where(labels > 0, labels, spread * binary) * binary, scale)
    bounds = [(x.start, y.start, x.stop, y.stop) for y, x in (line.bounds for line in lines)]
    return np.array(bounds, np.int32).reshape(-1, 4)


def _propagated(boxmap: NDArray[Any], seeds: NDArray[Any]) -> NDArray[Any]:
    """Return kraken's `propagate_labels`, whose numbers overflow from 21,475 boxes on, with numbers that do not."""
    from kraken.lib import morph

    groups, count = morph.label(boxmap)
    owners = np.zeros(count + 1, np.int32)
    for group, seed in morph.correspondences(groups.astype(np.int64), seeds).T:
        owners[group] = -1 if owners[group] else seed
    owners[0] = 0
    return np.maximum(owners, 0)[groups]
