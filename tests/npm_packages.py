"""Programs of npm that the browser tests use: `python -m tests.npm_packages` puts them into the environment.

Each is kept only when its archive has the SHA-256 that was tested with. Without npm or a network they are not there,
and the tests that need them are skipped with that reason.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "share" / "broadsheet-tests"
# name -> version, SHA-256 of its archive
PACKAGES = {
    "mirador": ("4.0.0", "ac2423944bd52ffb5a0fc02ff280c117fe39433fac56e50c0b79f0d1ca7c57e6"),
    "@annotorious/annotorious": ("3.8.0", "4e7093326d3cf6214f4b298f6525ba9b38f8ee0c296e0988273f65df43cf76d4"),
    "universalviewer": ("4.4.0", "5eeffe8c7ad3fc8833d1cfbc6b0b628c5f0666c7140e5b464ca1ce22f9a49671"),
    "axe-core": ("4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"),
}


def package(name: str) -> Path:
    """Return the folder of a package; skips the test where it is not there."""
    folder = _folder(name)
    if not folder.is_dir():
        pytest.skip(f"{name} of npm is not in the environment: python -m tests.npm_packages")
    return folder


def _folder(name: str) -> Path:
    return FOLDER / f"{name.lstrip('@').replace('/', '-')}-{PACKAGES[name][0]}"


def fetch(name: str) -> str:
    """Put a package into the environment, and return what became of it in a sentence."""
    version, sha256 = PACKAGES[name]
    if _folder(name).is_dir():
        return f"{name} {version} is there"
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", f"{name}@{version}"]
        run = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=300)
        found = list(Path(scratch).glob("*.tgz"))
        if run.returncode or not found:
            return f"{name} {version} was not fetched: {(run.stderr.strip().splitlines() or ['npm failed'])[-1]}"
        data = found[0].read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        return f"{name} {version} is not the archive that was tested with (SHA-256)"
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(_folder(name).with_suffix(".part"), filter="data")
    (_folder(name).with_suffix(".part") / "package").rename(_folder(name))
    shutil.rmtree(_folder(name).with_suffix(".part"))
    return f"{name} {version} fetched"


def main() -> int:
    """Fetch all of them; return 1 where there is no npm."""
    if shutil.which("npm") is None:
        print("There is no npm, so the tests in other viewers and of accessibility will be skipped.", file=sys.stderr)
        return 1
    for name in PACKAGES:
        print(fetch(name))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
