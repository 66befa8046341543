"""What each rule of the page engine is worth: it is switched off, and what changes on every set is told.

    python -m benchmarks.ablation [../shared/data] [--rules WORD ...] [--sets NAME ...] > table.md

A row is a rule. Beside it stands what is lost where it is off, set by set: of `lines` the F1 by `benchmarks.unseen`'s
relaxed measure, and (`IoU`) at intersection over union 0.5; of `separators` the F1 by their length; of photographs the
number of false lines a page. Positive is what the rule is worth, negative what it costs. Differences under 0.002 are
left out; a rule with nothing beside it pays nothing on these pages and stays only where a test names what it guards.
What finds faces and what a second reader adds are measured elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from PIL import Image

from benchmarks import drawn_pages
from benchmarks.marked_faces import FACES
from benchmarks.robustness import PADDING
from benchmarks.unseen import direction_of, match_relaxed, pages, wanted
from orchestrator.evaluation.matching import Boxes, as_boxes, match_boxes, pad_boxes
from orchestrator.evaluation.rules import LengthScore, compare_separators
from orchestrator.evaluation.scores import boxes_of
from orchestrator.evaluation.truth import PageTruth, read_truth
from samples.ageing import scan
from samples.pages import draw
from workers.layout import BoundingBox
from workers.parameters import BinarizationParameters, TextDirection
from workers.stages.binarization import leaf, survey, threshold, working_page
from workers.stages.binarization.working_page import WorkingPage
from workers.stages.palette.normalise import normalise
from workers.stages.raster.arrays import Grey
from workers.stages.segmentation import baseline_fit, evidence, fragments, headlines, noise, tables, text_lines
from workers.stages.separators import columns, components, gutters, pictures, rules
from workers.stages.separators.columns import Columns

SETS = (
    "newspaper_nzz", "newspaper_ndnp", "newspaper_limpartial", "newspaper_gbn", "mosaic_ads", "periodical_argus",
    "book_gallicorpora", "book_expo1878", "incunable", "register_lectaurep", "typed_tapus", "vertical_kotenseki",
    "drawn", "photographs",
)  # fmt: skip
DRAWN_SEEDS = range(2000, 2012)
LEAST = 0.002  # of a figure: less is not told
BINARIZATION, SEPARATORS, LINES = range(3)  # the stage from which a page must be read again


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the stage it belongs to, and what takes the place of what while it is off."""

    name: str
    stage: int
    off: tuple[tuple[ModuleType, str, Any], ...]


def _rule(stage: int, module: ModuleType, name: str, without: Any) -> Rule:
    return Rule(f"{module.__name__.rsplit('.', 1)[1]}.{name}", stage, ((module, name, without),))


def _none_of(c: Any, *_: object) -> Any:
    return np.zeros(len(c.x), bool)


def _no_headlines(c: Any, *_: object) -> headlines.Headlines:
    nothing = np.zeros(len(c.x), bool)
    return headlines.Headlines(np.zeros((0, 4), np.int64), nothing, nothing)


