"""The pages to be reviewed, worst first: suspects by how sure it is that something is wrong with them. Pure.

The view `suspect_pages` gives a measure for each reason, each in its own unit. Here each becomes a guess, from 0 to 1,
of how likely the page is wrong, and reasons that come together count more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

SUSPECTS = """
SELECT s.page_run_id, s.volume, s.page, s.page_number, s.reason, s.detail, s.measure
FROM suspect_pages s
WHERE {where}"""
WITHOUT_VERDICT = """
SELECT page_run_id FROM page_reviews WHERE verdict IN ('right', 'wrong', 'read_again')"""

# Words, and the guess by the measure.
_REASONS: Mapping[str, tuple[str, Callable[[float], float]]] = {
    "no_lines": ("no text line was found", lambda _: 0.6),
    "doubtful": ("{0:.0%} of its letters lie outside of the lines", lambda doubt: 0.4 + 0.6 * doubt),
    "fewer_lines": ("{0:.0%} of the lines that its neighbours have", lambda ratio: 1 - ratio),
    "more_lines": ("{0:.1f} times the lines that its neighbours have", lambda ratio: 1 - 1 / ratio),
    "lines_across_separator": ("{0:.0f} lines reach across a separator", lambda lines: lines / (lines + 5)),
    "face_over_text": ("a face of which text lines cover {0:.0%}", lambda share: 0.5 * share),
    "slow": ("it took {1:.1f} s, longer than others of its volume", lambda _: 0.05),
}
_UNKNOWN = 0.3
_BLANK = 0.2  # most pages that are called blank are


@dataclass(frozen=True, slots=True)
class Suspect:
    """A page to be looked at, and in words why."""

    page_run_id: int
    volume: str
    page: str
    page_number: int
    reasons: tuple[str, ...]
    badness: float


def worst_first(rows: Iterable[Mapping[str, Any]]) -> list[Suspect]:
    """Return one suspect for each page of `SUSPECTS`, the worst first, else in the order of the volume."""
    by_page: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_page.setdefault(row["page_run_id"], []).append(row)
    found = [_suspect(page) for page in by_page.values()]
    return sorted(found, key=lambda one: (-one.badness, one.volume, one.page_number, one.page_run_id))


def _suspect(rows: list[Mapping[str, Any]]) -> Suspect:
    first = rows[0]
    guesses = [_guess(row) for row in rows]
    by_weight = sorted(zip(guesses, rows, strict=True), key=lambda pair: -pair[0])
    return Suspect(
        first["page_run_id"],
        first["volume"],
        first["page"],
        first["page_number"],
        tuple(_in_words(row) for _, row in by_weight),
        1 - prod(1 - guess for guess in guesses),
    )


def _guess(row: Mapping[str, Any]) -> float:
    if row["detail"] == "blank":
        return _BLANK
    known = _REASONS.get(row["reason"])
    return min(max(known[1](float(row["measure"] or 0)), 0.0), 0.99) if known else _UNKNOWN


def _in_words(row: Mapping[str, Any]) -> str:
    measure = float(row["measure"] or 0)
    known = _REASONS.get(row["reason"])
    return known[0].format(measure, measure / 1000) if known else str(row["reason"]).replace("_", " ")
