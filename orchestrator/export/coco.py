"""COCO: lines, separators and faces as object annotations of one JSON file.

https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.export.boxes import KINDS, BoxBlock
from orchestrator.export.one_file import FileForm
from orchestrator.export.provenance import provenance_record
from orchestrator.results.pages import Provenance

CATEGORIES = [{"id": number, "name": kind, "supercategory": "layout"} for number, kind in enumerate(KINDS, 1)]


def coco(provenances: Sequence[Provenance]) -> FileForm:
    """Return what the file is made of: its head, the images, the annotations."""
    info = {
        "description": "text lines, column separators and faces",
        "version": "1.0",
        "contributor": "broadsheet",
        "broadsheet": provenance_record(provenances),
    }
    head = f'{{"info":{_encoded(info)},\n"licenses":[],\n"categories":{_encoded(CATEGORIES)},\n"images":['
    return FileForm("coco", (head, '],\n"annotations":[', "]}\n"), (_images, _annotations), joint=",")


def _images(block: BoxBlock) -> Iterator[str]:
    for page in block.pages:
        image = {
            "id": page.page_run_id,
            "file_name": f"{page.volume.rstrip('/')}/{page.page}",
            "width": page.width,
            "height": page.height,
            "volume": page.volume,
            "page_number": page.page_number,
            "pipeline": page.pipeline,
        }
        yield f"\n{_encoded(image)}"


def _annotations(block: BoxBlock) -> Iterator[str]:
    for kind, rows in enumerate(block.rows, 1):
        for page_run_id, number, x_min, y_min, x_max, y_max in rows.tolist():
            width, height = x_max - x_min, y_max - y_min
            # one number for each box of the archive, the same in every export: kind, page run, place on the page
            name = (page_run_id << 22) | (kind << 20) | number
            corners = f"{x_min},{y_min},{x_max},{y_min},{x_max},{y_max},{x_min},{y_max}"
            yield (
                f'\n{{"id":{name},"image_id":{page_run_id},"category_id":{kind},"bbox":[{x_min},{y_min},{width},{height}],'
                f'"area":{width * height},"iscrowd":0,"reading_order":{number},"segmentation":[[{corners}]]}}'
            )


def _encoded(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
