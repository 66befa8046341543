"""Which code each stage runs: a hash of its files, so that results of other code can be told from ours.

A stage's results also hang on those of the stages before it; pages go through nearly all of them, so that this needs
no rule of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

KEY = "stages"
"""The entry of a pipeline's versions that holds the stages' code."""

_HERE = Path(__file__).parent
_OF_ALL = ("pipeline.py", "stages/raster")
# Stage as in page_timings -> what its code is, beside what all share. The structure is found in these folders too.
_CODE: dict[str, tuple[str, ...]] = {
    "decode": ("sources",),
    "palette": ("stages/palette",),
    "binarization": ("stages/binarization",),
    "separators": ("stages/separators",),
    "segmentation": ("stages/segmentation", "stages/kraken"),
    "second_reader": ("stages/second_reader",),
    "faces": ("stages/faces",),
}
_DIGITS = 8


@cache
def stage_versions() -> str:
    """Return the code of all stages in one line, as it is stored with a pipeline: `decode:1f0c22ab faces:...`."""
    return " ".join(f"{stage}:{_hash((*_OF_ALL, *code))}" for stage, code in _CODE.items())


def changed_stages(before: Mapping[str, str], now: Mapping[str, str]) -> frozenset[str] | None:
    """Return the stages whose code differs between two pipelines' versions; None where one of them does not tell."""
    if KEY not in before or KEY not in now:
        return None
    one, other = _by_stage(before[KEY]), _by_stage(now[KEY])
    return frozenset(stage for stage in one.keys() | other.keys() if one.get(stage) != other.get(stage))


def _by_stage(text: str) -> dict[str, str]:
    return dict(entry.split(":", 1) for entry in text.split())


def _hash(places: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for place in places:
        for file in sorted((_HERE / place).rglob("*.py")) if (_HERE / place).is_dir() else [_HERE / place]:
            digest.update(str(file.relative_to(_HERE)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:_DIGITS]
