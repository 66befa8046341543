"""A folder of newspapers is as many volumes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from orchestrator.command import broadsheet
from orchestrator.discovery.per_folder import volumes_in
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
    runner = CliRunner()
    return runner.invoke(broadsheet, ["ingest", "--dry-run", *arguments], standalone_mode=False).stdout


def test_the_command_lists_the_volumes(archive: Path) -> None:
    told = listed("--volume-per-folder", str(archive))
    assert [line for line in told.splitlines() if not line.startswith("  ")] == [
        f"{archive}/Gazette 2 (directory)",
        f"{archive}/Gazette 10 (directory)",
    ]


def test_a_volume_is_called_as_one_likes(archive: Path) -> None:
    assert listed("--volume-name", "The Gazette", str(archive / "Gazette 2")).startswith("The Gazette (directory)")
