"""Programs of npm that open what we write, for the tests alone: `python -m tests.viewers` fetches them.

They lie beside the weights in the environment. A package is kept only when its SHA-256 is the one that was tried; what
needs one that is not there is skipped with the reason.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from workers.weights import FOLDER

VIEWERS = FOLDER / "viewers"


@dataclass(frozen=True)
class Package:
    """A package of npm, by the SHA-256 of its archive."""

    name: str
    version: str
    sha256: str

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return VIEWERS / f"{self.name.replace('/', '-').lstrip('@')}-{self.version}"


MIRADOR = Package("mirador", "4.0.0", "ac2423944bd52ffb5a0fc02ff280c117fe39433fac56e50c0b79f0d1ca7c57e6")
ANNOTORIOUS = Package(
    "@annotorious/annotorious", "3.8.0", "4e7093326d3cf6214f4b298f6525ba9b38f8ee0c296e0988273f65df43cf76d4"
)
UNIVERSAL_VIEWER = Package(
    "universalviewer", "4.4.0", "5eeffe8c7ad3fc8833d1cfbc6b0b628c5f0666c7140e5b464ca1ce22f9a49671"
)
AXE = Package("axe-core", "4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745")
ALL = (MIRADOR, ANNOTORIOUS, UNIVERSAL_VIEWER, AXE)


class NotFetched(Exception):
    """A package could not be downloaded, or is not the one that is wanted."""


def installed(package: Package) -> Path:
    """Return the folder of a package; the test is skipped where it was not fetched."""
    import pytest

    if not package.folder.is_dir():
        pytest.skip(f"{package.name} is not in the environment: python -m tests.viewers fetches it")
    return package.folder


def fetch(package: Package) -> None:
    """Put the files of a package into its folder; nothing is done where they are there.

    Raises:
        NotFetched: no npm, no network, or the archive is not the one that is wanted.
    """
    if package.folder.is_dir():
        return
    with tempfile.TemporaryDirectory() as scratch:
        wanted = f"{package.name}@{package.version}"
        try:
            subprocess.run(
                ["npm", "pack", "--silent", wanted], cwd=scratch, check=True, capture_output=True, timeout=120
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NotFetched(f"{wanted} was not downloaded: {error}") from error
        (archive,) = Path(scratch).glob("*.tgz")
        if hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256:
            raise NotFetched(f"{archive.name} is not the archive that is wanted (SHA-256)")
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        package.folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(scratch) / "package", package.folder)


def main() -> int:
    """Fetch all packages; return 1 and say which are missing where one cannot be had."""
    missing = 0
    for package in ALL:
        try:
            fetch(package)
        except NotFetched as error:
            print(f"{error}. The tests that open our files with it will be skipped.", file=sys.stderr)
            missing = 1
    return missing


if __name__ == "__main__":
    raise SystemExit(main())
