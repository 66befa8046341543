"""The command that compares results with ground truth, on stored pages and on a run of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, update

import models
from orchestrator.cli import main
from tests.archive import HEIGHT, WIDTH, add_done_pages, page
from tests.unit.drawn_pages import two_columns
from workers.layout import BoundingBox
from workers.sources.address import PageAddress

FACE = BoundingBox(600, 300, 700, 420)
LINES = [[100, 100 + 30 * n, 450, 120 + 30 * n] for n in range(20)]


def truth_of(names: list[str], **changes: Any) -> dict[str, Any]:
    page = {
        "width": WIDTH, "height": HEIGHT, "lines": LINES, "separators": [[498, 80, 503, HEIGHT - 80]],
        "faces": [[600, 300, 700, 420]],
    }  # fmt: skip
    return dict.fromkeys(names, page | changes)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *arguments])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def write(path: Path, truth: dict[str, Any]) -> str:
    path.write_text(json.dumps(truth))
    return str(path)


@pytest.fixture
def archive(engine: Engine, database_url: str, tmp_path: Path) -> str:
    """Three pages: a right one, one with half of its lines, and one without truth; their scan is white."""
    add_done_pages(engine, [page(20, [FACE]), page(10), page(20)])
    Image.new("L", (WIDTH, HEIGHT), 255).save(tmp_path / "p.tif")
    with engine.begin() as connection:
        connection.execute(update(models.Volume).values(location=str(tmp_path)))
        connection.execute(update(models.Page).values(address=PageAddress(("p.tif",)).to_json()))
    return database_url


def test_stored_pages_are_compared_with_their_truth(
    archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = write(tmp_path / "truth.json", truth_of(["p0001.tif", "p0002.tif", "elsewhere.tif"]))
    code, out, _ = run(capsys, truth, "--database", archive, "--json")
    values = json.loads(out)
    assert code == 0
    assert [entry["lines"]["true_positives"] for entry in values["pages"]] == [20, 10]
    assert values["overall"]["lines"] == {
        "true_positives": 30, "false_positives": 0, "misses": 10, "precision": 1.0, "recall": 0.75, "f1": 0.8571,
    }  # fmt: skip
    assert values["overall"]["faces"]["misses"] == 1
    assert values["overall"]["separators"]["recall"] == 1.0
    assert values["without_truth"] == ["p0003.tif"]
    assert values["without_page"] == ["elsewhere.tif"]


def test_the_worst_pages_are_drawn(archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = write(tmp_path / "truth.json", truth_of(["p0001.tif", "p0002.tif"]))
    code, out, _ = run(capsys, truth, "--database", archive, "--pictures", str(tmp_path / "bad"), "--worst", "1")
    assert code == 0
    assert "all 2 pages" in out
    (picture,) = (tmp_path / "bad").iterdir()
    assert picture.name == "01_p0002.tif.png"
    with Image.open(picture) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.getpixel((300, 100)) == (0, 150, 40)  # a line that was found
        assert image.getpixel((300, 100 + 30 * 15)) == (220, 0, 0)  # one that was not


def test_a_scan_that_is_gone_costs_only_its_picture(
    archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = write(tmp_path / "truth.json", truth_of(["p0001.tif"]))
    (tmp_path / "p.tif").unlink()
    code, out, err = run(capsys, truth, "--database", archive, "--pictures", str(tmp_path / "bad"))
    assert code == 0
    assert "1.000" in out
    assert "p0001.tif: no picture" in err


def test_thresholds_are_options(archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tall = [[x_min - 20, y_min - 15, x_max + 20, y_max + 15] for x_min, y_min, x_max, y_max in LINES[::3]]
    truth = write(tmp_path / "truth.json", truth_of(["p0001.tif"], lines=tall))
    found = [
        json.loads(run(capsys, truth, "--database", archive, "--json", *options)[1])["overall"]["lines"]
        for options in ((), ("--iou", "0.3"), ("--pad", "0.75"), ("--min-height", "60"))
    ]
    assert [lines["true_positives"] for lines in found] == [0, 7, 7, 0]
    assert found[3]["misses"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.json"], "does not exist"),
        (["truth.json"], "nothing could be compared"),
        (["truth.json", "--set", "faces.min_size=30"], "Parameters are for a run over PATH"),
        (["truth.json", "nowhere"], "nowhere does not exist"),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(
    archive: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "truth.json", truth_of(["elsewhere.tif"]))
    code, _, err = run(capsys, *arguments, "--database", archive)
    assert code == 2
    assert sentence in err


def test_a_run_over_a_folder_is_compared_without_any_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn, scans = two_columns(), tmp_path / "scans"
    scans.mkdir()
    drawn.image.save(scans / "page.png")
    known = {"page.png": {"width": drawn.width, "height": drawn.height, "lines": drawn.lines, "separators": []}}
    truth = write(tmp_path / "truth.json", known)
    code, out, err = run(capsys, truth, "scans", "--json", "--iou", "0.4", "--set", "faces.turned=0")
    values = json.loads(out)
    assert code == 0
    assert "compared page.png" in err
    assert values["overall"]["lines"]["f1"] > 0.95
    assert values["overall"]["lines_across_columns"] == 0
    assert values["overall"]["separators"]["precision"] > 0.9
    assert not list(tmp_path.glob("*.db"))
