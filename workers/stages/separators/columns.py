"""Where columns are parted on an upright page: printed rules and gutters together, and the ink without the rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from workers.layout import BoundingBox, Separator
from workers.stages.binarization.deskew import PageTransform
from workers.stages.binarization.working_page import WorkingPage
from workers.stages.raster.arrays import AnyMask, Counts, Mask, Polyline, Truths
from workers.stages.raster.bits import any_of_rows, packed, unpacked, with_neighbours
from workers.stages.separators.components import PAPER, TEXT, Components, find_components, is_noise, isolated_specks
from workers.stages.separators.folds import find_folds
from workers.stages.separators.gap_scan import insert_gap_separators
from workers.stages.separators.gutter_pieces import Gutter
from workers.stages.separators.gutters import find_gutters
from workers.stages.separators.pictures import find_pictures, line_art
from workers.stages.separators.rules import Rules, find_rules, rule_paths, step_along

Origin = Literal["inserted", "printed"]
INSERTED: Origin = "inserted"
PRINTED: Origin = "printed"

MAX_TEXT_BESIDE_RULE_TS = 8.0  # text so near on both sides makes a printed rule a column separator
MAX_TEXT_BESIDE_FOLD_TS = 60.0  # a fold one; margins are wide
MIN_TEXT_BESIDE_SHARE = 0.1  # of its length
MIN_FAINT_RULE_SHARE = 0.4  # of a gutter's length with pieces of a rule that makes it a printed one
MIN_RULE_IN_GUTTER_SHARE = 0.5  # of the rows that both have: then the rule runs in the gutter in all of them
RULE_IN_GUTTER_TS = 2.5  # a rule so near to a gutter's middle runs in it
MIN_EDGE_STRIP_TS = 5.0  # a narrower strip at the edge of the scan is no column
MIN_GUTTER_PIECE_PITCHES = 3.0  # what remains of a gutter above or below a rule is a separator of its own


@dataclass(frozen=True, slots=True)
class Columns:
    """What parts a page.

    Attributes:
        ink: (h, w) uint8, 1 is ink; rules, pictures and stray specks taken out.
        components: of the ink without rules.
        is_noise: components lie about without lines, and nothing more was looked for.
        drawings: which components are drawings, frames or borders.
        pictures: (h, w) uint8, 1 where a picture or a black border lies.
        barrier: (h, w) uint8, 1 where no text line may cross.
        horizontal: (h, w) uint8, 1 where a horizontal rule lies.
        paths: middle lines in working pixels with their origin.
    """

    ink: Mask
    components: Components
    is_noise: bool
    drawings: Truths
    pictures: Mask
    barrier: Mask
    horizontal: Mask
    paths: tuple[tuple[Polyline, Origin], ...]


def find_columns(page: WorkingPage) -> Columns:
    """Find printed rules and gutters of a page at working size."""
    rules = find_rules(page.grey, page.ink, page.scale)
    ruleless = without_rules(page.ink, rules)
    components = find_components(ruleless, page.scale)
    if is_noise(components):
        return replace(no_columns(page), is_noise=True)
    drawings, width = line_art(components), page.ink.shape[1]
    pictures = find_pictures(page.grey, components, drawings)
    pictured = packed(pictures)
    inked = components.labelled.bits(~isolated_specks(components) & (components.kind != PAPER)) & ~pictured
    text = unpacked(components.labelled.bits((components.kind == TEXT) & ~components.blocks) & ~pictured, width)
    of_rules = any_of_rows(with_neighbours(packed(rules.faint), width), 3)
    gutters = find_gutters(
        unpacked(inked & ~of_rules | pictured, width), text, rules.horizontal, page.scale, page.pitch
    )
    ink = unpacked(inked, width)
    barrier = cv2.dilate(rules.vertical, np.ones((1, 3), np.uint8))
    folds = find_folds(ruleless, pictures, page.scale, page.pitch)
    barrier |= draw([gutter.path for gutter in gutters], barrier.shape) | folds
    paths = separator_paths(rules, folds, gutters, text, pictures, page.scale, page.pitch)
    return Columns(ink, components, False, drawings, pictures, barrier, rules.horizontal, paths)


def no_columns(page: WorkingPage) -> Columns:
    """Leave the page as it is."""
    components, nothing = find_components(page.ink, page.scale), np.zeros_like(page.ink)
    none = np.zeros(len(components.x), bool)
    return Columns(page.ink, components, False, none, nothing, nothing, nothing, ())


def with_gutters(columns: Columns, gutters: list[Polyline]) -> Columns:
    """Return what parts a page, with further gutters given by their middle lines."""
    barrier = columns.barrier | draw(gutters, columns.barrier.shape)
    return replace(columns, barrier=barrier, paths=columns.paths + tuple((path, INSERTED) for path in gutters))


def gap_columns(page: WorkingPage, gap_width: int, gap_height: int) -> Columns:
    """Draw a line into every white gap of the given size, as `insert_gap_separators` does, on a page at full size."""
    paper = (1 - page.ink) * np.uint8(255)
    drawn = insert_gap_separators(paper, gap_width, gap_height)
    barrier = (drawn != paper).astype(np.uint8)
    paths = tuple((path, INSERTED) for path in rule_paths(barrier, max(page.scale, 1.0)))
    return replace(no_columns(page), barrier=barrier, paths=paths)


def draw(paths: list[Polyline], shape: tuple[int, ...]) -> Mask:
    """Return (h, w), 1 along each of the paths, three pixels wide."""
    drawn = np.zeros(shape, np.uint8)
    cv2.polylines(drawn, [np.rint(path).astype(np.int32) for path in paths], False, 1, 3)
    return drawn


def without_rules(ink: Mask, rules: Rules) -> Mask:
    """Return the ink without printed rules and their soft edges."""
    rule = cv2.dilate(rules.vertical | rules.horizontal, np.ones((3, 3), np.uint8))
    return without(ink, rule)


def without(ink: Mask, masked: AnyMask) -> Mask:
    """Return `ink` (h, w; 0 or 1), 0 where `masked` is 1."""
    return cv2.subtract(ink, masked)


def separator_paths(
    rules: Rules, folds: Mask, gutters: list[Gutter], text: Mask, pictures: Mask, scale: float, pitch: float
) -> tuple[tuple[Polyline, Origin], ...]:
    """Return the middle lines of the page's column separators.

    A printed rule that has text on one side only is the edge of a page, a frame or a border and parts no columns, nor
    does one so near to the scan's edge that beside it lies but a strip of the next page. A fold counts as a printed
    rule, and the edges of its shadow as none. A gutter is kept where no printed rule runs in it.
    """
    inner = (MIN_EDGE_STRIP_TS * scale, text.shape[1] - MIN_EDGE_STRIP_TS * scale)
    elsewhere = pictures | cv2.dilate(folds, np.ones((1, max(1, round(RULE_IN_GUTTER_TS * scale))), np.uint8))
    found = [rule for rule in rule_paths(rules.vertical, scale, step_along(scale)) if _share(rule, elsewhere) < 0.5]
    printed = [rule for rule in found if has_text_on_both_sides(rule, text, scale, MAX_TEXT_BESIDE_RULE_TS)]
    printed += [
        fold for fold in rule_paths(folds, scale) if has_text_on_both_sides(fold, text, scale, MAX_TEXT_BESIDE_FOLD_TS)
    ]
    pieces = [piece for gutter in gutters for piece in _beside_rules(gutter, printed, scale, pitch)]
    paths = [(path, PRINTED) for path in printed] + [(path, _origin(path, rules.faint, scale)) for path in pieces]
    return tuple((path, origin) for path, origin in paths if inner[0] < np.median(path[:, 0]) < inner[1])


def _origin(path: Polyline, faint: Mask, scale: float) -> Origin:
    """Tell whether a faint or broken rule runs along a gutter."""
    rows = np.arange(int(path[0, 1]), min(int(path[-1, 1]) + 1, len(faint)))
    near = _around(path, rows, faint, np.arange(-round(scale), round(scale) + 1))
    return PRINTED if near.mean() > MIN_FAINT_RULE_SHARE else INSERTED


def _around(path: Polyline, rows: Counts, mask: Mask, offsets: Counts) -> Truths:
    """Tell for each of `rows` whether `mask` is 1 at any of the `offsets` in columns from the path."""
    columns = np.interp(rows, path[:, 1], path[:, 0]).astype(int)
    beside = np.clip(columns[:, None] + offsets, 0, mask.shape[1] - 1)
    return np.asarray(mask[rows[:, None], beside].any(axis=1))


def _share(path: Polyline, mask: Mask) -> float:
    """Return the share of a path's length that lies in `mask`."""
    rows = np.arange(int(path[0, 1]), min(int(path[-1, 1]) + 1, len(mask)))
    columns = np.interp(rows, path[:, 1], path[:, 0]).astype(int)
    return float(mask[rows, np.clip(columns, 0, mask.shape[1] - 1)].mean())


