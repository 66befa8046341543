"""The demonstration archive is honest: its truth is what is printed, and the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orchestrator.discovery.discovery import find_pages, open_volume
from samples import archive
from samples.ageing import Scan, Wear, scan
from samples.pages import PageDesign, draw
from samples.pictures import halftone
from samples.prose import Prose
from samples.sheet import width_of
from samples.typesetting import break_lines, hyphenations, justified
from workers.errors import UnreadableImage
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.stages.palette.normalise import normalise

CLEAN = Wear(0, noise=0, stains=0, specks=0, blur=0.1)
SMALL = PageDesign(1, columns=2, rules=True, width=600, height=500)


def ink_outside(page: Scan) -> int:
    """Count dark pixels that no box of the truth explains, short rules between articles aside."""
    dark = page.grey < 120
    for x0, y0, x1, y1 in (*page.lines, *page.separators, *page.images):
        dark[y0:y1, x0:x1] = False
    return int(dark.sum())


@pytest.mark.parametrize("degrees", [0.0, 0.7, -1.5])
def test_boxes_hold_the_ink_of_their_lines(degrees: float) -> None:
    page = scan(draw(SMALL), Wear(0, degrees, noise=0, stains=0, specks=0, blur=0.1))
    assert len(page.lines) > 20
    for x0, y0, x1, y1 in page.lines:
        ink = page.grey[y0:y1, x0:x1] < 160
        assert ink.any(axis=0)[[0, -1]].mean() >= 0.5 and y1 - y0 < 2 * SMALL.pitch
    printed = int((page.grey < 120).sum())
    assert ink_outside(page) < 0.03 * printed


def test_separators_follow_the_turned_rule() -> None:
    page = scan(draw(SMALL), Wear(0, 1.5, noise=0, stains=0, specks=0, blur=0.1))
    ((x0, y0, x1, y1),) = page.separators
    assert x1 - x0 > 5 and y1 - y0 > 300
    (polygon,) = page.separator_polygons
    middle_x = sum(x for x, _ in polygon) / 4
    assert page.grey[round((y0 + y1) / 2), round(middle_x)] < 120


def test_columns_are_justified() -> None:
    lines = break_lines(Prose(3).paragraph(), 280, 20, 19)
    placed = justified(lines[1], 100, 380, 19, last=False)
    assert placed[0][0] == 100
    x, word = placed[-1]
    assert abs(x + width_of(word, 19) - 380) < 0.01


def test_words_are_parted_where_one_may_read_on() -> None:
    assert next(hyphenations("carpenter")) == ("carpen-", "ter")
    assert list(hyphenations("through")) == []


def test_prose_is_endless_and_repeats_for_a_seed() -> None:
    first, second = Prose(5), Prose(5)
    texts = [first.paragraph() for _ in range(40)]
    assert texts == [second.paragraph() for _ in range(40)]
    assert len(set(texts)) == 40 and not any("{" in text for text in texts)


def test_a_halftone_has_the_tones_of_its_picture() -> None:
    steps = np.repeat(np.array([30, 90, 150, 220], np.uint8), 80)[np.newaxis].repeat(80, 0)
    dots = halftone(steps, 5.0)
    assert set(np.unique(dots)) == {30, 255}
    means = [dots[:, 80 * step : 80 * (step + 1)].mean() for step in range(4)]
    assert means == sorted(means) and means[-1] - means[0] > 120


@pytest.mark.parametrize(
    "encode",
    [
        archive.grey_png, archive.deep_png, archive.fax_tiff, archive.inverted_png, archive.palette_gif,
        archive.turned_jpeg, archive.cmyk_jpeg,
    ],
)  # fmt: skip
def test_every_format_holds_the_same_page(encode: archive.Encoder, tmp_path: Path) -> None:
    page = scan(draw(SMALL), CLEAN)
    path = tmp_path / "page"
    path.write_bytes(encode(page))
    (found,) = find_pages(open_volume(path))
    grey = normalise(open_page(path, found.address, Limits())).grey
    assert grey.shape == page.grey.shape
    assert ((grey < 128) == (page.grey < 128)).mean() > 0.98


def test_a_broken_sample_is_broken(tmp_path: Path) -> None:
    page = scan(draw(PageDesign(1, height=900)), Wear(1))
    (tmp_path / "p9.jpg").write_bytes(archive.broken_jpeg(page))
    (found,) = find_pages(open_volume(tmp_path))
    with pytest.raises(UnreadableImage):
        open_page(tmp_path, found.address, Limits())


@pytest.fixture
def tiny_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the archive be made of small blank pages, since its drawing is tested above."""
    grey = np.full((60, 40), 230, np.uint8)
    grey[20:30, 5:30] = 20
    blank = Scan(grey, np.stack([grey] * 3, 2), [(5, 20, 30, 30)], [], [], [], [])
    monkeypatch.setattr(archive, "_page", lambda design, wear: blank)


@pytest.mark.usefixtures("tiny_pages")
def test_the_archive_has_every_kind_of_volume_and_its_truth(tmp_path: Path) -> None:
    written = list(archive.make_archive(tmp_path / "a"))
    found = [page.address.name for page in find_pages(open_volume(tmp_path / "a"))]
    assert sorted(found) == sorted(written)
    assert 12 <= len(found) <= 20
    outer = json.loads((tmp_path / "a" / "truth.json").read_text())
    inner = json.loads((tmp_path / "a" / "morning_courier" / "truth.json").read_text())
    named = {name if "#" in name else name.rpartition("/")[2] for name in written}
    assert {*outer, *inner} == named - {"p9.jpg"}
    assert outer["gazette.tif#1"]["lines"] == [[5, 20, 30, 30]]


@pytest.mark.usefixtures("tiny_pages")
def test_the_same_archive_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        list(archive.make_archive(tmp_path / name))
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("a", "b")]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_the_same_design_gives_the_same_scan() -> None:
    once, again = (scan(draw(SMALL), Wear(3, 0.4)) for _ in range(2))
    assert (once.rgb == again.rgb).all() and once.lines == again.lines


@pytest.mark.usefixtures("tiny_pages")
def test_pages_for_load_are_all_different(tmp_path: Path) -> None:
    names = list(archive.make_load(tmp_path, 12))
    pages = list(find_pages(open_volume(tmp_path)))
    assert [page.address.name for page in pages] == names
    assert len({page.sha256 for page in pages}) == 12
    with Image.open(tmp_path / names[0]) as image:
        assert image.mode == "1"
