"""The scores of pages and their sums as a table for people and as plain values for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.evaluation.matching import Score
from orchestrator.evaluation.rules import LengthScore
from orchestrator.evaluation.scores import PageScore, TotalScore, add_up

NAME_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The pages that were compared, the pages that no truth speaks of, and the truth whose pages are not there."""

    pages: tuple[PageScore, ...]
    without_truth: tuple[str, ...]
    without_page: tuple[str, ...]

    @property
    def total(self) -> TotalScore:
        """The sums over all pages."""
        return add_up(self.pages)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything as values that JSON knows."""
    total = evaluation.total
    return {
        "pages": [_page_as_json(page) for page in evaluation.pages],
        "overall": {
            "pages": total.pages,
            "lines": _score_as_json(total.lines),
            "lines_across_columns": total.across_columns,
            "separators": _score_as_json(total.separators),
            "faces": _score_as_json(total.faces),
        },
        "without_truth": list(evaluation.without_truth),
        "without_page": list(evaluation.without_page),
    }


def as_table(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of a table: one row a page and kind of box, and the sums below."""
    yield f"{'page':{NAME_WIDTH}}  {'':10}  {'true':>8} {'false':>8} {'missed':>8}  precision  recall     F1"
    for page in evaluation.pages:
        yield from _rows(page.page, page.line_score, page.separator_score, page.face_score)
        yield from _across(int(page.across_columns.sum()))
    total = evaluation.total
    yield ""
    yield from _rows(f"all {total.pages} pages", total.lines, total.separators, total.faces)
    yield from _across(total.across_columns)
    if total.separators is not None:
        yield "separators are measured by their length: true and false of ours, missed of the printed upright rules"
    yield from _listed("pages without truth", evaluation.without_truth)
    yield from _listed("truth without a page", evaluation.without_page)


def _rows(name: str, lines: Score | None, separators: LengthScore | None, faces: Score | None) -> Iterator[str]:
    shown = name if len(name) <= NAME_WIDTH else f"...{name[3 - NAME_WIDTH :]}"
    for kind, score in (("lines", lines), ("separators", separators), ("faces", faces)):
        if score is not None:
            true, false, missed = _counts(score)
            rates = f"{score.precision:9.3f} {score.recall:7.3f} {score.f1:6.3f}"
            yield f"{shown:{NAME_WIDTH}}  {kind:10}  {true:8} {false:8} {missed:8}  {rates}"
            shown = ""


def _across(number: int) -> Iterator[str]:
    if number:
        yield f"{'':{NAME_WIDTH}}  of the lines, {number} run across columns"


def _counts(score: Score | LengthScore) -> tuple[int, int, int]:
    if isinstance(score, Score):
        return score.true_positives, score.false_positives, score.misses
    return score.correct, score.found - score.correct, score.rules - score.covered


def _listed(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        shown = ", ".join(names[:5])
        yield f"{what}: {len(names)} ({shown}{', ...' if len(names) > 5 else ''})"


def _page_as_json(page: PageScore) -> dict[str, Any]:
    return {
        "page": page.page,
        "lines": _score_as_json(page.line_score),
        "lines_across_columns": int(page.across_columns.sum()),
        "separators": _score_as_json(page.separator_score),
        "faces": _score_as_json(page.face_score),
    }


def _score_as_json(score: Score | LengthScore | None) -> dict[str, Any] | None:
    if score is None:
        return None
    unit = "_px" if isinstance(score, LengthScore) else ""
    counts = {f"{name}{unit}": value for name, value in asdict(score).items()}
    return counts | {name: round(getattr(score, name), 4) for name in ("precision", "recall", "f1")}
