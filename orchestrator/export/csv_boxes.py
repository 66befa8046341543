"""CSV: all boxes, for spreadsheets and everything else; a row names its volume, page and pipeline."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import repeat
from typing import IO, Any

from sqlalchemy import Engine

from orchestrator.export.boxes import KINDS, BoxBlock, box_blocks
from orchestrator.pages import Selection

COLUMNS = (
    "volume", "page", "page_number", "kind", "number", "label", "confidence", "x_min", "y_min", "x_max", "y_max",
    "page_width", "page_height", "pipeline",
)  # fmt: skip


def write_csv_boxes(engine: Engine, selection: Selection, out: IO[str]) -> int:
    """Write a header and all boxes, and return how many."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for block in box_blocks(engine, selection):
        for kind in range(len(KINDS)):
            writer.writerows(_rows(block, kind))
            count += len(block.rows[kind])
    return count


def _rows(block: BoxBlock, kind: int) -> Iterator[tuple[Any, ...]]:
    pages = {page.page_run_id: page for page in block.pages}
    labels = block.labels[kind] or repeat(None)
    confidences = block.confidences if KINDS[kind] == "face" else repeat(None)
    for (run, number, *box), label, confidence in zip(block.rows[kind], labels, confidences, strict=False):
        page = pages[run]
        head = (page.volume, page.page, page.page_number, KINDS[kind], number, label, confidence)
        yield (*head, *box, page.width, page.height, page.pipeline)
