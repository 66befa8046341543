"""YOLO labels: a text file a page, a line a box, centre and size as fractions of the page.

https://docs.ultralytics.com/datasets/detect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.results.pages import ArchivedPage, Provenance
from workers.layout import BoundingBox

CLASSES = ("line", "separator", "face", "picture")


def yolo_labels(page: ArchivedPage) -> bytes:
    """Return the label file of a page: class, x and y of the centre, width, height."""
    found = page.layout
    boxes: Iterable[Sequence[BoundingBox]] = (
        [line.bbox for line in found.lines],
        [separator.bbox for separator in found.separators],
        [face.bbox for face in found.faces],
        [picture.bbox for picture in found.pictures],
    )
    rows = [
        f"{kind} {_share(box.x_min + box.x_max, 2 * found.width)} {_share(box.y_min + box.y_max, 2 * found.height)} "
        f"{_share(box.width, found.width)} {_share(box.height, found.height)}\n"
        for kind, group in enumerate(boxes)
        for box in group
    ]
    return "".join(rows).encode()


def yolo_dataset(provenances: Sequence[Provenance]) -> str:
    """Return the dataset's YAML file: the classes, and as comments what made the labels."""
    comments = [
        f"# broadsheet pipeline {one.fingerprint}\n# parameters {one.parameters}\n# versions {one.versions}\n"
        for one in provenances
    ]
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    # without `path` the folders are those beside this file, wherever somebody trains
    return "".join(comments) + "train: images\nval: images\nnames:\n" + names


def _share(part: int, whole: int) -> str:
    return f"{min(part / whole, 1.0):.6f}"
