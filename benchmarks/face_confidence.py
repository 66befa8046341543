"""How often a face of some level of a detector is true, on the marked photographs and on pages of type.

    python -m benchmarks.face_confidence ../shared/data [--detectors centerface cascade yunet] [--weights FILE]

A face is true where its middle lies in a marked one and it is as large within a factor of two; each mark counts once.
Faces on pages of type are false. `workers/stages/faces/confidence.py` is written after this table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
from PIL import Image

from benchmarks.marked_faces import FACES, XYWH
from workers.layout import Face
from workers.parameters import FaceParameters, PipelineParameters
from workers.pipeline import analyse_page

# Faces under caps, behind glasses and turned, which no cascade is asked to find.
ALSO: dict[str, list[XYWH]] = {
    "seed/msi_recruitment.gif": [(293, 391, 40, 48), (342, 136, 32, 38), (632, 246, 33, 39), (544, 274, 32, 37)],
    "faces_azure/test-image-person-group.jpg": [(494, 157, 103, 132)],
}
TYPE = ("newspaper_nzz", "periodical_argus", "book_gallicorpora", "book_expo1878", "typed_tapus")
LEAST = {"cascade": 1.0, "centerface": 0.2, "yunet": 0.3}
EDGES = {
    "cascade": (0.0, 10.0, 15.0, 25.0, 50.0, 100.0, 1e9),
    "centerface": (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01),
    "yunet": (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01),
}
Judged = tuple[float, float, bool]  # level, confidence, whether it is true


def judged_faces(data: Path, faces: FaceParameters) -> Iterator[Judged]:
    """Yield each face that is found, with its level and confidence, and whether it is marked."""
    parameters = PipelineParameters(faces=faces)
    scans = [(data / name, marks + ALSO.get(name, [])) for name, marks in FACES.items()]
    scans += [(scan, []) for folder in TYPE for scan in sorted((data / folder).iterdir()) if _is_scan(scan)]
    for scan, marks in scans:
        with Image.open(scan) as image:
            image.load()
        left = list(marks)
        for face in sorted(analyse_page(image, parameters).faces, key=lambda one: -one.level):
            mark = next((one for one in left if _same(face, one)), None)
            if mark is not None:
                left.remove(mark)
            yield face.level, face.confidence, mark is not None


def _is_scan(path: Path) -> bool:
    return path.suffix.lower() in (".tif", ".png", ".jpg")


def _same(face: Face, mark: XYWH) -> bool:
    x, y, width, height = mark
    middle = (face.bbox.x_min + face.bbox.x_max) / 2, (face.bbox.y_min + face.bbox.y_max) / 2
    inside = x <= middle[0] <= x + width and y <= middle[1] <= y + height
    return inside and 0.5 <= face.bbox.width / width <= 2.0


def table(found: list[Judged], edges: tuple[float, ...]) -> str:
    """Return how many faces of each range of levels are true."""
    rows = ["| level | faces | true | mean confidence |", "|---|---|---|---|"]
    for low, high in pairwise(edges):
        of_range = [one for one in found if low <= one[0] < high]
        if of_range:
            true, mean = sum(one[2] for one in of_range), sum(one[1] for one in of_range) / len(of_range)
            rows.append(f"| {low:g} to {high:g} | {len(of_range)} | {true} | {mean:.2f} |")
    return "\n".join(rows)


def main() -> None:
    """Print a table for each detector."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, help="the folder of reference scans")
    options.add_argument("--detectors", nargs="+", default=["centerface", "cascade"], choices=list(LEAST))
    options.add_argument("--weights", default="", help="of YuNet")
    given = options.parse_args()
    cv2.setNumThreads(1)
    for detector in given.detectors:
        weights = given.weights if detector == "yunet" else ""
        faces = FaceParameters(detector=detector, min_confidence=LEAST[detector], weights=weights)
        print(f"\n{detector}\n\n{table(list(judged_faces(given.data, faces)), EDGES[detector])}", flush=True)


if __name__ == "__main__":
    main()
