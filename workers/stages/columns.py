"""Where columns are parted on an upright page: printed rules and gutters together, and the ink without the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.layout import BoundingBox, Separator
from workers.stages.binarization import WorkingPage
from workers.stages.deskew import Placement
from workers.stages.gutters import find_gutters
from workers.stages.rules import Rules, find_rules, rule_paths
from workers.stages.text_size import DUST, TEXT, component_kinds, component_stats

Mask = NDArray[np.uint8]
Path = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Columns:
    """What parts a page.

    Attributes:
        ink: (h, w) uint8, 1 is ink; rules taken out.
        barrier: (h, w) uint8, 1 where no text line may cross.
        horizontal: (h, w) uint8, 1 where a horizontal rule lies.
        paths: middle lines in working pixels with their origin.
    """

    ink: Mask
    barrier: Mask
    horizontal: Mask
    paths: tuple[tuple[Path, Literal["inserted", "printed"]], ...]


def find_columns(page: WorkingPage) -> Columns:
    """Find printed rules and gutters of a page at working size."""
    rules = find_rules(page.grey, page.scale)
    ink = without_rules(page.ink, rules)
    labels, stats = component_stats(ink)
    kinds = component_kinds(stats, page.scale)
    dust, text = (kinds == DUST).astype(np.uint8)[labels], (kinds == TEXT).astype(np.uint8)[labels]
    gutters = find_gutters(ink - dust, text, rules.horizontal, page.scale, page.pitch)
    printed = rule_paths(rules.vertical, page.scale)
    barrier = cv2.dilate(rules.vertical, np.ones((1, 3), np.uint8))
    for gutter in gutters:
        cv2.polylines(barrier, [np.rint(gutter.path).astype(np.int32)], False, 1, 3)
    inserted = [(gutter.path, "inserted") for gutter in gutters]
    return Columns(ink, barrier, rules.horizontal, (*[(path, "printed") for path in printed], *inserted))


def no_columns(page: WorkingPage) -> Columns:
    """Leave the page as it is."""
    nothing = np.zeros_like(page.ink)
    return Columns(page.ink, nothing, nothing, ())


def without_rules(ink: Mask, rules: Rules) -> Mask:
    """Return the ink without printed rules and their soft edges."""
    rule = cv2.dilate(rules.vertical | rules.horizontal, np.ones((3, 3), np.uint8))
    return np.asarray(ink * (1 - rule))


def to_separators(columns: Columns, placement: Placement) -> tuple[Separator, ...]:
    """Return the separators in pixels of the original scan, those further left first."""
    separators = [_separator(placement.points(path), origin) for path, origin in columns.paths]
    return tuple(sorted(separators, key=lambda separator: separator.bbox))


def _separator(path: tuple[tuple[int, int], ...], origin: Literal["inserted", "printed"]) -> Separator:
    x, y = np.array(path).T
    return Separator(BoundingBox(int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1), origin, path)
