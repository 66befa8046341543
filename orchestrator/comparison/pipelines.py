"""Two pipelines on the same pages: what is stored is read, what is not is analysed here when a sample is asked for."""

from __future__ import annotations

import heapq
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, text

from models import Pipeline
from orchestrator.comparison.differences import PageComparison, compare_layouts
from orchestrator.ingest.parameter_options import read_parameters
from orchestrator.results.pages import ArchivedPage, page_run_ids, read_pages
from orchestrator.results.selection import Selection
from workers.errors import BroadsheetError, SegmenterMissing, UnreadableInput
from workers.layout import PageLayout
from workers.parameters import PipelineParameters, fingerprint, versions_for

PAIRS_AT_ONCE = 100

# volume location, page address (JSON), parameters (JSON), most pixels -> what was found
Analyse = Callable[[str, str, str, int], PageLayout]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the two pipelines: its fingerprint and its parameters (JSON); `runs_here` with the software at hand."""

    fingerprint: str
    parameters: str
    runs_here: bool


@dataclass(slots=True)
class Comparison:
    """Sums over all compared pages, and the pages that differ most."""

    a: Candidate
    b: Candidate
    pages: int = 0
    unreadable: int = 0
    lines: list[int] = field(default_factory=lambda: [0, 0])
    separators: list[int] = field(default_factory=lambda: [0, 0])
    faces: list[int] = field(default_factory=lambda: [0, 0])
    wall_ms: list[float] = field(default_factory=lambda: [0.0, 0.0])
    same: int = 0
    moved: int = 0
    lost: int = 0
    gained: int = 0
    changed_pages: int = 0
    worst: list[PageComparison] = field(default_factory=list)

    def add(self, found: PageComparison, keep: int) -> None:
        """Count one page, and keep it while it is among the `keep` that differ most."""
        self.pages += 1
        for side in (0, 1):
            self.lines[side] += found.lines[side]
            self.separators[side] += found.separators[side]
            self.faces[side] += found.faces[side]
            self.wall_ms[side] += found.wall_ms[side]
        self.same += found.same
        self.moved += len(found.moved)
        self.lost += len(found.lost)
        self.gained += len(found.gained)
        self.changed_pages += found.change > 0
        if found.change:
            self.worst = heapq.nlargest(keep, [*self.worst, found], key=lambda one: one.change)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison for `--json`."""
        names = ("pages", "unreadable", "lines", "separators", "faces", "wall_ms", "same", "moved", "lost", "gained")
        worst = [
            {"page": one.page, "volume": one.volume, "same": one.same, "moved": len(one.moved), "lost": len(one.lost),
             "gained": len(one.gained)} for one in self.worst
        ]  # fmt: skip
        return {
            "a": self.a.fingerprint,
            "b": self.b.fingerprint,
            **{name: getattr(self, name) for name in names},
            "changed_pages": self.changed_pages,
            "worst": worst,
        }


def find_candidate(engine: Engine, name: str) -> Candidate:
    """Return what `name` stands for: a stored pipeline's fingerprint (or its beginning), `default`, a parameter file,
    or changes such as `faces.scale_factor=1.2,separators.method=none`.

    Raises:
        UnreadableInput: it is none of these.
    """
    with engine.connect() as connection:
        columns = (Pipeline.fingerprint, Pipeline.parameters)
        rows = connection.execute(select(*columns).where(Pipeline.fingerprint.startswith(name, autoescape=True))).all()
    if len(rows) == 1:
        return _stored(*rows[0])
    if len(rows) > 1:
        raise UnreadableInput(f"Several pipelines begin with {name}; give more of the fingerprint.")
    if name != "default" and "=" not in name and not Path(name).is_file():
        raise UnreadableInput(
            f"{name} is no pipeline of this database, no parameter file and no NAME=VALUE; "
            'broadsheet query "SELECT fingerprint, parameters FROM pipeline" shows the pipelines.'
        )
    changes = name.split(",") if "=" in name else ()
    parameters = read_parameters(Path(name) if name != "default" and not changes else None, changes)
    return Candidate(fingerprint(parameters, versions_for(parameters)), parameters.to_json(), True)


