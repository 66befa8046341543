"""Names of exported files, and lines gathered into blocks."""

from __future__ import annotations

import unicodedata
from dataclasses import astuple
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from orchestrator.commands.overlay import default_output
from orchestrator.export.crops import SheetStyle, contact_sheet
from orchestrator.export.naming import PageFiles, page_path, volume_path
from orchestrator.export.parquet import volume_file
from orchestrator.results.legend import shortened
from tests.archive import text_lines
from workers.layout import BoundingBox, PageLayout, TextLine
from workers.stages.raster.quarter_turns import turned
from workers.stages.segmentation.blocks import text_blocks

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda name: name.strip("/."))


@pytest.mark.parametrize(
    ("volume", "page", "path"),
    [
        ("scans", "p0003.tif", "scans/p0003.tif.xml"),
        ("/mnt/scans/", "1890/p 3.tif", "mnt/scans/1890/p 3.tif.xml"),
        ("../book.pdf", "book.pdf#3", "book.pdf/book.pdf#3.xml"),
        ("a/../b", "..", "a/%2E%2E/b/%2E%2E.xml"),
        ("Zürich:1891", "a\\b?.tif", "Zürich%3A1891/a%5Cb%3F.tif.xml"),
    ],
)
def test_paths_are_readable(volume: str, page: str, path: str) -> None:
    assert page_path(volume, page, ".xml") == PurePosixPath(path)


@given(NAMES, NAMES)
def test_no_name_leads_out_of_the_folder(volume: str, page: str) -> None:
    path = page_path(volume, page, ".xml")
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert (Path("/out") / path).resolve().is_relative_to("/out")


@given(st.lists(NAMES.filter(lambda name: "/" not in name), min_size=2, max_size=2, unique=True))
def test_two_pages_never_share_a_file(names: list[str]) -> None:
    assert page_path("v", names[0], ".xml") != page_path("v", names[1], ".xml")


@given(st.lists(NAMES.filter(lambda name: "/" not in name), min_size=2, max_size=2), st.integers(1, 200))
def test_names_of_any_length_fit_into_a_file_system_and_stay_apart(names: list[str], repeated: int) -> None:
    paths = [page_path("v" * repeated, name * repeated, ".alto.xml") for name in names]
    assert max(len(part.encode()) for path in paths for part in path.parts) <= 255
    assert max(len(str(path).encode()) for path in paths) <= 2_500
    assert (paths[0] == paths[1]) == (names[0] * repeated == names[1] * repeated)


def test_a_long_name_keeps_its_beginning_and_one_stem_for_all_its_files() -> None:
    label, image = (page_path("v", "Jahrgang " * 40, suffix).name for suffix in (".txt", ".jpg"))
    assert label.startswith("Jahrgang Jahrgang") and label.removesuffix(".txt") == image.removesuffix(".jpg")


def test_marks_and_joiners_of_a_script_stay_readable() -> None:
    name = "दैनिक समाचार संख्या.png"
    assert page_path("v", name, ".xml").name == f"{name}.xml"


@pytest.mark.parametrize(
    "names", [("Maße.tif", "MASSE.TIF"), ("März.tif", "Ma\u0308rz.tif"), ("a.tif", "A.tif", "x.tif")]
)
def test_names_that_look_alike_are_kept_apart_on_any_file_system(names: tuple[str, ...]) -> None:
    place = PageFiles([("v", name) for name in names])
    looks = {unicodedata.normalize("NFC", str(place.path("v", name, ".xml")).casefold()) for name in names}
    assert len(looks) == len(names)
    assert str(PageFiles([("v", names[0])]).path("v", names[0], ".xml")) == f"v/{names[0]}.xml"


def test_volumes_inside_of_each_other_do_not_share_files() -> None:
    pages = [("a", "b/p.tif"), ("a/b", "p.tif")]
    place = PageFiles(pages)
    assert len({place.path(*page, ".xml") for page in pages}) == 2


