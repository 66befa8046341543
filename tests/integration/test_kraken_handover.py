"""kraken opens what we export, line by line, as it opens its own."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import Engine, update

from models import Volume
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


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recognition model that was never trained: it reads nonsense, always the same of the same line."""
    import torch
    from kraken.lib.codec import PytorchCodec
    from kraken.lib.vgsl import TorchVGSLModel
    from kraken.models import write_safetensors

    codec = PytorchCodec(string.ascii_letters + " ")
    torch.manual_seed(1)
    shape = f"[1,48,0,1 Cr3,13,16 Mp2,2 S1(1x0)1,3 Lbx24 O1c{codec.max_label + 1}]"
    model = TorchVGSLModel(vgsl=shape, codec=codec.c2l)
    model.init_weights()
    model.model_type, model.seg_type, model.one_channel_mode = ["recognition"], "baselines", "L"
    path: Path = tmp_path_factory.mktemp("model") / "letters.safetensors"
    write_safetensors([model], path)
    return path


@pytest.mark.filterwarnings("ignore")  # of kraken, PyTorch and Lightning
def test_kraken_ocr_reads_every_line_of_a_real_page(
    sqlite_engine: Engine, shared_data: Path, tmp_path: Path, letters: Path
) -> None:
    from click.testing import CliRunner
    from kraken.kraken import cli
    from kraken.lib.xml import XMLPage

    with Image.open(shared_data / "book_gallicorpora/bpt6k1281160s_bpt6k1281160s_f27.tif.jpeg") as whole:
        scan = whole.convert("L").crop((0, 0, whole.width, whole.height // 2))
    (run,) = add_page_runs(sqlite_engine, 1)
    found = analyse_page(scan, PipelineParameters())
    assert len(found.lines) > 9
    store(sqlite_engine, run, found)
    with sqlite_engine.begin() as connection:
        connection.execute(update(Volume).values(location=str(tmp_path)))
    texts = []
    for form in ("alto", "page"):
        run_export(sqlite_engine, form, tmp_path / form, Selection(), ExportOptions(), 10**9)
        (path,) = (tmp_path / form).rglob(f"*.{form}.xml")
        scan.save(Path(XMLPage(path).imagename))
        read = tmp_path / f"{form}.read.xml"
        files = ["-r", "-a", "-f", form, "-i", str(path), str(read), "ocr", "-m", str(letters)]
        done = CliRunner().invoke(cli, files)
        assert done.exit_code == 0, done.output
        lines = XMLPage(read).get_sorted_lines()
        assert len(lines) == len(found.lines)
        texts.append([line.text for line in lines])
    assert texts[0] == texts[1]
    assert sum(map(bool, texts[0])) > len(found.lines) // 2
