"""Kraken's neural segmenter, run for real with its own weights, from the page to the stored rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Engine, select

from models import TextLine
from orchestrator.ingest.parameter_options import read_parameters
from tests.rows import add_page_runs
from tests.unit.drawn_pages import DrawnPage
from workers.errors import UnreadableInput
from workers.layout import PageLayout
from workers.lease import claims
from workers.lease.recording import record
from workers.parameters import PipelineParameters, SegmentationParameters
from workers.pipeline import analyse_page
from workers.stages.kraken import neural

BASELINE = PipelineParameters(segmentation=SegmentationParameters(segmenter="baseline"))


def _page() -> Image.Image:
    """Return a narrow page: kraken brings every page to the same height, so width is what takes time."""
    page = DrawnPage(width=360, height=900)
    for y in range(80, 800, 90):
        page.line(40, y, "Bern und Wien", 40)
    return page.image


@pytest.fixture(scope="module")
def layouts() -> Iterator[tuple[PageLayout, PageLayout]]:
    """Two pages, one after the other in one process."""
    pytest.importorskip("torchvision", reason="torchvision does not fit torch here", exc_type=Exception)
    neural.load_model.cache_clear()
    yield analyse_page(_page(), BASELINE), analyse_page(_page(), BASELINE)
    neural.load_model.cache_clear()


def test_every_line_is_found_with_its_baseline_and_boundary(layouts: tuple[PageLayout, PageLayout]) -> None:
    lines = layouts[0].lines
    assert len(lines) == 8
    for line, y in zip(lines, range(80, 800, 90), strict=True):
        assert y - 10 < line.bbox.y_min < y + 20
        assert line.baseline is not None and line.boundary is not None
        assert all(line.bbox.y_min <= point[1] < line.bbox.y_max for point in line.boundary)


def test_weights_are_loaded_once_a_process(layouts: tuple[PageLayout, PageLayout]) -> None:
    assert layouts[0].lines == layouts[1].lines
    assert neural.load_model.cache_info().misses == 1
    assert neural.load_model.cache_info().hits == 1


def test_baselines_and_boundaries_are_stored(sqlite_engine: Engine, layouts: tuple[PageLayout, PageLayout]) -> None:
    claim = claims.claim(sqlite_engine, add_page_runs(sqlite_engine, 1)[0], "message", "host:1", 180)
    assert claim is not None and record(sqlite_engine, claim, layouts[0])
    with sqlite_engine.connect() as connection:
        rows = connection.execute(select(TextLine.baseline, TextLine.boundary).order_by(TextLine.line_number)).all()
    stored = [tuple(map(tuple, json.loads(row.baseline))) for row in rows]
    assert stored == [line.baseline for line in layouts[0].lines]
    assert all(len(json.loads(row.boundary)) > 3 for row in rows)


def test_what_is_masked_is_white_for_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[np.uint8]] = []
    monkeypatch.setattr("workers.pipeline.baseline_lines", lambda rgb, weights, direction: seen.append(rgb) or [])
    upper = np.zeros((900, 360), np.uint8)
    upper[:400] = 1
    analyse_page(_page(), BASELINE, mask=upper)
    assert seen[0][:400].min() < 255
    assert seen[0][400:].min() == 255


@pytest.mark.parametrize(
    "fault", ["raise RuntimeError('operator torchvision::nms does not exist')", "raise ImportError('no torchvision')"]
)
def test_a_torchvision_that_does_not_fit_is_named(fault: str, tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(fault)
    script = (
        "import numpy as np; from workers.stages.kraken import neural\n"
        "try: neural.baseline_lines(np.full((90, 90, 3), 255, np.uint8), '', 'horizontal-lr')\n"
        "except neural.NeuralSegmenterMissing as error: print(error.code, error)"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(neural.__file__).parents[3])])
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("neural_segmenter_missing The neural segmenter cannot start")
    assert "torchvision does not fit torch" in run.stdout
    assert "--segmenter fast" in run.stdout


def test_weights_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    pytest.importorskip("torchvision", reason="torchvision does not fit torch here", exc_type=Exception)
    broken = tmp_path / "own.mlmodel"
    broken.write_bytes(b"no weights")
    parameters = PipelineParameters(
        segmentation=SegmentationParameters(segmenter="baseline", baseline_weights=str(broken))
    )
    with pytest.raises(neural.NeuralSegmenterMissing, match=r"own\.mlmodel are no model"):
        analyse_page(_page(), parameters)


def test_weights_of_another_kind_are_refused_before_anything_starts(
    tmp_path: Path, layouts: tuple[PageLayout, PageLayout]
) -> None:
    (tmp_path / "weights").write_bytes(b"no network")
    changes = ["segmentation.segmenter=baseline", f"segmentation.baseline_weights={tmp_path / 'weights'}"]
    with pytest.raises(UnreadableInput, match="no model that kraken can load"):
        read_parameters(None, changes)
