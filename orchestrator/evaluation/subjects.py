"""What is compared with truth: finished pages of a database, or pages analysed here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from orchestrator.evaluation.report import Evaluation
from orchestrator.evaluation.scores import EvaluationParameters, PageScore, evaluate_layout
from orchestrator.evaluation.truth import Truth
from orchestrator.terminal.wording import about
from workers.layout import PageLayout
from workers.parameters import PipelineParameters
from workers.sources.stores.location import NO_ACCESS, Access

Analyse = Callable[[NDArray[np.uint8]], PageLayout]


@dataclass(frozen=True, slots=True)
class Subject:
    """One page: `layout` finds out what is on it, `scan` opens its upright grey pixels; each only when called."""

    volume: str
    page: str
    layout: Callable[[], PageLayout]
    scan: Callable[[], NDArray[np.uint8]]


def stored_pages(engine: Engine, max_pixels: int) -> Iterator[Subject]:
    """Yield the finished pages of a database, each with its newest results."""
    from orchestrator.results.pages import ArchivedPage, read_pages
    from orchestrator.results.scans import open_scan
    from orchestrator.results.selection import Selection

    def subject(page: ArchivedPage) -> Subject:
        return Subject(page.volume, page.page, lambda: page.layout, lambda: open_scan(page, max_pixels).grey)

    return (subject(page) for page in read_pages(engine, Selection()))


def fresh_pages(
    path: Path | str, parameters: PipelineParameters, max_pixels: int, access: Access = NO_ACCESS
) -> Iterator[Subject]:
    """Yield the pages at a path or URL, to be analysed in this process.

    Raises:
        UnreadableInput: there is nothing at `path`.
    """
    from orchestrator.discovery.discovery import Volume, find_pages, open_volumes
    from workers.pipeline import analyse_page
    from workers.sources.address import PageAddress
    from workers.sources.images import LOOKED_AT, open_mask, open_page
    from workers.sources.limits import Limits
    from workers.stages.palette.normalise import normalise

    limits = Limits(max_pixels=max_pixels)
    mask = open_mask(parameters.segmentation.mask)

    def subject(volume: Volume, address: PageAddress) -> Subject:
        return Subject(
            volume.source,
            address.name,
            lambda: analyse_page(open_page(volume.location, address, limits, LOOKED_AT), parameters, mask=mask),
            lambda: normalise(open_page(volume.location, address, limits, LOOKED_AT)).grey,
        )

    return (
        subject(volume, page.address)
        for volume in open_volumes(path, access=access)
        for page in find_pages(volume, limits)
        if page.error is None
    )


def evaluate(
    subjects: Iterable[Subject],
    truth: Truth,
    parameters: EvaluationParameters,
    tell: Callable[[str], object],
) -> tuple[Evaluation, dict[str, Subject]]:
    """Compare every page that has truth; returns the scores, and the pages they belong to by name.

    A page that cannot be analysed or whose truth is of another picture is told of and counts as without truth.
    """
    from workers.errors import BroadsheetError

    scores: list[PageScore] = []
    compared: dict[str, Subject] = {}
    unknown: list[str] = []
    used = set()
    for subject in subjects:
        known = truth.find(subject.page, subject.volume)
        name = subject.page if subject.page not in compared else f"{subject.volume}/{subject.page}"
        if known is None:
            unknown.append(subject.page)
            continue
        try:
            scores.append(evaluate_layout(subject.layout(), known, parameters, name))
        except BroadsheetError as error:
            tell(about(subject.page, error))
            unknown.append(subject.page)
            continue
        used.add(known.names)
        compared[name] = subject
        tell(f"compared {name}")
    missing = tuple(page.names[0] for page in truth.pages if page.names not in used)
    return Evaluation(tuple(scores), tuple(unknown), missing), compared
