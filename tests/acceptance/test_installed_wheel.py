"""The wheel, installed into an environment that holds what it asks for and nothing else, kraken and PyTorch left out.

The environment is put together from the packages of this one, without network: what the metadata asks for is there,
what it forgets is not.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.acceptance.command import Broadsheet, draw_page

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Broadsheet:
    """The command of a light installation, in a folder of its own with one drawn page."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder / "env", symlinks=True)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    script = [sys.executable, str(ROOT / "deploy" / "requirements.py"), "--light"]
    wanted = subprocess.run(script, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for package in _closure([Requirement(line) for line in wanted.splitlines()]):
        _link(package, packages)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "env/bin/python")]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True)
    draw_page(folder / "page.png", "one page")
    return Broadsheet(folder, command=folder / "env/bin/broadsheet")


def _closure(wanted: list[Requirement]) -> Iterator[Distribution]:
    """Yield the distributions that are asked for and all that these ask for."""
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        for extra in {"", *requirement.extras}:
            name = canonicalize_name(requirement.name)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if not applies or (name, extra) in seen:
                continue
            seen.add((name, extra))
            found = distribution(name)
            yield found
            for inner in map(Requirement, found.requires or ()):
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    inner.marker = None
                    wanted.append(inner)


def _link(package: Distribution, packages: Path) -> None:
    for entry in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        if not (packages / entry).exists():
            (packages / entry).symlink_to(Path(str(package.locate_file(entry))))


def test_the_wheel_tells_whose_and_what_it_is(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    assert "License-Expression: Apache-2.0" in metadata
    assert "Classifier: Intended Audience :: Science/Research" in metadata
    assert "Requires-Dist: kraken" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "deploy"))]


def test_everything_but_krakens_segmenters_works_without_kraken_and_from_any_folder(light: Broadsheet) -> None:
    assert light.run("--version").stdout.startswith("broadsheet")
    assert light.ingest("page.png")["done"] == 1
    assert light.query("SELECT text_lines FROM page_status")[0]["text_lines"] > 0
    light.run("status")
    light.run("query", "columns")
    light.run("report", "--output", "report.html")
    light.run("explain", "page.png")
    light.run("overlay", "page.png", "--output", "page_boxes.png")
    light.run("export", "--format", "alto", "--output", "alto")
    assert b"TextLine" in next((light.folder / "alto").rglob("*.xml")).read_bytes()


@pytest.mark.parametrize("segmenter", ["kraken", "baseline"])
def test_a_segmenter_that_is_not_there_is_refused_with_how_to_add_it(light: Broadsheet, segmenter: str) -> None:
    said = light.run("ingest", "page.png", "--segmenter", segmenter, code=2).stderr
    assert f"--segmenter {segmenter} needs kraken" in said
    assert f"{light.folder / 'env/bin/python'} -m pip install 'kraken" in said