def has_text_on_both_sides(path: Polyline, text: Mask, scale: float, within: float) -> bool:
    """Tell whether a line has text `within` so many text sizes on either side of a good part of its length."""
    # followed on fewer rows, a path may end some rows below the page
    rows = np.arange(int(path[0, 1]), min(int(path[-1, 1]) + 1, len(text)), max(1, round(scale / 2)))
    reach = np.arange(1, round(within * scale))
    return all(_around(path, rows, text, side).mean() > MIN_TEXT_BESIDE_SHARE for side in (-reach, reach))


def _beside_rules(gutter: Gutter, printed: list[Polyline], scale: float, pitch: float) -> list[Polyline]:
    """Return the pieces of a gutter's path along which no printed rule runs in its white."""
    path, near = gutter.path, max(RULE_IN_GUTTER_TS * scale, gutter.width / 2)
    step = pitch / 2
    rows = np.linspace(path[0, 1], path[-1, 1], max(2, round((path[-1, 1] - path[0, 1]) / step)))
    columns = np.interp(rows, path[:, 1], path[:, 0])
    free = np.ones(len(rows), bool)
    for rule in printed:
        beside = np.abs(np.interp(rows, rule[:, 1], rule[:, 0]) - columns) < near
        common = (rows > rule[0, 1] - pitch) & (rows < rule[-1, 1] + pitch)
        if common.any() and beside[common].mean() >= MIN_RULE_IN_GUTTER_SHARE:
            beside[:] = True  # where the text ends early the white is wide, and its middle far from the rule
        free &= ~(beside & common)
    if free.all():
        return [path]
    edges = np.flatnonzero(np.diff(np.pad(free.astype(np.int8), 1)))
    pieces = [np.stack([columns[a:b], rows[a:b]], axis=1) for a, b in edges.reshape(-1, 2)]
    return [
        piece for piece in pieces if len(piece) > 1 and piece[-1, 1] - piece[0, 1] >= MIN_GUTTER_PIECE_PITCHES * pitch
    ]


def to_separators(columns: Columns, placement: PageTransform) -> tuple[Separator, ...]:
    """Return the separators in pixels of the original scan, those further left first."""
    separators = [_separator(placement.points(path), origin) for path, origin in columns.paths]
    return tuple(sorted(separators, key=lambda separator: separator.bbox))


def _separator(path: tuple[tuple[int, int], ...], origin: Origin) -> Separator:
    x, y = np.array(path).T
    return Separator(BoundingBox(int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1), origin, path)
