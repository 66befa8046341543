"""CSV: all boxes, for spreadsheets and everything else; a row names its volume, page and pipeline."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.export.boxes import KINDS, BoxBlock, Boxes, PageFacts
from orchestrator.export.one_file import FileForm

COLUMNS = (
    "volume", "page", "page_number", "kind", "number", "label", "confidence", "x_min", "y_min", "x_max", "y_max",
    "page_width", "page_height", "pipeline", "block_number", "column_number", "baseline_y_left", "baseline_y_right",
    "baseline", "outline",
)  # fmt: skip
_MORE = ("label", "confidence", *COLUMNS[-6:])


def csv_boxes() -> FileForm:
    """Return what the file is made of: a header and a row for each box."""
    return FileForm("csv", (_text([COLUMNS]), ""), (_kinds,))


def _kinds(block: BoxBlock) -> Iterator[str]:
    pages = {page.page_run_id: page for page in block.pages}
    for kind in KINDS:
        yield _text(_rows(pages, kind, block.boxes[kind]))


def _text(rows: Sequence[Sequence[Any]] | Iterator[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _rows(pages: Mapping[int, PageFacts], kind: str, boxes: Boxes) -> Iterator[tuple[Any, ...]]:
    labels, confidences, *others = (boxes.values(name) for name in _MORE)
    for (run, number, *box), label, confidence, *more in zip(
        boxes.rows.tolist(), labels, confidences, *others, strict=True
    ):
        page = pages[run]
        head = (page.volume, page.page, page.page_number, kind, number, label, confidence)
        yield (*head, *box, page.width, page.height, page.pipeline, *more)