def _stored(name: str, parameters: str) -> Candidate:
    try:
        read = PipelineParameters.from_json(parameters)
        here = fingerprint(read, versions_for(read))
    except (ValueError, OSError, SegmenterMissing):  # of another version, of another machine, or of a full install
        here = ""
    return Candidate(name, parameters, here == name)


def compare_stored(engine: Engine, a: Candidate, b: Candidate, selection: Selection, keep: int) -> Comparison:
    """Compare what is stored of both pipelines, on all pages that both have done.

    Raises:
        UnreadableInput: there is no such page.
    """
    sql = """
        SELECT x.page_run_id AS in_a, y.page_run_id AS in_b, x.wall_ms AS ms_a, y.wall_ms AS ms_b
        FROM page_run x
        JOIN page_run y ON y.page_id = x.page_id
        JOIN page p ON p.page_id = x.page_id
        JOIN volume v ON v.volume_id = p.volume_id
        JOIN pipeline i ON i.pipeline_id = x.pipeline_id
        JOIN pipeline j ON j.pipeline_id = y.pipeline_id
        WHERE i.fingerprint = :a AND j.fingerprint = :b AND x.state = 'done' AND y.state = 'done'
        ORDER BY x.page_run_id"""
    with engine.connect() as connection:
        pairs = connection.execute(text(sql), {"a": a.fingerprint, "b": b.fingerprint}).all()
    comparison = Comparison(a, b)
    rows = iter(pairs)
    while block := list(islice(rows, PAIRS_AT_ONCE)):
        layouts_a, layouts_b = (
            {
                page.page_run_id: page
                for page in read_pages(engine, replace(selection, pipeline=one.fingerprint, page_runs=tuple(ids)))
            }
            for one, ids in ((a, [row.in_a for row in block]), (b, [row.in_b for row in block]))
        )
        for row in block:
            if row.in_a in layouts_a and row.in_b in layouts_b:
                page = layouts_b[row.in_b]
                found = _compared(page, layouts_a[row.in_a].layout, page.layout, (row.ms_a or 0.0, row.ms_b or 0.0))
                comparison.add(found, keep)
    if not comparison.pages:
        raise UnreadableInput("No page is done under both pipelines; --sample 200 runs both on some pages first.")
    return comparison


def _compared(page: ArchivedPage, a: PageLayout, b: PageLayout, wall_ms: tuple[float, float]) -> PageComparison:
    return compare_layouts(page.page, page.volume, page.page_run_id, (a, b), wall_ms)


@dataclass(frozen=True, slots=True)
class SampledPage:
    """A page of the sample with both layouts; `error` says why there is none."""

    page: ArchivedPage
    a: PageLayout | None
    b: PageLayout | None
    error: str | None = None


def sample_pages(engine: Engine, selection: Selection, count: int) -> list[ArchivedPage]:
    """Return `count` finished pages, drawn evenly from all and the same ones every time.

    Raises:
        UnreadableInput: there is none.
    """
    with engine.connect() as connection:
        runs = sorted(connection.scalars(page_run_ids(selection)))
    if not runs:
        raise UnreadableInput("There is no finished page to sample; see broadsheet status.")
    drawn = runs if len(runs) <= count else random.Random(0).sample(runs, count)
    return list(read_pages(engine, replace(selection, page_runs=tuple(drawn))))


def sample_source(selection: Selection, a: Candidate, b: Candidate) -> Selection:
    """Return of which pages a sample is drawn: where one pipeline cannot run here, of those that it has read.

    Raises:
        UnreadableInput: neither can run here.
    """
    stored = [one for one in (a, b) if not one.runs_here]
    if len(stored) > 1:
        raise UnreadableInput(
            f"Pipelines {a.fingerprint} and {b.fingerprint} were made with other software, and neither can run here; "
            "leave out --sample to compare what is stored of them."
        )
    return replace(selection, pipeline=stored[0].fingerprint) if stored else selection


