"""A folder of newspapers is as many volumes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from orchestrator.command import broadsheet
from orchestrator.discovery.per_folder import folders_in, volumes_in
from workers.errors import UnreadableInput


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two newspapers in a folder, with a note beside them."""
    for name in ("Gazette 2", "Gazette 10"):
        (tmp_path / "archive" / name).mkdir(parents=True)
        Image.new("L", (20, 20), 255).save(tmp_path / "archive" / name / "p1.png")
    (tmp_path / "archive" / "notes.txt").write_text("as scanned in 1998")
    return tmp_path / "archive"


def test_each_folder_is_a_volume_in_natural_order(archive: Path) -> None:
    assert [path.name for path in volumes_in(archive)] == ["Gazette 2", "Gazette 10"]


def test_a_folder_of_pages_and_a_file_are_one_volume(archive: Path) -> None:
    assert volumes_in(archive / "Gazette 2") == [archive / "Gazette 2"]
    assert volumes_in(archive / "Gazette 2" / "p1.png") == [archive / "Gazette 2" / "p1.png"]


def test_loose_pages_beside_folders_are_refused(archive: Path) -> None:
    Image.new("L", (20, 20), 255).save(archive / "loose.png")
    with pytest.raises(UnreadableInput, match=r"beside its folders \(loose.png\)"):
        volumes_in(archive)


def listed(*arguments: str) -> str:
    """Return what a dry run lists, beside a database of its own."""
    runner = CliRunner()
    with runner.isolated_filesystem():
        return runner.invoke(broadsheet, ["ingest", "--dry-run", *arguments], standalone_mode=False).stdout


def volumes(told: str) -> list[str]:
    return [line for line in told.splitlines() if not line.startswith("  ")]


def test_the_command_lists_the_volumes(archive: Path) -> None:
    both = [f"{archive}/Gazette 2 (directory)", f"{archive}/Gazette 10 (directory)"]
    assert volumes(listed("--volume-per-folder", str(archive))) == both
    assert volumes(listed(str(archive))) == both, "a folder of folders with pages is as many volumes"
    assert volumes(listed("--one-volume", str(archive))) == [f"{archive} (directory)"]


def test_folders_without_pages_make_no_volume(archive: Path) -> None:
    (archive / "alto").mkdir()
    (archive / "alto" / "p1.xml").write_text("<alto/>")
    assert [path.name for path in folders_in(archive)] == ["Gazette 2", "Gazette 10"]


@pytest.mark.parametrize(("name", "says"), [
    ("pages.csv", "page,title\n"),
    ("bagit.txt", "BagIt-Version: 1.0\n"),
    ("m.xml", '<mets xmlns="http://www.loc.gov/METS/"/>'),
])  # fmt: skip
def test_what_is_described_as_one_is_one_volume(archive: Path, name: str, says: str) -> None:
    (archive / name).write_text(says)
    assert volumes(listed(str(archive))) == [f"{archive} (directory)"]


def test_pages_beside_folders_or_one_folder_alone_are_one_volume(archive: Path) -> None:
    assert folders_in(archive / "Gazette 2") == []
    Image.new("L", (20, 20), 255).save(archive / "loose.png")
    assert folders_in(archive) == []


def test_a_volume_is_called_as_one_likes(archive: Path) -> None:
    assert listed("--volume-name", "The Gazette", str(archive / "Gazette 2")).startswith("The Gazette (directory)")
