"""Pictures of pages: what was found is where it was found."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from lxml import etree
from PIL import Image
from sqlalchemy import Engine, update

import models
from orchestrator.overlay.drawing import FACE, INSERTED, LINE, PRINTED, marked_scan, overlay_image, overlay_svg
from orchestrator.overlay.dropped import COLOURS, dropped_image
from orchestrator.overlay.files import suspects, write_face_sheets, write_overlays
from orchestrator.report.line_steps import explain_line_steps, render_line_steps
from orchestrator.results.legend import Entry, with_legend
from orchestrator.results.pages import ArchivedPage, read_pages
from orchestrator.results.scans import open_scan
from orchestrator.results.selection import Selection
from tests.archive import HEIGHT, WIDTH, add_done_pages, page, rule
from tests.unit.drawn_pages import two_columns
from workers.errors import UnreadableInput
from workers.layout import BoundingBox, Face, PageLayout, TextLine
from workers.parameters import PipelineParameters, SeparatorParameters
from workers.pipeline import analyse_page
from workers.sources.address import PageAddress
from workers.stages.palette.normalise import NormalisedPage, normalise


@pytest.fixture
def scanned(sqlite_engine: Engine, tmp_path: Path) -> Engine:
    """Four pages whose scans are white paper; the last has no line."""
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.new("L", (WIDTH, HEIGHT), 255).save(folder / "p.tif")
    with_face = page(6, [BoundingBox(600, 300, 700, 420)])
    layouts = [with_face, page(6), page(6), page(0)]
    layouts[1] = PageLayout(WIDTH, HEIGHT, layouts[1].lines, (rule(800, "inserted"),))
    add_done_pages(sqlite_engine, layouts)
    with sqlite_engine.begin() as connection:
        connection.execute(update(models.Volume).values(location=str(folder)))
        connection.execute(update(models.Page).values(address=PageAddress(("p.tif",)).to_json()))
    return sqlite_engine


def first(engine: Engine) -> tuple[ArchivedPage, NormalisedPage]:
    found = next(read_pages(engine, Selection()))
    return found, open_scan(found, 10**9)


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def test_boxes_are_drawn_at_their_place_at_any_size(scanned: Engine) -> None:
    found, scan = first(scanned)
    for width in (WIDTH, WIDTH // 2):
        picture = np.asarray(overlay_image(found, scan, width))
        scale = width / WIDTH
        assert tuple(picture[round(150 * scale), round(300 * scale)]) == (255, 255, 255)
        assert tuple(picture[round(130 * scale), round(300 * scale)]) == rgb(LINE)
        assert tuple(picture[round(700 * scale), round(500 * scale)]) == rgb(PRINTED)
        assert tuple(picture[round(301 * scale), round(650 * scale)]) == rgb(FACE)


def test_inserted_separators_have_their_own_colour(scanned: Engine) -> None:
    found = list(read_pages(scanned, Selection()))[1]
    picture = np.asarray(overlay_image(found, open_scan(found, 10**9), WIDTH))
    assert tuple(picture[700, 800]) == rgb(INSERTED)


def test_the_legend_of_a_narrow_picture_is_whole() -> None:
    entries = [Entry(LINE, "text lines: 12"), Entry(FACE, "faces: 1")] * 4
    picture = np.asarray(with_legend(Image.new("RGB", (60, 90), "white"), "p0001.tif", entries))
    rightmost = np.flatnonzero((picture == rgb(FACE)).all(axis=2).any(axis=0))[-1]
    assert (picture[:, rightmost + 5 :] < 128).any()  # the words of the last entry
    assert (picture[:, -10:] == 255).all()


def test_svg_holds_the_scan_and_every_box_in_scan_pixels(scanned: Engine) -> None:
    found, scan = first(scanned)
    root = etree.fromstring(overlay_svg(found, scan, 400).encode())
    boxes = [e for e in root.iter("{*}rect") if e.get("fill") == "none"]
    assert len(boxes) == 7
    assert (boxes[0].get("x"), boxes[0].get("y"), boxes[0].get("width"), boxes[0].get("height")) == (
        "100",
        "100",
        "350",
        "20",
    )
    assert [e.text for e in root.iter("{*}text")][:6] == list("123456")
    assert root.find("{*}image").get("href").startswith("data:image/jpeg;base64,")


def draw(engine: Engine, output: Path, selection: Selection | None = None, form: str | None = None) -> int:
    with contextlib.redirect_stderr(io.StringIO()):
        return write_overlays(engine, selection or Selection(), output, form, 500, 10**9)


def test_one_page_is_a_file_and_more_are_a_folder_or_a_pdf(scanned: Engine, tmp_path: Path) -> None:
    one = Selection(pages=("p0001.tif",))
    for name in ("one.png", "one.jpg", "one.svg", "one.pdf"):
        assert draw(scanned, tmp_path / name, one) == 0
        assert (tmp_path / name).stat().st_size > 0
    assert draw(scanned, tmp_path / "many", form="jpeg") == 0
    assert len(list((tmp_path / "many/scans").glob("*.jpg"))) == 4
    draw(scanned, tmp_path / "many.pdf")
    with pypdfium2.PdfDocument(tmp_path / "many.pdf") as document:
        assert len(document) == 4


def test_what_a_step_dropped_is_drawn_in_its_colour_and_told_in_numbers(sqlite_engine: Engine, tmp_path: Path) -> None:
    drawn, stain = two_columns(), (300, 20, 370, 46)
    drawn.draw.rectangle(stain, fill=0)
    drawn.image.save(tmp_path / "p.tif")
    parameters = PipelineParameters().to_json()
    add_done_pages(sqlite_engine, [replace(analyse_page(drawn.image, PipelineParameters()), faces=())])
    with sqlite_engine.begin() as connection:
        connection.execute(update(models.Volume).values(location=str(tmp_path)))
        connection.execute(update(models.Page).values(address=PageAddress(("p.tif",)).to_json()))
        connection.execute(update(models.Pipeline).values(parameters=parameters))
    found, scan = first(sqlite_engine)
    picture = np.asarray(dropped_image(found, scan, drawn.width))
    assert tuple(picture[stain[1], 330]) == rgb(COLOURS[3])
    (explained,) = explain_line_steps(sqlite_engine, Selection(), 10**9)
    told = render_line_steps(explained)
    assert re.search(r"drop noise and trim ends +80 +1 +0 +0 +0 +0\n", told)
    assert "are stored" not in told
    assert json.loads(json.dumps(explained.to_dict()))["stored_lines"] == 80


def test_lines_of_kraken_s_own_method_have_no_steps(scanned: Engine) -> None:
    parameters = PipelineParameters(separators=SeparatorParameters(method="none")).to_json()
    with scanned.begin() as connection:
        connection.execute(update(models.Pipeline).values(parameters=parameters))
    with pytest.raises(UnreadableInput, match="kraken's own method"):
        dropped_image(*first(scanned), WIDTH)


def test_suspects_are_drawn_alone(scanned: Engine, tmp_path: Path) -> None:
    draw(scanned, tmp_path / "odd", suspects(scanned, Selection()))
    assert [path.name for path in (tmp_path / "odd").rglob("*.png")] == ["p0004.tif.png"]
    with pytest.raises(UnreadableInput, match="No page is suspect"):
        suspects(scanned, Selection(volumes=("elsewhere",)))


def test_a_taken_name_is_refused_and_a_lost_scan_is_told(scanned: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("mine")
    with pytest.raises(UnreadableInput, match="exists already"):
        draw(scanned, tmp_path / "a.pdf")
    (tmp_path / "scans/p.tif").unlink()
    assert draw(scanned, tmp_path / "gone") == 1
    with pytest.raises(UnreadableInput, match="None of these scans"):
        draw(scanned, tmp_path / "gone.pdf")
    assert not (tmp_path / "gone.pdf").exists()


@pytest.mark.parametrize("name", ["drawn", "drawn.pdf"])
def test_a_broken_scan_among_good_ones_ends_no_drawing(
    scanned: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    with scanned.begin() as connection:
        broken = update(models.Page).where(models.Page.name == "p0002.tif")
        connection.execute(broken.values(address=PageAddress(("broken.tif",)).to_json()))
    (tmp_path / "scans/broken.tif").write_bytes((tmp_path / "scans/p.tif").read_bytes()[:200])
    assert write_overlays(scanned, Selection(), tmp_path / name, None, 500, 10**9) == 1
    err = capfd.readouterr().err
    assert "p0002.tif: broken.tif" in err and "3 pictures" in err and "1 page could not be drawn" in err
    if name == "drawn":
        assert len(list((tmp_path / name).rglob("*.png"))) == 3
    else:
        with pypdfium2.PdfDocument(tmp_path / name) as document:
            assert len(document) == 3


def test_faces_are_sheets_in_one_pdf_one_picture_or_a_folder(scanned: Engine, tmp_path: Path) -> None:
    for name in ("faces.pdf", "faces.png", "faces.jpg"):
        assert write_face_sheets(scanned, Selection(), tmp_path / name, None, 10**9) == 0
    with pypdfium2.PdfDocument(tmp_path / "faces.pdf") as document:
        assert len(document) == 1
    with Image.open(tmp_path / "faces.png") as png, Image.open(tmp_path / "faces.jpg") as jpeg:
        assert (png.format, jpeg.format, png.size) == ("PNG", "JPEG", jpeg.size)
    assert write_face_sheets(scanned, Selection(), tmp_path / "faces", None, 10**9) == 0
    assert [path.name for path in (tmp_path / "faces").glob("*.png")] == ["faces-0001.png"]


def test_more_sheets_than_one_are_pages_of_a_pdf_and_no_picture(scanned: Engine, tmp_path: Path) -> None:
    boxes = [BoundingBox(10 * n, 10 * n, 10 * n + 9, 10 * n + 9) for n in range(80)]
    add_done_pages(scanned, [page(1, boxes)], source="more")
    with scanned.begin() as connection:
        connection.execute(update(models.Volume).where(models.Volume.source == "more").values(location="/nowhere"))
    assert write_face_sheets(scanned, Selection(), tmp_path / "faces.pdf", None, 10**9) == 1  # those have no scan
    with pypdfium2.PdfDocument(tmp_path / "faces.pdf") as document:
        assert len(document) == 3
    with pytest.raises(UnreadableInput, match="can hold one picture"):
        write_face_sheets(scanned, Selection(), tmp_path / "faces.png", None, 10**9)
    with pytest.raises(UnreadableInput, match=r"not \.svg"):
        write_face_sheets(scanned, Selection(), tmp_path / "faces.svg", None, 10**9)
    with pytest.raises(UnreadableInput, match="no face"):
        write_face_sheets(scanned, Selection(pages=("p0004.tif",)), tmp_path / "none.pdf", None, 10**9)


def test_a_colour_scan_keeps_its_colour() -> None:
    red = normalise(Image.new("RGB", (300, 200), (200, 10, 10)))
    from orchestrator.overlay.drawing import shrink

    r, g, b = np.asarray(shrink(red, 300))[50, 50]
    assert r > g + 50
    assert g == b


def test_faces_carry_their_label(scanned: Engine) -> None:
    found, scan = first(scanned)
    assert found.layout.faces == (Face(BoundingBox(600, 300, 700, 420), "face", 5.5),)
    assert scan.grey.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    "skew, number_at, free",
    [(0.0, (85, 300), (150, 85)), (90.0, (150, 85), (85, 300)), (-90.0, (150, 515), (150, 85))],
)
def test_a_number_stands_before_its_line(skew: float, number_at: tuple[int, int], free: tuple[int, int]) -> None:
    line = TextLine(BoundingBox(100, 100, 200, 500))
    layout = PageLayout(WIDTH, HEIGHT, (line,), skew_degrees=skew)
    picture = np.asarray(marked_scan(layout, normalise(Image.new("L", (WIDTH, HEIGHT), 255)), WIDTH))

    def blue_around(place: tuple[int, int]) -> bool:
        x, y = place
        return bool((picture[y - 8 : y + 8, x - 8 : x + 8] == rgb(LINE)).all(axis=2).any())

    assert (blue_around(number_at), blue_around(free)) == (True, False)


def test_a_line_of_less_than_a_pixel_is_still_drawn() -> None:
    found = PageLayout(4000, 4000, (TextLine(BoundingBox(400, 401, 404, 402)),))
    small = marked_scan(found, normalise(Image.new("L", (4000, 4000), 255)), 100)
    assert rgb(LINE) in {colour for _, colour in small.getcolors() or []}
