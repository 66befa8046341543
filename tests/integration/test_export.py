"""Exports, read back by tools that nobody here wrote."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from PIL import Image
from sqlalchemy import Engine, update

import models
from models.session import open_engine_read_only
from orchestrator.export.options import ExportOptions
from orchestrator.export.run import run_export
from orchestrator.results.pages import count_pages, read_pages
from orchestrator.results.selection import Selection, resolve
from orchestrator.terminal.files import writing
from tests.archive import HEIGHT, WIDTH, add_done_pages, page, rule, text_lines
from tests.disk import small_disk
from workers.errors import UnreadableInput
from workers.layout import BoundingBox, Face, PageLayout, Picture, TextLine
from workers.sources.address import PageAddress

SCHEMAS = Path(__file__).parents[1] / "schemas"
FACE = BoundingBox(600, 300, 700, 420)


def two_columns() -> PageLayout:
    lines = (*text_lines(12), *text_lines(9, x=550, top=500))
    return replace(page(), lines=lines, separators=(rule(), rule(940, "inserted")), faces=(Face(FACE, "face", 4.25),))


def neural() -> PageLayout:
    box = BoundingBox(100, 100, 300, 140)
    line = TextLine(box, ((100, 135), (300, 133)), ((100, 100), (300, 100), (300, 140), (100, 140)))
    return replace(page(), lines=(line,), separators=())


PICTURE = BoundingBox(550, 100, 900, 400)
TRIANGLE = ((550, 100), (900, 100), (550, 400))


def pictured() -> PageLayout:
    line = TextLine(BoundingBox(100, 100, 300, 140), ((100, 135), (299, 133)), None, 2, "headline", 0.75)
    return replace(page(), lines=(line,), pictures=(Picture(PICTURE, TRIANGLE, "photograph", 0.2),))


@pytest.fixture
def archive(engine: Engine, tmp_path: Path) -> Engine:
    """Three pages with their scans in a directory volume, one of them without lines."""
    folder = tmp_path / "scans"
    folder.mkdir()
    runs = add_done_pages(engine, [two_columns(), page(0), two_columns()], source="scans")
    generator = np.random.default_rng(1)
    with engine.begin() as connection:
        connection.execute(update(models.Volume).values(location=str(folder)))
        for number, run in enumerate(runs, 1):
            name = f"p{number:04}.tif"
            Image.fromarray(generator.integers(0, 255, (HEIGHT, WIDTH), np.uint8)).save(folder / name)
            of_run = models.Page.page_id.in_(
                models.PageRun.__table__.select()
                .with_only_columns(models.PageRun.page_id)
                .where(models.PageRun.page_run_id == run)
            )
            connection.execute(update(models.Page).where(of_run).values(address=PageAddress((name,)).to_json()))
    return engine


def export(engine: Engine, form: str, output: Path, *, selection: Selection | None = None, **options: Any) -> int:
    with contextlib.redirect_stderr(io.StringIO()):
        return run_export(engine, form, output, selection or Selection(), ExportOptions(**options), 10**9)


class _Local(etree.Resolver):
    def resolve(self, url: str, public_id: str, context: Any) -> Any:
        return self.resolve_filename(str(SCHEMAS / Path(url).name), context)


def schema(name: str) -> etree.XMLSchema:
    parser = etree.XMLParser()
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(SCHEMAS / name, parser))


@pytest.mark.parametrize(
    ("form", "suffix", "official"),
    [("alto", "alto.xml", "alto-4-4.xsd"), ("page", "page.xml", "pagecontent-2019-07-15.xsd")],
)
def test_xml_is_valid_and_kraken_reads_the_same_lines(
    archive: Engine, tmp_path: Path, form: str, suffix: str, official: str
) -> None:
    from kraken.lib.xml import XMLPage

    assert export(archive, form, tmp_path / "out") == 0
    check = schema(official)
    for number in (1, 2, 3):
        path = tmp_path / "out" / "scans" / f"p{number:04}.tif.{suffix}"
        check.assertValid(etree.parse(path))
        read = XMLPage(path, linetype="bbox")
        assert Path(read.imagename).resolve() == tmp_path / "scans" / f"p{number:04}.tif"
        assert read.image_size == (WIDTH, HEIGHT)
        expected = [] if number == 2 else [line.bbox for line in two_columns().lines]
        ends = int(form == "page")  # PAGE names the last pixels, and kraken takes them as they are
        boxes = [(*line.bbox[:2], *(value + ends for value in line.bbox[2:])) for line in read.get_sorted_lines()]
        assert [BoundingBox(*box) for box in boxes] == expected
    assert {
        kind: sum(
            f"{kind}_" in str(e.get("ID") or e.get("id"))
            for e in etree.parse(tmp_path / f"out/scans/p0001.tif.{suffix}").iter()
        )
        for kind in ("separator", "face")
    } == {"separator": 2, "face": 1}


@pytest.mark.parametrize(
    ("form", "suffix", "official"),
    [("alto", "alto.xml", "alto-4-4.xsd"), ("page", "page.xml", "pagecontent-2019-07-15.xsd")],
)
def test_baselines_of_the_neural_segmenter_are_kept(
    engine: Engine, tmp_path: Path, form: str, suffix: str, official: str
) -> None:
    from kraken.lib.xml import XMLPage

    add_done_pages(engine, [neural()])
    export(engine, form, tmp_path / "out")
    path = tmp_path / "out" / "scans" / f"p0001.tif.{suffix}"
    schema(official).assertValid(etree.parse(path))
    (line,) = XMLPage(path).get_sorted_lines()
    assert line.baseline == [(100, 135), (300, 133)]
    assert line.boundary == [(100, 100), (300, 100), (300, 140), (100, 140)]


@pytest.mark.parametrize(
    ("form", "suffix"), [("alto", "alto.xml"), ("page", "page.xml"), ("hocr", "hocr"), ("iiif", "json")]
)
def test_each_page_says_which_pipeline_made_it(archive: Engine, tmp_path: Path, form: str, suffix: str) -> None:
    export(archive, form, tmp_path / "out")
    assert "0000000000000001" in (tmp_path / "out" / "scans" / f"p0001.tif.{suffix}").read_text()
    manifest = json.loads((tmp_path / "out" / "_export.json").read_text())
    assert manifest["provenance"][0]["pipeline"] == "0000000000000001"


def test_hocr_has_its_lines_where_they_are(archive: Engine, tmp_path: Path) -> None:
    export(archive, "hocr", tmp_path / "out")
    document = etree.parse(tmp_path / "out" / "scans" / "p0001.tif.hocr")
    declared = document.find(".//{*}meta[@name='ocr-capabilities']").get("content").split()
    used = {element.get("class") for element in document.iter() if element.get("class")}
    assert used <= set(declared)
    lines = document.findall(".//{*}span[@class='ocr_line']")
    boxes = [tuple(map(int, line.get("title").split()[1:5])) for line in lines]
    assert boxes == [(b.x_min, b.y_min, b.x_max, b.y_max) for b in (line.bbox for line in two_columns().lines)]
    # an HTML reader, which knows no empty elements, sees the same tree
    html = etree.parse(tmp_path / "out" / "scans" / "p0001.tif.hocr", etree.HTMLParser())
    assert len(html.findall(".//div[@class='ocr_carea']/span[@class='ocr_line']")) == len(lines)


@pytest.mark.parametrize(
    ("form", "suffix", "official", "where", "named"),
    [
        ("alto", "alto.xml", "alto-4-4.xsd", ".//{*}Page", {"ROTATION": "91.500"}),
        ("page", "page.xml", "pagecontent-2019-07-15.xsd", ".//{*}Page", {"orientation": "91.500"}),
        ("hocr", "hocr", None, ".//{*}*[@class='ocr_line']", {"title": "bbox 100 100 120 450; textangle 90"}),
    ],
)
def test_a_page_on_its_side_says_so(
    engine: Engine, tmp_path: Path, form: str, suffix: str, official: str | None, where: str, named: dict[str, str]
) -> None:
    lines = tuple(TextLine(BoundingBox.from_xywh(100 + 30 * number, 100, 20, 350)) for number in range(9))
    add_done_pages(engine, [replace(page(), lines=lines, skew_degrees=-91.5)])
    export(engine, form, tmp_path / "out")
    document = etree.parse(tmp_path / "out" / "scans" / f"p0001.tif.{suffix}")
    if official:
        schema(official).assertValid(document)
    assert named.items() <= dict(document.find(where).attrib).items()


# the properties of hOCR 1.2 that we use, as its grammar spells them; elements are named in its section on typesetting
HOCR_PROPERTY = re.compile(r'bbox( \d+){4}|image "[^"]+"|ppageno \d+|baseline -?[\d.]+ -?\d+|textangle \d+|poly( \d+)+')
HOCR_CLASSES = {"ocr_page", "ocr_carea", "ocr_line", "ocr_separator", "ocr_photo"}


def test_hocr_speaks_the_grammar_of_its_specification(archive: Engine, tmp_path: Path) -> None:
    export(archive, "hocr", tmp_path / "out")
    document = etree.parse(tmp_path / "out" / "scans" / "p0001.tif.hocr")
    marked = [element for element in document.iter() if element.get("class")]
    assert {element.get("class") for element in marked} == HOCR_CLASSES
    for element in marked:
        properties = element.get("title").split("; ")
        assert all(HOCR_PROPERTY.fullmatch(found) for found in properties)
        assert sum(found.startswith("bbox ") for found in properties) == 1
    assert document.find(".//{*}meta[@name='ocr-system']").get("content").startswith("broadsheet ")
    assert {line.getparent().get("class") for line in document.iterfind(".//{*}span[@class='ocr_line']")} == {
        "ocr_carea"
    }
    (page,) = document.findall(".//{*}*[@class='ocr_page']")
    assert f"bbox 0 0 {WIDTH} {HEIGHT}" in page.get("title")
    assert "ppageno 0" in page.get("title")  # of page 1: hOCR counts from 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_pycocotools_opens_the_coco_file(archive: Engine, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    export(archive, "coco", tmp_path / "boxes.json")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "boxes.json"))
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == [
        "line",
        "separator",
        "face",
        "picture",
    ]
    assert len(coco.getImgIds()) == 3
    assert len(coco.getAnnIds(catIds=[1])) == 42
    numbers = [annotation["id"] for annotation in coco.dataset["annotations"]]
    assert len(set(numbers)) == len(numbers) == 42 + 5 + 2 and max(numbers) < 2**53  # as JavaScript counts
    (face,) = coco.loadAnns(coco.getAnnIds(imgIds=[coco.getImgIds()[0]], catIds=[3]))
    assert face["bbox"] == list(FACE.to_xywh())
    assert int(coco.annToMask(face).sum()) == FACE.area
    assert coco.dataset["info"]["broadsheet"][0]["pipeline"] == "0000000000000001"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_pictures_and_confidences_are_where_each_format_has_them(engine: Engine, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    add_done_pages(engine, [pictured()])
    export(engine, "coco", tmp_path / "boxes.json")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "boxes.json"))
    (picture,) = coco.loadAnns(coco.getAnnIds(catIds=[4]))
    assert (picture["bbox"], picture["area"]) == (list(PICTURE.to_xywh()), PICTURE.area / 2)
    assert int(coco.annToMask(picture).sum()) == pytest.approx(PICTURE.area / 2, rel=0.01)
    assert len({one["id"] for one in coco.dataset["annotations"]}) == 3
    export(engine, "yolo", tmp_path / "yolo")
    assert (tmp_path / "yolo/labels/scans/p0001.tif.txt").read_text().splitlines()[-1].startswith("3 0.725000 ")
    export(engine, "iiif", tmp_path / "iiif")
    found = json.loads((tmp_path / "iiif/scans/p0001.tif.json").read_text())["items"][-1]
    assert (found["body"]["value"], found["target"]["selector"]["value"]) == ("photograph", "xywh=550,100,350,300")
    export(engine, "page", tmp_path / "page")
    told = etree.parse(tmp_path / "page/scans/p0001.tif.page.xml")
    schema("pagecontent-2019-07-15.xsd").assertValid(told)
    assert told.find(".//{*}TextLine/{*}Coords").get("conf") == "0.750"
    export(engine, "hocr", tmp_path / "hocr")
    shown = etree.parse(tmp_path / "hocr/scans/p0001.tif.hocr").find(".//{*}*[@id='picture_1']")
    assert (shown.get("class"), shown.get("title")) == ("ocr_photo", "bbox 550 100 900 400")


def test_tables_say_of_a_line_what_is_known_of_it(engine: Engine, tmp_path: Path) -> None:
    import pandas

    add_done_pages(engine, [pictured()])
    export(engine, "parquet", tmp_path / "boxes")
    export(engine, "csv", tmp_path / "boxes.csv")
    for frame in (pandas.read_parquet(tmp_path / "boxes"), pandas.read_csv(tmp_path / "boxes.csv")):
        line, picture = (frame[frame.kind == kind].iloc[0] for kind in ("line", "picture"))
        assert (line.label, line.confidence, line.column_number, line.block_number) == ("headline", 0.75, 2, 1)
        assert (line.baseline_y_left, line.baseline_y_right) == (135, 133)
        assert picture.label == "photograph" and json.loads(picture.outline) == [list(point) for point in TRIANGLE]
        assert pandas.isna(picture.column_number) and pandas.isna(line.outline)


def test_tables_tell_bent_baselines_and_outlines_of_the_lines_that_have_them(engine: Engine, tmp_path: Path) -> None:
    import pandas

    add_done_pages(engine, [page(3), neural(), page(0)])
    export(engine, "parquet", tmp_path / "boxes")
    lines = pandas.read_parquet(tmp_path / "boxes").query("kind == 'line'").sort_values(["page", "number"])
    assert lines.outline.notna().tolist() == [False, False, False, True]
    assert json.loads(lines.baseline.iloc[3]) == [[100, 135], [300, 133]]
    assert json.loads(lines.outline.iloc[3]) == [[100, 100], [300, 100], [300, 140], [100, 140]]
    assert lines.confidence.isna().all() and set(lines.label) == {"body"}


@pytest.mark.parametrize("with_images", [False, True])
def test_the_files_that_coco_names_are_there(archive: Engine, tmp_path: Path, with_images: bool) -> None:
    (tmp_path / "far").mkdir()
    assert export(archive, "coco", tmp_path / "far/boxes.json", with_images=with_images) == 0
    for image in json.loads((tmp_path / "far/boxes.json").read_text())["images"]:
        with Image.open(tmp_path / "far" / image["file_name"]) as opened:
            assert opened.size == (image["width"], image["height"])
            assert opened.format == ("JPEG" if with_images else "TIFF")


def test_a_condition_chooses_pages_for_every_export(archive: Engine, database_url: str, tmp_path: Path) -> None:
    reader = open_engine_read_only(database_url)
    export(reader, "csv", tmp_path / "some.csv", where="faces = 0 -- and so on")
    assert {row["page"] for row in csv.DictReader((tmp_path / "some.csv").read_text().splitlines())} == {"p0002.tif"}
    export(reader, "alto", tmp_path / "out", where="page_number > 1")
    assert sorted(path.name for path in (tmp_path / "out/scans").iterdir()) == [
        "p0002.tif.alto.xml", "p0003.tif.alto.xml",
    ]  # fmt: skip
    with pytest.raises(UnreadableInput, match="for which page_number > 9 holds"):
        export(reader, "alto", tmp_path / "none", where="page_number > 9")
    for wrong in ("facez > 1", "1) ; DELETE FROM page; --", "1 = 1) UNION (SELECT 'x'", ""):
        with pytest.raises(UnreadableInput, match="is no condition on page_status"):
            export(reader, "alto", tmp_path / "none", where=wrong)
    reader.dispose()


def test_duckdb_and_pandas_open_the_parquet_folders(archive: Engine, tmp_path: Path) -> None:
    import duckdb
    import pandas

    add_done_pages(archive, [page(4)], source="other/volume 2")
    export(archive, "parquet", tmp_path / "boxes")
    counted = duckdb.sql(
        f"SELECT volume, kind, count(*) FROM read_parquet('{tmp_path}/boxes/*/*.parquet', hive_partitioning = true) "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert counted == [
        ("other/volume 2", "line", 4),
        ("other/volume 2", "separator", 1),
        ("scans", "face", 2),
        ("scans", "line", 42),
        ("scans", "separator", 5),
    ]
    frame = pandas.read_parquet(tmp_path / "boxes")
    face = frame[frame.kind == "face"].iloc[0]
    assert (face.x_min, face.y_min, face.x_max, face.y_max) == (600, 300, 700, 420)
    assert (face.page, face.label, face.page_width, float(face.confidence)) == ("p0001.tif", "face", WIDTH, 4.25)
    assert set(frame.volume) == {"scans", "other/volume 2"}


def test_csv_has_every_box_with_its_page(archive: Engine, tmp_path: Path) -> None:
    export(archive, "csv", tmp_path / "boxes.csv")
    rows = list(csv.DictReader((tmp_path / "boxes.csv").read_text().splitlines()))
    assert len(rows) == 42 + 5 + 2
    face = next(row for row in rows if row["kind"] == "face")
    assert [face[name] for name in ("volume", "page", "label", "confidence", "x_min", "y_max")] == [
        "scans", "p0001.tif", "face", "4.25", "600", "420",
    ]  # fmt: skip


def test_iiif_annotations_point_into_the_canvas(archive: Engine, tmp_path: Path) -> None:
    canvas = "https://example.org/{volume}/canvas/{page_number}"
    export(archive, "iiif", tmp_path / "out", canvas=canvas)
    found = json.loads((tmp_path / "out/scans/p0003.tif.json").read_text())
    assert found["type"] == "AnnotationPage"
    assert len(found["items"]) == 21 + 2 + 1
    target = found["items"][-1]["target"]
    assert target["source"] == "https://example.org/scans/canvas/3"
    assert target["selector"]["value"] == "xywh=600,300,100,120"
    assert len({item["id"] for item in found["items"]}) == 24
    assert found["@context"][-1] == "http://iiif.io/api/presentation/3/context.json"  # which wants to be the last
    for item in found["items"]:
        assert (item["type"], item["target"]["type"]) == ("Annotation", "SpecificResource")
        assert item["target"]["selector"]["type"] == "FragmentSelector"
        assert item["motivation"] == "tagging"  # which viewers list; a line without text supplements nothing


def test_a_manifest_leads_to_the_files_that_lie_beside_it(archive: Engine, tmp_path: Path) -> None:
    base = "https://example.org/out"
    assert export(archive, "iiif", tmp_path / "out", manifest=True, base_url=f"{base}/") == 0
    made = json.loads((tmp_path / "out/scans/manifest.json").read_text())
    assert made["id"] == f"{base}/scans/manifest.json"
    for canvas, lines in zip(made["items"], (21, 0, 21), strict=True):
        (link,) = canvas["annotations"]
        annotations = json.loads((tmp_path / "out" / link["id"].removeprefix(f"{base}/")).read_text())
        assert annotations["id"] == link["id"]
        assert {item["target"]["source"] for item in annotations["items"]} <= {canvas["id"]}
        assert sum("#line-" in item["id"] for item in annotations["items"]) == lines
        picture = canvas["items"][0]["items"][0]["body"]["id"]
        with Image.open(tmp_path / "out" / picture.removeprefix(f"{base}/")) as image:
            assert image.size == (canvas["width"], canvas["height"])


def test_a_manifest_may_lead_to_an_image_service(archive: Engine, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="needs --base-url"):
        export(archive, "iiif", tmp_path / "out", manifest=True)
    service = "https://images.example.org/3/{volume}%2F{page}"
    export(archive, "iiif", tmp_path / "out", manifest=True, base_url="https://example.org", image_service=service)
    made = json.loads((tmp_path / "out/scans/manifest.json").read_text())
    picture = made["items"][0]["items"][0]["items"][0]["body"]
    assert picture["service"][0]["id"] == "https://images.example.org/3/scans%2Fp0001.tif"
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_yolo_labels_are_fractions_and_images_lie_beside(archive: Engine, tmp_path: Path) -> None:
    export(archive, "yolo", tmp_path / "out", with_images=True)
    rows = (tmp_path / "out/labels/scans/p0001.tif.txt").read_text().splitlines()
    assert len(rows) == 24
    assert rows[-1] == f"2 {650 / WIDTH:.6f} {360 / HEIGHT:.6f} {100 / WIDTH:.6f} {120 / HEIGHT:.6f}"
    with Image.open(tmp_path / "out/images/scans/p0001.tif.jpg") as image:
        assert image.size == (WIDTH, HEIGHT)
    assert "0: line" in (tmp_path / "out/dataset.yaml").read_text()


def test_crops_are_the_pixels_of_the_scan(archive: Engine, tmp_path: Path) -> None:
    export(archive, "crops", tmp_path / "out")
    with (
        Image.open(tmp_path / "out/scans/p0001.tif/face-0001.png") as crop,
        Image.open(tmp_path / "scans/p0001.tif") as scan,
    ):
        assert np.array_equal(np.asarray(crop), np.asarray(scan)[300:420, 600:700])
        assert crop.info["broadsheet:pipeline"] == "0000000000000001"
        assert crop.info["Source"].endswith("p0001.tif xywh=600,300,100,120")


def test_crops_may_have_a_margin_that_ends_with_the_page(archive: Engine, tmp_path: Path) -> None:
    export(archive, "crops", tmp_path / "some", margin=50)
    export(archive, "crops", tmp_path / "all", margin=500)
    with (
        Image.open(tmp_path / "some/scans/p0001.tif/face-0001.png") as crop,
        Image.open(tmp_path / "scans/p0001.tif") as scan,
    ):
        assert np.array_equal(np.asarray(crop), np.asarray(scan)[250:470, 550:750])
        assert crop.info["Source"].endswith("xywh=550,250,200,220")
    with Image.open(tmp_path / "all/scans/p0001.tif/face-0001.png") as crop:
        assert crop.size == (1000 - 100, 920)


@pytest.mark.parametrize(("skew", "turns"), [(91.5, 1), (-90.0, 3)])
def test_crops_of_a_page_on_its_side_are_turned_upright(
    archive: Engine, tmp_path: Path, skew: float, turns: int
) -> None:
    with archive.begin() as connection:
        connection.execute(update(models.PageRun).values(skew_degrees=skew))
    export(archive, "crops", tmp_path / "out")
    with (
        Image.open(tmp_path / "out/scans/p0001.tif/face-0001.png") as crop,
        Image.open(tmp_path / "scans/p0001.tif") as scan,
    ):
        assert np.array_equal(np.asarray(crop), np.rot90(np.asarray(scan)[300:420, 600:700], turns))


@pytest.mark.parametrize(("what", "sheets"), [("faces", 1), ("lines", 1)])
def test_contact_sheets_show_every_crop(archive: Engine, tmp_path: Path, what: str, sheets: int) -> None:
    export(archive, "contact-sheet", tmp_path / "out", what=what)
    found = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert found == [f"{what}-{number:04}.png" for number in range(1, sheets + 1)]


def test_a_scan_that_is_gone_is_told_and_the_rest_is_written(archive: Engine, tmp_path: Path) -> None:
    (tmp_path / "scans/p0001.tif").unlink()
    assert export(archive, "crops", tmp_path / "out") == 1
    assert [path.parent.name for path in (tmp_path / "out").rglob("*.png")] == ["p0003.tif"]


@pytest.mark.parametrize(
    ("form", "options", "good"),
    [("crops", {}, 1), ("crops", {"what": "lines"}, 21), ("yolo", {"with_images": True}, 5), ("contact-sheet", {}, 1)],
)
@pytest.mark.parametrize("fault", ["gone", "cut off", "not a file", "too large"])
def test_a_broken_scan_among_good_ones_ends_no_export(
    archive: Engine,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    form: str,
    options: dict[str, Any],
    good: int,
    fault: str,
) -> None:
    scan = tmp_path / "scans/p0001.tif"
    whole = scan.read_bytes()
    scan.unlink()
    if fault == "cut off":
        scan.write_bytes(whole[: len(whole) // 2])
    elif fault == "not a file":
        scan.mkdir()
    elif fault == "too large":
        Image.new("1", (40_000, 40_000)).save(scan)
    assert run_export(archive, form, tmp_path / "out", Selection(), ExportOptions(**options), 10**8) == 1
    told = [line for line in capfd.readouterr().err.splitlines() if "p0001.tif" in line]
    assert len(told) == 1 and told[0].startswith("p0001.tif ") and told[0].count("p0001.tif") == 1
    written = [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".png", ".txt", ".jpg")]
    assert len(written) == good


def test_a_page_whose_file_cannot_be_named_or_made_ends_no_export(archive: Engine, tmp_path: Path) -> None:
    export(archive, "alto", tmp_path / "out", selection=Selection(pages=("p0003.tif",)))
    (tmp_path / "other/scans/p0001.tif.alto.xml").mkdir(parents=True)
    (tmp_path / "out/_export.json").rename(tmp_path / "other/_export.json")
    selection = Selection(pages=("p0001.tif", "p0002.tif"))
    manifest = json.loads((tmp_path / "other/_export.json").read_text())
    manifest["selection"]["pages"] = list(selection.pages)
    (tmp_path / "other/_export.json").write_text(json.dumps(manifest))
    assert export(archive, "alto", tmp_path / "other", selection=selection) == 1
    assert (tmp_path / "other/scans/p0002.tif.alto.xml").is_file()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("form", ["alto", "iiif", "yolo", "crops", "parquet", "contact-sheet"])
def test_an_interrupted_export_is_completed(archive: Engine, tmp_path: Path, form: str) -> None:
    export(archive, form, tmp_path / "out")
    whole = contents(tmp_path / "out")
    lost = next(
        path for path in sorted((tmp_path / "out").rglob("*")) if path.is_file() and path.name != "_export.json"
    )
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file() and path != lost}
    lost.unlink()
    export(archive, form, tmp_path / "out")
    assert contents(tmp_path / "out").keys() == whole.keys()
    again = {path: path.stat().st_mtime_ns for path in kept if path.name != "_export.json"}
    assert all(kept[path] == moment for path, moment in again.items())


def test_a_folder_with_something_else_is_refused(archive: Engine, tmp_path: Path) -> None:
    export(archive, "alto", tmp_path / "out")
    with pytest.raises(UnreadableInput, match="holds another export"):
        export(archive, "page", tmp_path / "out")
    with pytest.raises(UnreadableInput, match="not empty"):
        export(archive, "page", tmp_path / "scans")
    export(archive, "coco", tmp_path / "boxes.json")
    with pytest.raises(UnreadableInput, match="exists already"):
        export(archive, "coco", tmp_path / "boxes.json")


def test_an_empty_database_and_unknown_names_are_a_sentence(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="no finished page"):
        export(engine, "alto", tmp_path / "out")
    add_done_pages(engine, [page()])
    for selection in (Selection(volumes=("scan",)), Selection(pages=("p9.tif",)), Selection(pipeline="f")):
        with pytest.raises(UnreadableInput, match="The database has no"):
            resolve(engine, selection)
    assert not (tmp_path / "out").exists()


def test_the_newest_pipeline_of_a_page_is_exported_unless_one_is_named(engine: Engine, tmp_path: Path) -> None:
    (run,) = add_done_pages(engine, [page(5)])
    with engine.begin() as connection:
        old = connection.execute(models.PageRun.__table__.select().where(models.PageRun.page_run_id == run)).one()
        newer = {"fingerprint": "ffffffffffffffff", "parameters": "{}", "versions": "{}"}
        pipeline = connection.execute(
            models.Pipeline.__table__.insert().values(newer).returning(models.Pipeline.pipeline_id)
        ).scalar_one()
        again = {"page_id": old.page_id, "pipeline_id": pipeline, "state": "done", "width": 9, "height": 9}
        connection.execute(models.PageRun.__table__.insert().values(again))
    export(engine, "csv", tmp_path / "new.csv")
    export(engine, "csv", tmp_path / "old.csv", selection=Selection(pipeline=old_fingerprint(engine, old.pipeline_id)))
    assert len((tmp_path / "new.csv").read_text().splitlines()) == 1
    assert len((tmp_path / "old.csv").read_text().splitlines()) == 1 + 5 + 1


def old_fingerprint(engine: Engine, pipeline_id: int) -> str:
    with engine.connect() as connection:
        found = models.Pipeline.__table__.select().where(models.Pipeline.pipeline_id == pipeline_id)
        return str(connection.execute(found).one().fingerprint)


def test_a_selection_may_name_any_number_of_page_runs(engine: Engine) -> None:
    add_done_pages(engine, [page(2), page(2)])
    assert count_pages(engine, Selection(page_runs=tuple(range(1, 100_000)))) == 2
    assert len(list(read_pages(engine, Selection(page_runs=tuple(range(2, 100_000)))))) == 1


def test_many_pages_come_in_blocks_and_in_order(engine: Engine, tmp_path: Path) -> None:
    add_done_pages(engine, [page(2) for _ in range(205)])
    export(engine, "csv", tmp_path / "boxes.csv")
    pages = [
        row["page"]
        for row in csv.DictReader((tmp_path / "boxes.csv").read_text().splitlines())
        if row["kind"] == "line"
    ]
    assert pages == [f"p{number:04}.tif" for number in range(1, 206) for _ in range(2)]


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    with (
        small_disk(),
        pytest.raises(UnreadableInput, match="could not be written"),
        writing(tmp_path / "big.csv") as out,
    ):
        out.write("x" * 100_000)
    assert list(tmp_path.iterdir()) == []