STEPS = text_lines.STEPS
RULES = (
    _rule(BINARIZATION, threshold, "stretch_ink", lambda grey: grey),
    _rule(BINARIZATION, threshold, "MIN_CONTRAST_GREY", float("inf")),
    _rule(BINARIZATION, threshold, "_below_grain", lambda sample, level: level),
    _rule(BINARIZATION, survey, "_is_grainy", lambda stats: False),
    _rule(BINARIZATION, leaf, "_table_grey", lambda small: None),
    _rule(BINARIZATION, survey, "MAX_GRAIN_SCALE_PX", 0.0),
    _rule(BINARIZATION, survey, "MAX_LETTERS_RATIO", 0.0),
    _rule(BINARIZATION, survey, "has_touching_characters", lambda stats: False),
    _rule(BINARIZATION, working_page, "MIN_PITCH_TS", 0.0),
    _rule(BINARIZATION, working_page, "skew_degrees", lambda stats, scale: 0.0),
    _rule(BINARIZATION, working_page, "quarter_turns", lambda stats, scale: 0),
    _rule(SEPARATORS, components, "MIN_NOISE_COMPONENTS", float("inf")),
    _rule(SEPARATORS, columns, "isolated_specks", _none_of),
    _rule(SEPARATORS, columns, "line_art", _none_of),
    _rule(SEPARATORS, pictures, "_halftone", lambda grey, scale: np.zeros_like(grey)),
    _rule(SEPARATORS, pictures, "_filled", lambda blocks, scale: blocks),
    _rule(SEPARATORS, columns, "find_folds", lambda ink, *_: np.zeros_like(ink)),
    _rule(SEPARATORS, columns, "has_text_on_both_sides", lambda *_: True),
    _rule(SEPARATORS, columns, "MIN_EDGE_STRIP_TS", 0.0),
    _rule(SEPARATORS, columns, "_beside_rules", lambda gutter, *_: [gutter.path]),
    _rule(SEPARATORS, rules, "_has_clear_margins", lambda strokes, chosen, *_: chosen),
    _rule(SEPARATORS, rules, "_has_even_width", lambda *_: True),
    _rule(SEPARATORS, rules, "_repeated_strokes", lambda *_: np.zeros(0, np.int64)),
    _rule(SEPARATORS, rules, "_bridges", lambda *_: None),
    _rule(SEPARATORS, gutters, "MAX_WHITE_TS", float("inf")),
    _rule(SEPARATORS, gutters, "MIN_COLUMN_TS", 0.0),
    _rule(SEPARATORS, gutters, "_unbroken", lambda runs, *_: [runs]),
    _rule(SEPARATORS, gutters, "merge_collinear", lambda pieces, *_: pieces),
    _rule(SEPARATORS, gutters, "_corridors", lambda *_: []),
    _rule(LINES, evidence, "find_headlines", _no_headlines),
    _rule(LINES, headlines, "_in_body", lambda *_: False),
    _rule(LINES, fragments, "_words", lambda *_: (np.zeros((0, 4), np.int64), np.zeros(0, np.int64))),
    _rule(LINES, tables, "_evenly_spaced", lambda lines, *_: np.zeros(len(lines), bool)),
    _rule(LINES, noise, "_of_bare_strokes", lambda lines, c: np.zeros(len(lines), bool)),
    _rule(LINES, baseline_fit, "_of_large_type", lambda own, lines, c: np.zeros(lines, bool)),
    *[
        Rule(f"step {step.__name__}", LINES, ((text_lines, "STEPS", tuple(s for s in STEPS if s is not step)),))
        for step in STEPS
    ],
)  # fmt: skip


@contextmanager
def switched_off(rule: Rule | None) -> Iterator[None]:
    """Take a rule out of the engine; None leaves it whole."""
    with ExitStack() as stack:
        for module, name, without in rule.off if rule else ():
            stack.enter_context(patch.object(module, name, without))
        yield


@dataclass(frozen=True, slots=True)
class Case:
    """A page of a set with what is known of it; photographs have no truth, since they have no line."""

    folder: str
    grey: Grey
    truth: PageTruth | None = None
    ignored: Boxes = field(default_factory=lambda: as_boxes([]))

    @property
    def direction(self) -> TextDirection:
        """How its text runs."""
        if self.truth is None or self.truth.lines is None:
            return "horizontal-lr"
        return direction_of(self.truth.lines)


def cases(root: Path, names: Sequence[str]) -> Iterator[Case]:
    """Yield the pages of the sets."""
    for name in names:
        if name == "drawn":
            yield from map(_drawn, DRAWN_SEEDS)
        elif name == "photographs":
            yield from (Case(name, _grey(root / path)) for path in FACES)
        elif name == "newspaper_gbn":
            for truth in read_truth(root / name).pages:
                yield Case(name, _grey(next((root / name).glob(f"*{truth.names[0]}"))), truth)
        else:
            for path, truth, ignored in pages(root / name):
                yield Case(name, _grey(path), truth, ignored)


def _grey(path: Path) -> Grey:
    with Image.open(path) as image:
        return normalise(image).grey


