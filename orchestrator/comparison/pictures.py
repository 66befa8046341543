"""Pictures of the pages on which two pipelines differ most."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy import Engine

from orchestrator.comparison.differences import difference_image
from orchestrator.comparison.pipelines import Comparison, SampledPage
from orchestrator.export.folder import Written, open_folder, write_file
from orchestrator.export.naming import page_path
from orchestrator.overlay.drawing import shrink
from orchestrator.results.mark import marked
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from orchestrator.terminal.wording import about
from workers.errors import PageError, TransientError

WIDTH = 1600


def write_differences(
    engine: Engine, comparison: Comparison, sampled: Sequence[SampledPage] | None, folder: Path, max_pixels: int
) -> None:
    """Write a PNG of each page of `comparison.worst`, the worst first by name; layouts of a sample are taken from it.

    Raises:
        UnreadableInput: the folder holds something else.
    """
    runs = tuple(one.page_run_id for one in comparison.worst)
    selection = Selection(page_runs=runs)
    open_folder(folder, "compare", selection, {"a": comparison.a.fingerprint, "b": comparison.b.fingerprint})
    pages = _pages(engine, comparison, sampled, runs)
    for rank, found in enumerate(comparison.worst, 1):
        page = pages[found.page_run_id]
        try:
            paper = shrink(open_scan(page, max_pixels), WIDTH)
        except (PageError, TransientError) as error:
            click.echo(about(page.page, error), err=True)
            continue
        out = io.BytesIO()
        difference_image(found, page.layout, paper).save(out, "PNG", **marked("png"))
        path = folder / f"{rank:03} {page_path('', page.page, '.png').name}"
        write_file(path, out.getvalue, Written())


def _pages(
    engine: Engine, comparison: Comparison, sampled: Sequence[SampledPage] | None, runs: tuple[int, ...]
) -> dict[int, ArchivedPage]:
    if sampled is None:
        selection = Selection(pipeline=comparison.b.fingerprint, page_runs=runs)
        return {page.page_run_id: page for page in read_pages(engine, selection)}
    return {one.page.page_run_id: replace(one.page, layout=one.b) for one in sampled if one.b is not None}
