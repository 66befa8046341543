"""COCO: lines, separators, faces and pictures as object annotations of one JSON file.

https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from orchestrator.export.boxes import KINDS, BoxBlock, PageFacts
from orchestrator.export.one_file import FileForm
from orchestrator.export.provenance import provenance_record
from orchestrator.results.pages import Provenance

CATEGORIES = [{"id": number, "name": kind, "supercategory": "layout"} for number, kind in enumerate(KINDS, 1)]


def coco(provenances: Sequence[Provenance], name: str, file_name: Callable[[PageFacts], str]) -> FileForm:
    """Return what the file is made of: its head, the images, the annotations.

    `file_name` gives the path of a page's picture, relative to the folder of the file; parts that other such functions
    made are told by the `name`.
    """
    info = {
        "description": "text lines, column separators, faces and pictures",
        "version": "1.0",
        "contributor": "broadsheet",
        "broadsheet": provenance_record(provenances),
    }
    head = f'{{"info":{_encoded(info)},\n"licenses":[],\n"categories":{_encoded(CATEGORIES)},\n"images":['
    frame = (head, '],\n"annotations":[', "]}\n")
    return FileForm(name, frame, (lambda block: _images(block, file_name), _annotations), joint=",")


def _images(block: BoxBlock, file_name: Callable[[PageFacts], str]) -> Iterator[str]:
    for page in block.pages:
        image = {
            "id": page.page_run_id,
            "file_name": file_name(page),
            "width": page.width,
            "height": page.height,
            "volume": page.volume,
            "page_number": page.page_number,
            "pipeline": page.pipeline,
        }
        yield f"\n{_encoded(image)}"


def _annotations(block: BoxBlock) -> Iterator[str]:
    for category, kind in enumerate(KINDS, 1):
        boxes = block.boxes[kind]
        for (page_run_id, number, *box), outline in zip(boxes.rows.tolist(), boxes.values("outline"), strict=True):
            # one number for each box of the archive, the same in every export: kind, page run, place on the page
            name = (page_run_id << 22) | ((category & 3) << 20) | number
            yield f'\n{{"id":{name},"image_id":{page_run_id},"category_id":{category},{_shape(box, outline, number)}}}'


def _shape(box: Sequence[int], outline: str | None, number: int) -> str:
    x_min, y_min, x_max, y_max = box
    width, height = x_max - x_min, y_max - y_min
    area: float = width * height
    corners = f"{x_min},{y_min},{x_max},{y_min},{x_max},{y_max},{x_min},{y_max}"
    if outline is not None:
        points = json.loads(outline)
        area, corners = _area(points), ",".join(f"{x},{y}" for x, y in points)
    return (
        f'"bbox":[{x_min},{y_min},{width},{height}],"area":{area},"iscrowd":0,"reading_order":{number},'
        f'"segmentation":[[{corners}]]'
    )


def _area(points: Sequence[Sequence[int]]) -> float:
    """Return the area of a polygon, by the shoelace formula."""
    around = zip(points, [*points[1:], *points[:1]], strict=True)
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in around)) / 2


def _encoded(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
