"""Why a line is missing: how many lines each step of finding them dropped, joined or cut on a page, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from orchestrator.results.line_steps import line_steps, step_name
from orchestrator.results.pages import ArchivedPage, count_pages, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from workers.errors import UnreadableInput
from workers.layout import LINE_CHANGES, LineStep


@dataclass(frozen=True, slots=True)
class ExplainedLines:
    """A stored page with what each step did to its lines."""

    page: ArchivedPage
    steps: tuple[LineStep, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the steps for `--json`: counts, and the boxes as x_min, y_min, x_max, y_max."""
        return {
            "volume": self.page.volume,
            "page": self.page.page,
            "pipeline": self.page.provenance.fingerprint,
            "stored_lines": len(self.page.layout.lines),
            "steps": [{"step": step.step, "lines": step.lines, **_boxes(step)} for step in self.steps],
        }


def _boxes(step: LineStep) -> dict[str, list[tuple[int, int, int, int]]]:
    return {
        change: [(box.x_min, box.y_min, box.x_max, box.y_max) for box in getattr(step, change)]
        for change in LINE_CHANGES
    }


def explain_line_steps(engine: Engine, selection: Selection, max_pixels: int) -> Iterator[ExplainedLines]:
    """Analyse the scans of the selected pages again and yield what each step did.

    Raises:
        UnreadableInput: there is no such finished page, or its lines were found by kraken's own method.
        PageError, TransientError: the scan cannot be read.
    """
    if not count_pages(engine, selection):
        raise UnreadableInput("There is no finished page of that name; see broadsheet status.")
    for page in read_pages(engine, selection):
        yield ExplainedLines(page, line_steps(page, open_scan(page, max_pixels)))


def render_line_steps(explained: ExplainedLines) -> str:
    """Return the steps of a page as a table."""
    return "\n".join(_lines(explained.page, explained.steps)) + "\n"


def _lines(page: ArchivedPage, steps: Sequence[LineStep]) -> Iterator[str]:
    yield f"{page.page}, page {page.page_number} of {page.volume}, pipeline {page.provenance.fingerprint}"
    if not steps:
        yield f"  No line was looked for: {page.layout.empty_reason or 'the page is empty'}."
        return
    yield f"  {'step':<26}{'lines':>7}{''.join(f'{change:>9}' for change in LINE_CHANGES)}"
    for step in steps:
        counts = (len(getattr(step, change)) for change in LINE_CHANGES)
        yield f"  {step_name(step):<26}{step.lines:>7,}{''.join(f'{count:>9,}' for count in counts)}"
    if steps[-1].lines != len(page.layout.lines):
        yield f"  {len(page.layout.lines):,} lines are stored: the second reader, or another version, found others."
