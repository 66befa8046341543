"""Other parameters for one page: what they change is shown first, then the page is read with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, insert, select, update

from models import PageRun, PageRunState
from models.review import Verdict
from orchestrator.comparison.differences import PageComparison, compare_layouts
from orchestrator.comparison.pipelines import total_ms
from orchestrator.feeder.window import INTERACTIVE
from orchestrator.ingest.parameter_options import as_changes, read_parameters
from orchestrator.ingest.rows import store_pipeline
from orchestrator.page_runs.decisions import UNFINISHED
from orchestrator.results.pages import ArchivedPage
from orchestrator.reviews.presets import PRESETS
from orchestrator.reviews.statements import Statement, UnusableStatement, say_of
from orchestrator.terminal.wording import plural
from orchestrator.web.review.desk import Desk
from workers.layout import BoundingBox
from workers.parameters import PipelineParameters, versions_for


def parameters_of(page: ArchivedPage, preset: str) -> PipelineParameters:
    """Return the parameters under which a page was read, with the changes of a preset.

    Raises:
        UnreadableInput: there is no such preset, it changes nothing, or what it needs is not installed.
    """
    chosen = next((one for one in PRESETS if one.name == preset), None)
    if chosen is None:
        raise UnusableStatement("There are no parameters of that name.")
    before = read_parameters(None, as_changes(page.provenance.parameters))
    after = read_parameters(None, [*as_changes(page.provenance.parameters), *chosen.changes])
    if after == before:
        raise UnusableStatement("The page was read with these parameters already.")
    return after


def compared(desk: Desk, page: ArchivedPage, preset: str) -> dict[str, Any]:
    """Return what a preset changes on a page: in words, and the boxes that differ."""
    other = desk.read_here(page, parameters_of(page, preset).to_json())
    layouts = page.layout, other
    found = compare_layouts(page.page, page.volume, page.page_run_id, layouts, (total_ms(page.layout), total_ms(other)))
    differences = {
        "lost": _corners(found.lost),
        "gained": _corners(found.gained),
        "moved": _corners(new for _, new in found.moved),
    }
    return {"told": in_words(found), "differences": differences}


def in_words(found: PageComparison) -> str:
    """Say what differs."""
    counts = (
        f"{plural(found.same, 'line')} the same, {len(found.moved)} moved (blue), "
        f"{len(found.lost)} lost (red, dashed), {len(found.gained)} gained (green)"
    )
    others = [
        f"{name} {before} → {after}"
        for name, (before, after) in (("separators", found.separators), ("faces", found.faces))
        if before != after
    ]
    return "; ".join([counts, *others]) + "."


def _corners(boxes: Iterable[BoundingBox]) -> list[tuple[int, int, int, int]]:
    return [box.to_xywh() for box in boxes]


def read_again(engine: Engine, page: ArchivedPage, preset: str, reviewer: str) -> tuple[int, int]:
    """Have a page read with the changes of a preset; returns the new page run, and the statement that says so.

    Raises:
        UnreadableInput: as `parameters_of`; or it was read so before.
    """
    parameters = parameters_of(page, preset)
    pipeline_id = store_pipeline(engine, parameters, versions_for(parameters))
    page_run_id = _make_ready(engine, page.page_run_id, pipeline_id)
    said = Statement(Verdict.READ_AGAIN, asked_parameters=parameters.to_json())
    return page_run_id, say_of(engine, page.page_run_id, reviewer, said)


def _make_ready(engine: Engine, page_run_id: int, pipeline_id: int) -> int:
    """Return the page run of the same page under a pipeline, to be read before all others."""
    with engine.begin() as connection:
        page_id = connection.scalars(select(PageRun.page_id).where(PageRun.page_run_id == page_run_id)).one()
        theirs = PageRun.page_id == page_id, PageRun.pipeline_id == pipeline_id
        known = connection.execute(select(PageRun.page_run_id, PageRun.state).where(*theirs)).first()
        if known is None:
            values = {"page_id": page_id, "pipeline_id": pipeline_id, "priority": INTERACTIVE}
            return int(connection.execute(insert(PageRun).returning(PageRun.page_run_id), values).scalar_one())
        if known.state == PageRunState.DONE:
            raise UnusableStatement("The page was read with these parameters before, and with others since.")
        first = update(PageRun).where(*theirs)
        if known.state in UNFINISHED:
            connection.execute(first.values(priority=INTERACTIVE))
        else:
            again = {"error_code": None, "error_message": None, "not_before": None, "finished_at": None}
            connection.execute(
                first.values(
                    state=PageRunState.READY, priority=INTERACTIVE, attempts_forgiven=PageRun.attempts, **again
                )
            )
        return int(known.page_run_id)
