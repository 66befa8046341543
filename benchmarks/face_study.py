"""Shows that finding faces does not hang on one value: each threshold is moved down and up by a third.

    python -m benchmarks.face_study ../shared/data [NAME ...] > table.md

NAMEs of thresholds leave out the others: all of them take half an hour.

Three things are counted: the marked faces of photographs that are found, and false ones; photographs screened into
printed dots and set into a newspaper page, upright and turned; and false faces on pages of type.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.marked_faces import FACES, XYWH
from orchestrator.evaluation.matching import Boxes, Score, as_boxes, match_boxes
from orchestrator.evaluation.scores import boxes_of
from samples.pictures import halftone
from workers.layout import BoundingBox
from workers.parameters import FaceParameters, PipelineParameters
from workers.pipeline import analyse_page
from workers.stages.faces import cascade, detection, regions
from workers.stages.faces import halftone as dots
from workers.stages.palette.normalise import normalise

Grey = NDArray[np.uint8]

VALUES: list[tuple[ModuleType, str]] = [
    *[(regions, name) for name in (
        "LINE_HEIGHT", "LONG", "SHARE_OF_TYPE", "EVEN_PAPER", "CONTRAST", "SHADING", "WORD", "ALL_ALONG", "TEXTURE",
        "CLOSING", "OPENING", "MARGIN", "FULL", "FACE",
    )],
    *[(dots, name) for name in ("PEAK", "SMOOTHING")],
    *[(cascade, name) for name in ("FIRST_LOOK", "MARGIN")],
    *[(detection, name) for name in (
        "SEARCHED_SIZE", "TURNED_SIZE", "TURNED_CERTAINTY", "DRAWN_CERTAINTY", "DRAWN_EVENNESS", "DUPLICATE", "IN_TYPE",
    )],
]  # fmt: skip
FACTORS = (0.67, 1.33)
CASCADE = FaceParameters(detector="cascade")
TYPE = ("newspaper_nzz", "newspaper_ndnp", "periodical_argus", "book_expo1878")
PRINTED_ON = "newspaper_nzz/img_0050_nzz_18290228_0_0_a1_p1_1.tif"
PORTRAITS = ("seed/floyd.jpg", "faces_azure/Family2-Lady1.jpg", "faces_azure/detection1.jpg", "faces_us_gov/biden.jpg")
PITCHES, WIDTHS, ANGLES = (3.5, 6.0), (450,), (0.0, 18.0)
PLACE = (1330, 900)  # of the portrait on the page, in its second column


@dataclass(frozen=True)
class Case:
    """A page with its lines and its faces."""

    kind: str
    grey: Grey
    lines: tuple[BoundingBox, ...]
    faces: Boxes


def main(root: Path, names: list[str]) -> None:
    """Print the table, of the thresholds of these names where any are given."""
    cv2.setNumThreads(1)
    cases = [*_photographs(root), *_printed(root), *_type(root)]
    print("| value | photographs: found, false | printed: found, false | type: false |\n|---|---|---|---|")
    print(_row("all as they are", cases), flush=True)
    for module, name in [value for value in VALUES if not names or value[1] in names]:
        usual = getattr(module, name)
        for factor in FACTORS:
            setattr(module, name, usual * factor)
            print(_row(f"{module.__name__.rpartition('.')[2]}.{name} = {usual * factor:.3g}", cases), flush=True)
        setattr(module, name, usual)


def _row(name: str, cases: list[Case]) -> str:
    scores = {kind: Score() for kind in ("photographs", "printed", "type")}
    for case in cases:
        found = boxes_of(face.bbox for face in detection.find_faces(case.grey, case.lines, CASCADE))
        scores[case.kind] += match_boxes(found, case.faces, 0.3).score
    shown = [f"{s.true_positives} of {s.true_positives + s.misses}, {s.false_positives}" for s in scores.values()]
    return f"| {name} | {shown[0]} | {shown[1]} | {scores['type'].false_positives} |"


def _photographs(root: Path) -> Iterator[Case]:
    for name, boxes in FACES.items():
        grey, lines = _read(root / name)
        yield Case("photographs", grey, lines, as_boxes([(x, y, x + w, y + h) for x, y, w, h in boxes]))


def _type(root: Path) -> Iterator[Case]:
    for path in sorted(path for folder in TYPE for path in (root / folder).iterdir() if path.suffix != ".json"):
        yield Case("type", *_read(path), as_boxes([]))


def _printed(root: Path) -> Iterator[Case]:
    page, lines = _read(root / PRINTED_ON)
    for name, pitch, width, angle in product(PORTRAITS, PITCHES, WIDTHS, ANGLES):
        yield _with_portrait(page, lines, _read(root / name)[0], FACES[name][0], pitch, width, angle)


def _with_portrait(
    page: Grey, lines: tuple[BoundingBox, ...], portrait: Grey, face: XYWH,
    pitch: float, width: int, angle: float,
) -> Case:  # fmt: skip
    factor = width / portrait.shape[1]
    height = round(portrait.shape[0] * factor)
    matrix = cv2.getRotationMatrix2D((portrait.shape[1] / 2, portrait.shape[0] / 2), angle, 1)
    size = (portrait.shape[1], portrait.shape[0])
    turned = cv2.warpAffine(portrait, matrix, size, borderMode=cv2.BORDER_REFLECT)
    middle = (matrix @ np.array([face[0] + face[2] / 2, face[1] + face[3] / 2, 1])) * factor + np.array(PLACE)
    half = np.array([face[2], face[3]]) * factor / 2
    place = BoundingBox.from_xywh(*PLACE, width, height)
    printed = page.copy()
    printed[place.y_min - 20 : place.y_max + 20, place.x_min - 20 : place.x_max + 20] = np.percentile(page, 80)
    small = np.asarray(cv2.resize(turned, (width, height), interpolation=cv2.INTER_AREA))
    screened = halftone(small, pitch)[: page.shape[0] - place.y_min, : page.shape[1] - place.x_min]
    printed[place.y_min : place.y_min + screened.shape[0], place.x_min : place.x_min + screened.shape[1]] = screened
    kept = tuple(line for line in lines if not line.overlap(place))
    return Case("printed", printed, kept, as_boxes([[*(middle - half), *(middle + half)]]))


def _read(path: Path) -> tuple[Grey, tuple[BoundingBox, ...]]:
    with Image.open(path) as image:
        layout = analyse_page(image, PipelineParameters())
        return normalise(image).grey, tuple(line.bbox for line in layout.lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
