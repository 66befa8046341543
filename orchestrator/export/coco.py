"""COCO: lines, separators and faces as object annotations of one JSON file, written as it is read.

https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

from sqlalchemy import Engine

from orchestrator.export.boxes import KINDS, BoxBlock, box_blocks
from orchestrator.export.provenance import provenance_record
from orchestrator.pages import Provenance, Selection

CATEGORIES = [{"id": number, "name": kind, "supercategory": "layout"} for number, kind in enumerate(KINDS, 1)]


def write_coco(engine: Engine, selection: Selection, provenances: Sequence[Provenance], out: IO[str]) -> int:
    """Write the whole file and return the number of annotations.

    The database is read twice, pages first, so that memory holds one block whatever the size of the archive.
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    info = {
        "description": "text lines, column separators and faces",
        "version": "1.0",
        "contributor": "broadsheet",
        "broadsheet": provenance_record(provenances),
    }
    out.write(f'{{"info":{encode(info)},\n"licenses":[],\n"categories":{encode(CATEGORIES)},\n"images":[')
    _write_joined(
        out, (encode(image) for block in box_blocks(engine, selection, boxes=False) for image in _images(block))
    )
    out.write('],\n"annotations":[')
    count = _write_joined(out, (text for block in box_blocks(engine, selection) for text in _annotations(block)), 1)
    out.write("]}\n")
    return count


def _write_joined(out: IO[str], texts: Iterator[str], first: int = 1) -> int:
    count = 0
    for count, text in enumerate(texts, first):
        out.write(f",\n{text}" if count > first else f"\n{text}")
    return count


def _images(block: BoxBlock) -> Iterator[dict[str, Any]]:
    for page in block.pages:
        yield {
            "id": page.page_run_id,
            "file_name": f"{page.volume.rstrip('/')}/{page.page}",
            "width": page.width,
            "height": page.height,
            "volume": page.volume,
            "page_number": page.page_number,
            "pipeline": page.pipeline,
        }


def _annotations(block: BoxBlock) -> Iterator[str]:
    for kind, rows in enumerate(block.rows, 1):
        for page_run_id, number, x_min, y_min, x_max, y_max in rows:
            width, height = x_max - x_min, y_max - y_min
            # one number for each box of the archive, the same in every export: kind, page run, place on the page
            name = (page_run_id << 22) | (kind << 20) | number
            corners = f"{x_min},{y_min},{x_max},{y_min},{x_max},{y_max},{x_min},{y_max}"
            yield (
                f'{{"id":{name},"image_id":{page_run_id},"category_id":{kind},"bbox":[{x_min},{y_min},{width},{height}],'
                f'"area":{width * height},"iscrowd":0,"reading_order":{number},"segmentation":[[{corners}]]}}'
            )
