"""Where columns are parted on an upright page: printed rules and gutters together, and the ink without the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.layout import BoundingBox, Separator
from workers.stages.binarization import WorkingPage
from workers.stages.components import PAPER, TEXT, Components, find_components, stray
from workers.stages.deskew import Placement
from workers.stages.gutters import find_gutters
from workers.stages.pictures import find_pictures
from workers.stages.rules import Rules, find_rules, rule_paths

Mask = NDArray[np.uint8]
Path = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Columns:
    """What parts a page.

    Attributes:
        ink: (h, w) uint8, 1 is ink; rules, pictures and stray specks taken out.
        components: of the ink without rules.
        pictures: (h, w) uint8, 1 where a picture or a black border lies.
        barrier: (h, w) uint8, 1 where no text line may cross.
        horizontal: (h, w) uint8, 1 where a horizontal rule lies.
        paths: middle lines in working pixels with their origin.
    """

    ink: Mask
    components: Components
    pictures: Mask
    barrier: Mask
    horizontal: Mask
    paths: tuple[tuple[Path, Literal["inserted", "printed"]], ...]


def find_columns(page: WorkingPage) -> Columns:
    """Find printed rules and gutters of a page at working size."""
    rules = find_rules(page.grey, page.scale)
    components = find_components(without_rules(page.ink, rules), page.scale)
    pictures = find_pictures(page.grey, components)
    ink = components.mask(~stray(components) & (components.kind != PAPER)) * (1 - pictures)
    text = components.mask(components.kind == TEXT) * (1 - pictures)
    gutters = find_gutters(np.maximum(ink, pictures), text, rules.horizontal, page.scale, page.pitch)
    printed = rule_paths(rules.vertical, page.scale)
    barrier = cv2.dilate(rules.vertical, np.ones((1, 3), np.uint8))
    for gutter in gutters:
        cv2.polylines(barrier, [np.rint(gutter.path).astype(np.int32)], False, 1, 3)
    inserted = [(gutter.path, "inserted") for gutter in gutters]
    paths = (*[(path, "printed") for path in printed], *inserted)
    return Columns(ink, components, pictures, barrier, rules.horizontal, paths)


def no_columns(page: WorkingPage) -> Columns:
    """Leave the page as it is."""
    nothing = np.zeros_like(page.ink)
    return Columns(page.ink, find_components(page.ink, page.scale), nothing, nothing, nothing, ())


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