def _drawn(seed: int) -> Case:
    page = drawn_pages.drawn(seed)
    scanned = scan(draw(page.design), page.wear)
    way = cv2.INTER_AREA if page.resolution < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(scanned.grey, None, fx=page.resolution, fy=page.resolution, interpolation=way)
    return Case("drawn", grey, drawn_pages.truth_of(scanned))


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as it was read, kept so that a rule of a later stage does not read it from the beginning."""

    page: WorkingPage
    columns: Columns
    lines: tuple[BoundingBox, ...]


def read(case: Case, whole: Reading | None, stage: int) -> Reading:
    """Read a page; `whole` is how it is read with all rules, `stage` the first that is done again."""
    page = whole.page if whole and stage > BINARIZATION else _page(case)
    if whole and stage == BINARIZATION and np.array_equal(page.grey, whole.page.grey) and page.skew == whole.page.skew:
        return whole
    parted = whole.columns if whole and stage > SEPARATORS else _columns(page)
    if whole and stage == SEPARATORS and _same(parted, whole.columns):
        return replace(whole, columns=parted)
    if page.scale == 0 or parted.is_noise or case.folder == "newspaper_gbn":
        return Reading(page, parted, ())
    boxes = text_lines.read_lines(page, parted).lines
    return Reading(page, parted, tuple(page.placement.boxes(boxes.astype(np.float64))))


def _page(case: Case) -> WorkingPage:
    return working_page.working_page(
        leaf.leaf_alone(case.grey), BinarizationParameters(), text_direction=case.direction
    )


def _columns(page: WorkingPage) -> Columns:
    return columns.find_columns(page) if page.scale else columns.no_columns(page)


def _same(one: Columns, other: Columns) -> bool:
    """Tell whether two ways to find columns lead to the same lines."""
    masks = ("ink", "pictures", "barrier", "drawings")
    return one.is_noise == other.is_noise and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in masks
    )


Figures = dict[str, Any]


def figures(case: Case, reading: Reading) -> Figures:
    """Return what is counted on a page: it can be added up over a set."""
    found, truth = boxes_of(reading.lines), case.truth
    if truth is None:
        return {"false lines": np.array([len(found), 1])}
    height, width = case.grey.shape
    counted: Figures = {}
    if truth is not None and truth.lines is not None:
        truth = truth.scaled_to(width, height)
        lines, found = wanted(truth.lines, case.ignored), wanted(found, case.ignored)
        counted["lines"] = match_relaxed(found, lines)
        counted["IoU"] = match_boxes(pad_boxes(found, PADDING.get(case.folder, 0.0)), lines).score
    if truth is not None and truth.separators:
        compared = compare_separators(columns.to_separators(reading.columns, reading.page.placement), truth)
        counted["separators"] = compared.lengths if compared else LengthScore()
    return counted


def measure(case: Case, chosen: Sequence[Rule]) -> Iterator[tuple[Rule | None, Figures]]:
    """Yield what is counted on a page with all rules, then with each rule off."""
    whole = read(case, None, BINARIZATION)
    with_all = figures(case, whole)
    yield None, with_all
    for rule in chosen:
        with switched_off(rule):
            reading = read(case, whole, rule.stage)
        yield rule, with_all if reading is whole else figures(case, reading)


def _rate(total: Any) -> float:
    if isinstance(total, np.ndarray):
        return -float(total[0] / total[1])  # fewer are better
    return float(total.f1)


def table(sums: dict[tuple[str, str], dict[str, Any]], rules_: Sequence[Rule]) -> Iterator[str]:
    """Yield the rows: first the figures with all rules, then what each rule is worth."""
    whole = {key: _rate(total) for key, total in sums["", ""].items()}
    yield "| set | figure with all rules |\n|---|---|"
    for (folder, kind), value in sorted(whole.items()):
        yield f"| {folder}, {kind} | {abs(value):.3f} |"
    yield "\n| rule | what it is worth |\n|---|---|"
    for rule in rules_:
        off = {key: _rate(total) for key, total in sums[rule.name, "off"].items()}
        worth = {key: whole[key] - off[key] for key in whole}
        told = [f"{folder} {kind} {value:+.3f}" for (folder, kind), value in worth.items() if abs(value) >= LEAST]
        yield f"| {rule.name} | {', '.join(told) or 'nothing here'} |"


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("root", type=Path, nargs="?", default=Path("../shared/data"))
    options.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    options.add_argument("--rules", nargs="+", default=[""], metavar="WORD", help="rules with one of these in the name")
    given = options.parse_args()
    cv2.setNumThreads(1)
    chosen = [rule for rule in RULES if any(word in rule.name for word in given.rules)]
    sums: dict[tuple[str, str], dict[Any, Any]] = defaultdict(dict)
    for case in cases(given.root, given.sets):
        print(f"{case.folder} ...", file=sys.stderr, flush=True)
        for rule, counted in measure(case, chosen):
            own = sums[(rule.name, "off") if rule else ("", "")]
            for kind, value in counted.items():
                own[case.folder, kind] = own[case.folder, kind] + value if (case.folder, kind) in own else value
    for row in table(sums, chosen):
        print(row, flush=True)


if __name__ == "__main__":
    main()