def run_sample(
    pages: Sequence[ArchivedPage],
    a: Candidate,
    b: Candidate,
    analyse_all: Callable[..., Iterable[Any]],
    max_pixels: int,
) -> Iterator[SampledPage]:
    """Yield each page with its layouts under both pipelines, analysed by `analyse_all` (as the built-in `map`).

    What a pipeline of other software has found is what is stored of it: the pages are those of `sample_source`.
    """
    running = [one for one in (a, b) if one.runs_here]
    jobs = [(page.volume_location, page.address, one.parameters, max_pixels) for page in pages for one in running]
    results = iter(analyse_all(analyse_or_tell, *zip(*jobs, strict=True)))
    for page in pages:
        in_a, in_b = (next(results) if one.runs_here else page.layout for one in (a, b))
        error = in_a if isinstance(in_a, str) else in_b if isinstance(in_b, str) else None
        yield SampledPage(page, None, None, error) if error else SampledPage(page, in_a, in_b)


def compare_sample(sampled: Iterable[SampledPage], a: Candidate, b: Candidate, keep: int) -> Comparison:
    """Compare the layouts of a sample."""
    comparison = Comparison(a, b)
    for one in sampled:
        if one.a is None or one.b is None:
            comparison.unreadable += 1
        else:
            times = (total_ms(one.a), total_ms(one.b))
            comparison.add(_compared(one.page, one.a, one.b, times), keep)
    return comparison


def total_ms(layout: PageLayout) -> float:
    """Return the time of all stages in milliseconds."""
    return sum(timing.wall_ms for timing in layout.timings)


def analyse_or_tell(location: str, address: str, parameters: str, max_pixels: int) -> PageLayout | str:
    """Analyse one page in this process; returns the sentence where that fails."""
    from workers.pipeline import analyse_page
    from workers.sources.address import PageAddress
    from workers.sources.images import LOOKED_AT, open_mask, open_page
    from workers.sources.limits import Limits
    from workers.sources.stores.location import stored_location

    try:
        limits = Limits(max_pixels=max_pixels)
        image = open_page(stored_location(location), PageAddress.from_json(address), limits, LOOKED_AT)
        read = PipelineParameters.from_json(parameters)
        return analyse_page(image, read, mask=open_mask(read.segmentation.mask))
    except BroadsheetError as error:
        return str(error)


def pool(processes: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes, each with one thread; torch does not survive a fork."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"))


def render_comparison(comparison: Comparison) -> str:
    """Return the comparison as text."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(v: Comparison) -> Iterator[str]:
    yield f"A {v.a.fingerprint}, B {v.b.fingerprint}: {v.pages:,} pages, {v.changed_pages:,} of them differ"
    if v.unreadable:
        yield f"{v.unreadable:,} pages could not be analysed and are left out."
    yield f"  lines: {v.same:,} the same, {v.moved:,} moved, {v.lost:,} only in A, {v.gained:,} only in B"
    for name in ("lines", "separators", "faces"):
        in_a, in_b = getattr(v, name)
        yield f"  {name}: {in_a:,} in A, {in_b:,} in B ({in_b - in_a:+,})"
    if v.pages and v.wall_ms[0]:
        in_a, in_b = (ms / v.pages for ms in v.wall_ms)
        yield f"  time of a page: {in_a:,.0f} ms in A, {in_b:,.0f} ms in B ({in_b / in_a:.2f} times)"
    if v.worst:
        yield "Pages that differ most:"
    for one in v.worst:
        counts = f"{one.same} the same, {len(one.moved)} moved, {len(one.lost)} only in A, {len(one.gained)} only in B"
        yield f"  {one.page}  {counts}  ({one.volume})"
