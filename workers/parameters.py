"""Every parameter of the pipeline with its default, in one frozen value that has a canonical name.

Same fingerprint, same results: the fingerprint covers the parameters and the versions of everything that
decides a pixel, and is stored with each page run.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from errno import ENOENT
from importlib.metadata import PackageNotFoundError, requires, version
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from workers import stage_versions
from workers.errors import SegmenterMissing
from workers.hashing import sha256_of
from workers.weights import FACE_DETECTOR, TEXT_DETECTOR, find_weights

NOT_INSTALLED = "not installed"
"""Stands for the hash of weights that a pipeline could use and did not have."""

TextDirection = Literal["horizontal-lr", "horizontal-rl", "vertical-lr", "vertical-rl"]


@dataclass(frozen=True, slots=True)
class Between:
    """The range of a number, both ends included; every numeric parameter is declared with one."""

    low: float
    high: float
    unit: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low} to {self.high} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class BinarizationParameters:
    """How grey becomes ink and paper. Never dithered."""

    method: Literal["otsu", "sauvola"] = "otsu"


@dataclass(frozen=True, slots=True)
class SeparatorParameters:
    """Where columns are parted.

    `columns` finds gutters and printed rules in units of the page's own text size; `gaps` is the exhaustive
    scan for white boxes of `gap_width` x `gap_height` pixels; `none` leaves the page as it is.
    """

    method: Literal["columns", "gaps", "none"] = "columns"
    gap_width: Annotated[int, Between(1, 10_000, "pixels")] = 25
    gap_height: Annotated[int, Between(1, 10_000, "pixels")] = 186


@dataclass(frozen=True, slots=True)
class SegmentationParameters:
    """How text lines are found; the names and meanings of kraken where kraken has the parameter.

    `fast` is kraken's box segmenter in float32 and OpenCV, `kraken` runs kraken's own functions, `baseline` is
    kraken's neural segmenter, with the weights in the file `baseline_weights` or kraken's own. `scale` None: estimated
    from the page. `second_reader` says when PP-OCRv6's text detector looks at a page again: where the first reading is
    doubted (`auto`), `always` or `never`; its weights are the file `second_reader_weights` or those installed, and
    without any each page is read once. `mask` is the path of a picture of the size of every page, black where no line
    or separator is looked for.
    """

    segmenter: Literal["fast", "kraken", "baseline"] = "fast"
    text_direction: TextDirection = "horizontal-lr"
    scale: Annotated[float | None, Between(3, 100, "pixels, the sizes of a letter that kraken knows")] = None
    maxcolseps: Annotated[int, Between(0, 100)] = 2
    black_colseps: bool = False
    no_hlines: bool = True
    pad: Annotated[int, Between(0, 1_000, "pixels")] = 0
    max_lines: Annotated[int, Between(1, 1_000_000)] = 20_000
    second_reader: Literal["auto", "always", "never"] = "auto"
    second_reader_weights: str = ""
    baseline_weights: str = ""
    mask: str = ""


CASCADES = {
    "face": "frontalface_default",
    "face_alt": "frontalface_alt",
    "face_alt2": "frontalface_alt2",
    "face_alt_tree": "frontalface_alt_tree",
    "profile": "profileface",
    "eye": "eye",
    "eye_or_glasses": "eye_tree_eyeglasses",
    "left_eye": "lefteye_2splits",
    "right_eye": "righteye_2splits",
    "smile": "smile",
    "full_body": "fullbody",
    "upper_body": "upperbody",
    "lower_body": "lowerbody",
    "cat_face": "frontalcatface",
    "cat_face_extended": "frontalcatface_extended",
    "license_plate": "license_plate_rus_16stages",
    "plate_number": "russian_plate_number",
}
"""The cascades that OpenCV ships: the label they are asked for and stored by, and `haarcascade_....xml`."""


@dataclass(frozen=True, slots=True)
class FaceParameters:
    """How faces are looked for; the names and meanings of OpenCV's `detectMultiScale` where it has the parameter.

    `cascades` are labels of `CASCADES`. `min_size` None: two line heights on a page of type, 24 pixels on a
    photograph. `source` is what the detector sees: the grey picture, or its Otsu threshold. Heads turned up to about
    `turned` degrees beyond upright are looked for too; 0: upright ones only. `min_confidence` None: the detector's own
    default. `detector` `auto` is `centerface`, a neural detector, where its weights are installed and nothing is asked
    of a cascade (another one than `face`, a `min_confidence` over 1, its own level), and otherwise `cascade`. With
    `yunet` (`cv2.FaceDetectorYN`), `weights` is the path of a YuNet file; with `centerface` it may name other weights
    than those installed.

    Raises:
        ValueError: a value that the detector could not work with.
    """

    detector: Literal["auto", "centerface", "cascade", "yunet"] = "auto"
    cascades: tuple[str, ...] = ("face",)
    scale_factor: Annotated[float, Between(1.01, 4)] = 1.1
    min_neighbors: Annotated[int, Between(0, 1_000)] = 3
    min_size: Annotated[int | None, Between(1, 10_000, "pixels")] = None
    min_confidence: Annotated[float | None, Between(0, 10_000)] = None
    source: Literal["grey", "binarised"] = "grey"
    turned: Annotated[float, Between(0, 45, "degrees")] = 20.0
    weights: str = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.cascades if name not in CASCADES]
        if unknown:
            raise ValueError(f"there is no cascade called {unknown[0]!r}; known: {', '.join(CASCADES)}")
        if len(set(self.cascades)) < len(self.cascades):
            raise ValueError(f"faces.cascades names one of {', '.join(self.cascades)} twice")
        if self.detector == "yunet" and not self.weights:
            raise ValueError("faces.detector=yunet needs faces.weights, the path of a YuNet file (.onnx)")
        if self.detector in ("yunet", "centerface") and (self.min_confidence or 0) > 1:
            raise ValueError(f"faces.min_confidence of {self.detector} must be 0 to 1, not {self.min_confidence}")


def with_installed(faces: FaceParameters) -> FaceParameters:
    """Return the parameters with the detector that `auto` means here, and the path of its weights.

    Raises:
        FileNotFoundError: CenterFace is asked for and its weights are not installed.
    """
    of_cascade = faces.cascades != ("face",) or (faces.min_confidence or 0) > 1
    if faces.detector in ("cascade", "yunet") or (faces.detector == "auto" and of_cascade):
        return replace(faces, detector="yunet" if faces.detector == "yunet" else "cascade")
    weights = faces.weights or str(find_weights(FACE_DETECTOR) or "")
    if not weights and faces.detector == "centerface":
        raise FileNotFoundError(ENOENT, "not installed; run python -m workers.fetch_weights", FACE_DETECTOR.name)
    return replace(faces, detector="centerface" if weights else "cascade", weights=weights)


@dataclass(frozen=True, slots=True)
class PipelineParameters:
    """All parameters of one page's way, from pixels to boxes.

    Raises:
        ValueError: a number is outside its range, or not a number.
    """

    binarization: BinarizationParameters = field(default_factory=BinarizationParameters)
    separators: SeparatorParameters = field(default_factory=SeparatorParameters)
    segmentation: SegmentationParameters = field(default_factory=SegmentationParameters)
    faces: FaceParameters = field(default_factory=FaceParameters)

    def __post_init__(self) -> None:
        for group in fields(self):
            for name, allowed in ranges(type(getattr(self, group.name))).items():
                value = getattr(getattr(self, group.name), name)
                if value is not None and value not in allowed:
                    raise ValueError(f"{group.name}.{name} must be {allowed}, not {value}")

    @property
    def may_read_smaller(self) -> bool:
        """Whether a smaller copy of a scan does, if its text is large enough: nothing is asked for in its pixels."""
        own_way = self.separators.method == "columns" and self.segmentation.segmenter == "fast"
        return (
            own_way and self.segmentation.scale is None and not self.segmentation.mask and self.faces.min_size is None
        )

    @property
    def may_read_twice(self) -> bool:
        """Whether the second reader may be asked: it joins what our own way of finding columns and lines found."""
        own_way = self.separators.method == "columns" and self.segmentation.segmenter == "fast"
        return own_way and self.segmentation.second_reader != "never"

    @property
    def files(self) -> dict[str, str]:
        """The paths of the files that are named, by the names of their parameters."""
        paths = {
            "segmentation.second_reader_weights": self.segmentation.second_reader_weights,
            "segmentation.baseline_weights": self.segmentation.baseline_weights,
            "segmentation.mask": self.segmentation.mask,
            "faces.weights": self.faces.weights,
        }
        return {name: path for name, path in paths.items() if path}

    def to_json(self) -> str:
        """Return the canonical JSON form: sorted keys, no white space, every parameter present."""
        return canonical_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PipelineParameters:
        """Read what `to_json` wrote; missing parameters take their default.

        Raises:
            ValueError: a parameter is unknown or its value is of the wrong kind.
        """
        loaded = json.loads(text)
        if not isinstance(loaded, dict):
            raise ValueError('parameters must be a JSON object, for example {"faces": {"scale_factor": 1.2}}')
        parameters: PipelineParameters = _build(cls, loaded, "")
        return parameters


def ranges(group: type[Any]) -> dict[str, Between]:
    """Return the ranges of a group's numeric parameters by their names."""
    hints = get_type_hints(group, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


def canonical_json(value: Any) -> str:
    """Return the one JSON text that stands for `value`: sorted keys, no white space, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


SOFTWARE = {"opencv": "opencv-python-headless", "pillow": "pillow", "broadsheet": "broadsheet"}
"""What decides a pixel of every page, and the distribution whose version tells."""
SOFTWARE_OF_SEGMENTERS = {"fast": (), "kraken": ("kraken",), "baseline": ("kraken", "torch")}
"""What decides where lines are only under this segmenter."""


def software_versions(parameters: PipelineParameters) -> dict[str, str]:
    """Return the versions of all software that decides a pixel, read from package metadata without importing it.

    Raises:
        SegmenterMissing: the segmenter needs software that is not installed.
    """
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    versions |= {name: version(distribution) for name, distribution in SOFTWARE.items()}
    segmenter = parameters.segmentation.segmenter
    for name in SOFTWARE_OF_SEGMENTERS[segmenter]:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            raise SegmenterMissing(
                f"--segmenter {segmenter} needs kraken, and this is a light installation without it; add it with "
                f"{sys.executable} -m pip install '{_requirement('kraken')}', or use --segmenter fast."
            ) from None
    return versions


def _requirement(name: str) -> str:
    """Return what our own metadata asks for of a distribution, as pip spells it."""
    return next((text for text in requires("broadsheet") or () if re.match(rf"{name}\b", text)), name)


def versions_for(parameters: PipelineParameters) -> dict[str, str]:
    """Return the versions of the software and its stages, and the SHA-256 of files that the parameters name or need.

    Raises:
        SegmenterMissing: the segmenter needs software that is not installed.
        OSError: a file cannot be read.
    """
    versions = software_versions(parameters) | {stage_versions.KEY: stage_versions.stage_versions()}
    files = parameters.files
    if parameters.may_read_twice and "segmentation.second_reader_weights" not in files:
        installed = find_weights(TEXT_DETECTOR)
        versions |= {"segmentation.second_reader_weights": NOT_INSTALLED}
        files |= {"segmentation.second_reader_weights": str(installed)} if installed else {}
    if parameters.faces.detector == "auto":
        versions |= {"faces.weights": NOT_INSTALLED}
    if with_installed(parameters.faces).weights:
        files |= {"faces.weights": with_installed(parameters.faces).weights}
    for name, path in files.items():
        with Path(path).open("rb") as file:
            versions[name] = sha256_of(file)
    return versions


def fingerprint(parameters: PipelineParameters, versions: Mapping[str, str]) -> str:
    """Return the name of a pipeline: 16 hexadecimal digits over parameters and versions."""
    text = canonical_json({"parameters": asdict(parameters), "versions": dict(versions)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _build(cls: type[Any], values: Mapping[str, Any], where: str) -> Any:
    hints = get_type_hints(cls)
    unknown = set(values) - {f.name for f in fields(cls)}
    if "" in unknown:
        raise ValueError(f"a value without a name of a parameter; known: {where}{', '.join(sorted(hints))}")
    if unknown:
        raise ValueError(f"unknown parameter {where}{sorted(unknown)[0]}; known: {', '.join(sorted(hints))}")
    return cls(**{name: _convert(hints[name], value, f"{where}{name}") for name, value in values.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ValueError(f"{where} holds parameters and must be a JSON object")
        return _build(hint, value, f"{where}.")
    if getattr(hint, "__origin__", None) is tuple and isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list):
        value = tuple(value)
    if type(value) is int and (hint is float or float in get_args(hint)):
        value = _as_float(value)
    if not _fits(hint, value):
        raise ValueError(f"{where} cannot be {value!r}; it takes {_describe(hint)}")
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf


def _fits(hint: Any, value: Any) -> bool:
    origin, options = getattr(hint, "__origin__", None), get_args(hint)
    if origin is Literal:
        return value in options
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(options[0], item) for item in value)
    if options:  # a union such as float | None
        return any(_fits(option, value) for option in options)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint


def _describe(hint: Any) -> str:
    if getattr(hint, "__origin__", None) is Literal:
        return " or ".join(str(option) for option in get_args(hint))
    if getattr(hint, "__origin__", None) is tuple:
        return "a list"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    return " or ".join(names[option] for option in get_args(hint) or (hint,))
