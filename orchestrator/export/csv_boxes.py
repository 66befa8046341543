"""CSV: all boxes, for spreadsheets and everything else; a row names its volume, page and pipeline."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

from orchestrator.export.boxes import KINDS, BoxBlock
from orchestrator.export.one_file import FileForm

COLUMNS = (
    "volume", "page", "page_number", "kind", "number", "label", "confidence", "x_min", "y_min", "x_max", "y_max",
    "page_width", "page_height", "pipeline",
)  # fmt: skip


def csv_boxes() -> FileForm:
    """Return what the file is made of: a header and a row for each box."""
    return FileForm("csv", (_text([COLUMNS]), ""), (_kinds,))


def _kinds(block: BoxBlock) -> Iterator[str]:
    for kind in range(len(KINDS)):
        yield _text(_rows(block, kind))


def _text(rows: Sequence[Sequence[Any]] | Iterator[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _rows(block: BoxBlock, kind: int) -> Iterator[tuple[Any, ...]]:
    pages = {page.page_run_id: page for page in block.pages}
    labels = block.labels[kind] or repeat(None)
    confidences = block.confidences if KINDS[kind] == "face" else repeat(None)
    for (run, number, *box), label, confidence in zip(block.rows[kind].tolist(), labels, confidences, strict=False):
        page = pages[run]
        head = (page.volume, page.page, page.page_number, KINDS[kind], number, label, confidence)
        yield (*head, *box, page.width, page.height, page.pipeline)
