"""Printed rules: thin dark lines between columns and between articles, also faint, broken, slanted or bent ones.

All lengths are in units of the text scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.stages.text_size import component_stats

Mask = NDArray[np.uint8]

SHORTEST = 5.0  # a rule is at least five text sizes long: letter stems are shorter
SEED = 2.5  # and has unbroken stretches of this length
THICKEST = 0.6  # thicker strokes are letters of a masthead, frames of advertisements or pictures
BREAK = 1.2  # gaps up to this length are closed
DARKNESS = 48  # grey levels below the paper on either side, of 255


@dataclass(frozen=True, slots=True)
class Rules:
    """Masks (h, w) of printed rules, 1 where a rule lies."""

    vertical: Mask
    horizontal: Mask


def find_rules(grey: NDArray[np.uint8], scale: float) -> Rules:
    """Find the printed rules of an upright page.

    Args:
        grey: (h, w) uint8 with even white paper.
        scale: text scale in pixels.
    """
    return Rules(_vertical(grey, scale), np.ascontiguousarray(_vertical(np.ascontiguousarray(grey.T), scale).T))


def _vertical(grey: NDArray[np.uint8], scale: float) -> Mask:
    """Return the mask of the vertical rules of `grey`."""
    width = max(3, round(THICKEST * scale) | 1)
    # dark against the paper on both sides: a closing across the rule takes it away, letters stay in part
    line = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, (width + 2, 1)))
    thin = (line > DARKNESS).astype(np.uint8)
    slack = cv2.dilate(thin, np.ones((1, 3), np.uint8))  # a slanted rule moves sideways from row to row
    seeds = cv2.erode(slack, np.ones((max(3, round(SEED * scale)), 1), np.uint8))
    seeds = cv2.dilate(seeds, np.ones((max(3, round((SEED + BREAK) * scale)), 1), np.uint8))
    labels, stats = component_stats(seeds)
    tall = stats[:, 3] >= (SHORTEST + BREAK) * scale
    slim = stats[:, 4] <= (THICKEST * scale + 4) * stats[:, 3]
    upright = stats[:, 2] < 0.2 * stats[:, 3] + scale
    keep = (tall & slim & upright).astype(np.uint8)
    keep[0] = 0
    return np.asarray(keep[labels])


def rule_paths(vertical: Mask, scale: float) -> list[NDArray[np.float64]]:
    """Return the middle line of each vertical rule as (n, 2) points x, y from top to bottom."""
    labels, stats = component_stats(vertical)
    step = max(1, round(8 * scale))
    paths = []
    for label, (x, y, width, height, _) in enumerate(stats[1:].tolist(), start=1):
        own = labels[y : y + height, x : x + width] == label
        rows = np.unique(np.append(np.arange(0, height, step), height - 1))
        weights = own[rows]
        middle = (weights * np.arange(width)).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        paths.append(np.stack([x + middle + 0.5, y + rows + 0.5], axis=1))
    return paths
