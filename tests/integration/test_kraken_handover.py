"""kraken opens what we export, line by line, as it opens its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import Engine

from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export
from orchestrator.results.selection import Selection
from tests.archive import store
from tests.rows import add_page_runs
from workers.parameters import PipelineParameters
from workers.pipeline import analyse_page

pytest.importorskip("kraken")
LINES = 12


@pytest.fixture
def scan(sqlite_engine: Engine) -> Image.Image:
    """A page whose lines our own engine has found and stored."""
    drawn = Image.new("L", (1200, 1000), 245)
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(28)
    for n in range(LINES):
        draw.text((100, 120 + 60 * n), "Typography by gypsies jumping quickly over quays", 20, font)
    (run,) = add_page_runs(sqlite_engine, 1)
    store(sqlite_engine, run, analyse_page(drawn, PipelineParameters()))
    return drawn


@pytest.mark.parametrize(("form", "suffix"), [("alto", "alto.xml"), ("page", "page.xml")])
def test_kraken_finds_every_line_and_cuts_it_out(
    scan: Image.Image, sqlite_engine: Engine, tmp_path: Path, form: str, suffix: str
) -> None:
    from kraken.lib.segmentation import extract_polygons
    from kraken.lib.xml import XMLPage

    assert run_export(sqlite_engine, form, tmp_path / "out", Selection(), ExportOptions(), 10**9) == 0
    (path,) = (tmp_path / "out").rglob(f"*.{suffix}")
    scan.save(tmp_path / "p0001.tif")
    page = XMLPage(path)
    lines = page.get_sorted_lines()
    assert len(lines) == LINES
    assert all(len(line.baseline) >= 2 and len(line.boundary) >= 4 for line in lines)
    container = page.to_container()
    cuts = [cut for cut, _ in extract_polygons(scan, container)]
    assert len(cuts) == LINES
    assert all(cut.width > 500 and 20 < cut.height < 60 for cut in cuts)