@pytest.mark.parametrize(
    ("volumes", "folders"),
    [
        (["/mnt/archive/courier/"], ["courier"]),
        (["/mnt/a/1898", "/mnt/b/1898", "/mnt/b/1899"], ["a/1898", "b/1898", "b/1899"]),
        (["/mnt/a", "/mnt/a/1898"], ["a", "a/1898"]),
        (["/mnt/courier", "gazette"], ["courier", "gazette"]),
        (["/mnt/Courier", "courier/1898"], ["mnt/Courier", "courier/1898"]),
        (["../courier"], ["courier"]),
        (["/"], ["volume"]),
    ],
)
def test_a_path_from_the_root_is_not_repeated_in_an_export(volumes: list[str], folders: list[str]) -> None:
    place = PageFiles([(volume, "p.png") for volume in volumes])
    assert [str(place.folder(volume)) for volume in volumes] == folders
    assert [str(place.path(volume, "p.png", ".xml")) for volume in volumes] == [f"{name}/p.png.xml" for name in folders]


def test_a_volume_without_a_name_has_a_folder() -> None:
    assert volume_path("..") == volume_path(".") == PurePosixPath("volume")


def test_each_column_is_a_block_and_blocks_keep_the_reading_order() -> None:
    lines = (*text_lines(12), *text_lines(9, x=550), TextLine(BoundingBox(100, 900, 400, 940)))
    blocks = text_blocks(PageLayout(1000, 1400, lines))
    assert [(block.first, len(block.lines)) for block in blocks] == [(1, 12), (13, 9), (22, 1)]
    assert tuple(line for block in blocks for line in block.lines) == lines
    assert blocks[0].bbox == BoundingBox(100, 100, 450, 450)
    assert text_blocks(PageLayout(1000, 1400)) == []


@pytest.mark.parametrize("turns", [1, 3])
def test_the_blocks_of_a_page_on_its_side_are_those_of_the_upright_page(turns: int) -> None:
    upright = (*text_lines(12), *text_lines(9, x=550))
    boxes = turned(np.array([astuple(line.bbox) for line in upright]), turns, 1000, 1400)
    lines = tuple(TextLine(BoundingBox(*map(int, box))) for box in boxes)
    blocks = text_blocks(PageLayout(1400, 1000, lines, skew_degrees=90.0 if turns == 3 else -90.0))
    assert [(block.first, len(block.lines)) for block in blocks] == [(1, 12), (13, 9)]


def test_long_captions_are_cut_in_the_middle() -> None:
    font = ImageFont.load_default(13)
    cut = shortened("a-very-long-name-of-a-volume/p0001.tif", 120, font)
    assert font.getlength(cut) <= 120
    assert cut.startswith("a")
    assert cut.endswith("tif")
    assert shortened("p1.tif", 120, font) == "p1.tif"


def test_a_small_picture_stands_on_its_caption() -> None:
    style = SheetStyle(1, 1, (100, 100))
    sheet = np.asarray(contact_sheet([("p1.tif  1", Image.new("RGB", (20, 20), "red"))], style))
    rows = np.flatnonzero((sheet == (255, 0, 0)).all(axis=2).any(axis=1))
    captions = np.flatnonzero((sheet.max(axis=2) < 128).any(axis=1))
    assert len(rows) == 20
    assert 0 < captions[0] - rows[-1] < 12


@pytest.mark.parametrize("volume", ["../archive", "दैनिक समाचार/" * 9, "/mnt/" + "Jahrgang " * 60, "a?b=c"])
def test_the_folder_of_a_volume_in_parquet_fits_into_a_file_system(volume: str) -> None:
    folder, file = volume_file(volume).split("/")
    assert len(folder.encode()) <= 255 and file == "boxes.parquet"
    assert folder.startswith("volume=")
    assert unquote(folder.removeprefix("volume=")) == volume or "~" in folder


@pytest.mark.parametrize(
    ("pages", "output"),
    [(("a/p.png",), "p.png.overlay.png"), (("bell\x07.png",), "bell%5Cx07.png.overlay.png"), (("a/*",), "overlays"),
     (("p" * 300,), None), (("p.png", "q.png"), "overlays")],
)  # fmt: skip
def test_an_overlay_that_is_not_named_gets_a_name_that_can_be_written(
    pages: tuple[str, ...], output: str | None, tmp_path: Path
) -> None:
    found = default_output(pages)
    assert output is None or found == Path(output)
    (tmp_path / found).touch()
