"""Ground truth from reviews: `truth.json` a volume, as `evaluate` reads it, and PAGE XML a page, for training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import astuple, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from orchestrator.export.folder import Written, going_on, write_file
from orchestrator.export.naming import PageFiles
from orchestrator.export.page_xml import page_xml
from orchestrator.results.pages import ArchivedPage, page_names, read_pages, volumes_of
from orchestrator.results.scans import scan_path
from orchestrator.results.selection import Selection
from orchestrator.reviews.corrections import corrected, separator_outline
from orchestrator.reviews.statements import standing
from workers.layout import BoundingBox, PageLayout

TRUTH_FILE = "truth.json"


def write_truth(engine: Engine, output: Path, selection: Selection, tell: Callable[[str], object]) -> Written:
    """Write the truth of the selected page runs, which people found right, below `output`."""
    written = Written()
    place = PageFiles(page_names(engine, volumes_of(engine, selection)))
    for volume, pages in groupby(read_pages(engine, selection), key=lambda page: page.volume):
        truth: dict[str, Any] = {}
        for page in pages:
            with going_on(page.page, written, tell):
                right = true_page(engine, page)
                path = place.path(page.volume, page.page, ".page.xml")
                write_file(output / path, _page_writer(right, (output / path).parent), written)
                truth[page.page] = truth_record(right.layout) | {"volume": volume}
        write_file(output / place.folder(volume) / TRUTH_FILE, _json_writer(truth), written)
    return written


def _page_writer(page: ArchivedPage, folder: Path) -> Callable[[], bytes]:
    return lambda: page_xml(page, scan_path(page, folder))


def _json_writer(truth: dict[str, Any]) -> Callable[[], bytes]:
    return lambda: json.dumps(truth, ensure_ascii=False, indent=1).encode()


def true_page(engine: Engine, page: ArchivedPage) -> ArchivedPage:
    """Return a page as its reviewers corrected it."""
    said = standing(engine, [page.page_run_id]).get(page.page_run_id, [])
    return replace(page, layout=corrected(page.layout, said))


def truth_record(layout: PageLayout) -> dict[str, Any]:
    """Return a layout as a page of `truth.json`: boxes [x_min, y_min, x_max, y_max], separators as outlines."""
    return {
        "width": layout.width,
        "height": layout.height,
        "lines": _boxes(line.bbox for line in layout.lines),
        "separators": _boxes(separator.bbox for separator in layout.separators),
        "separator_polygons": [separator_outline(separator) for separator in layout.separators],
        "images": _boxes(picture.bbox for picture in layout.pictures),
        "faces": _boxes(face.bbox for face in layout.faces if face.label == "face"),
    }


def _boxes(boxes: Iterable[BoundingBox]) -> list[list[int]]:
    return [list(astuple(box)) for box in boxes]
