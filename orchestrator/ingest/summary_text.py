"""The summary as people read it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from orchestrator.ingest.run import Outcome
from orchestrator.ingest.summary import MAX_LISTED, Summary
from orchestrator.terminal.verbosity import Verbosity, verbosity
from orchestrator.terminal.wording import plural


def print_summary(outcome: Outcome, seconds: float) -> None:
    """Print counts, failures with their reasons, and the time of each stage."""
    console, summary = Console(highlight=False), outcome.summary
    console.print(
        f"{summary.done:,} of {plural(summary.pages, 'page')} done, {summary.quarantined:,} quarantined"
        f"{_also(summary.cancelled, 'cancelled')}{_also(summary.unfinished, 'unfinished')}; "
        f"{plural(summary.text_lines, 'line')}, {plural(summary.separators, 'separator')}, "
        f"{plural(summary.faces, 'face')}"
    )
    if summary.empty:
        console.print(f"{summary.empty:,} of them without text; page_status.empty_reason says why")
    if outcome.kept:
        console.print(_kept(outcome), soft_wrap=True)
    if outcome.taken_over:
        console.print(f"{plural(outcome.taken_over, 'page')} not read, since the same bytes had been read before")
    if outcome.skipped:
        more = "" if verbosity() == Verbosity.VERBOSE else "; -v lists them"
        console.print(f"{plural(len(outcome.skipped), 'file')} passed over as no scan{more}")
    if verbosity() == Verbosity.VERBOSE:
        for file in outcome.skipped:
            console.print(f"  {file.name}: {file.reason}", markup=False, soft_wrap=True)
    if outcome.finished_now:
        console.print(
            f"{plural(outcome.finished_now, 'page')} in {seconds:.1f} s: {outcome.finished_now / seconds:.2f} pages/s"
        )
    if summary.stages:
        console.print(_stages(summary))
    print_failures(summary)


def _kept(outcome: Outcome) -> str:
    kept = f"{plural(outcome.kept, 'page')} with results of older versions, which are kept"
    if not outcome.stale:
        return f"{kept}; no stage's code has changed, and --refresh=all reads them again"
    stages = f" ({', '.join(outcome.changed_stages)})" if outcome.changed_stages else ""
    return f"{kept}; --refresh reads the {outcome.stale:,} again of which a stage's code has changed{stages}"


def _also(count: int, what: str) -> str:
    return f", {count:,} {what}" if count else ""


def _stages(summary: Summary) -> Table:
    table = Table("stage", title="Time of a page", title_justify="left")
    for column in ("median ms", "p95 ms"):
        table.add_column(column, justify="right")
    for stage in summary.stages:
        table.add_row(stage.stage, f"{stage.median_ms:,.1f}", f"{stage.p95_ms:,.1f}")
    return table


def print_failures(summary: Summary) -> None:
    """Print the first quarantined pages with their reasons."""
    if not summary.failures:
        return
    console = Console(highlight=False)
    console.print("Quarantined:")
    for failure in summary.failures:
        # the message names the page; lines are not cut, so that they can be searched and copied
        console.print(f"  {failure.code}: {failure.message}", markup=False, soft_wrap=True)
    if summary.quarantined > MAX_LISTED:
        console.print(f"  and {summary.quarantined - MAX_LISTED:,} more: see page_status")
