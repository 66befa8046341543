"""Ground truth in its three forms, and what pages score against it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.evaluation.matching import Score, as_boxes
from orchestrator.evaluation.pictures import FALSE, HIT, MISS, picture_of, worst_pages
from orchestrator.evaluation.report import Evaluation, as_json, as_table
from orchestrator.evaluation.rules import LengthScore, compare_separators
from orchestrator.evaluation.scores import EvaluationParameters, PageScore, add_up, evaluate_layout
from orchestrator.evaluation.subjects import Subject, evaluate
from orchestrator.evaluation.truth import PageTruth, Truth, UnreadableTruth, read_truth
from workers.errors import UnreadableImage
from workers.layout import BoundingBox, Face, PageLayout, Separator, TextLine

PAGE_XML = """<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
  <Page imageFilename="scans\\p0001.tif" imageWidth="400" imageHeight="600">
    <TextRegion id="r1"><Coords points="10,10 200,10 200,90 10,90"/>
      <TextLine id="l1"><Coords points="10,12 190,10 192,40 11,41"/></TextLine>
      <TextLine id="l2"><Coords><Point x="10" y="50"/><Point x="190" y="50"/><Point x="190" y="80"/></Coords></TextLine>
    </TextRegion>
    <SeparatorRegion id="s1"><Coords points="210,10 214,10 220,590 216,590"/></SeparatorRegion>
    <ImageRegion id="i1"><Coords points="240,300 390,300 390,500 240,500"/></ImageRegion>
  </Page>
</PcGts>"""

ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
  <Description><MeasurementUnit>mm10</MeasurementUnit>
    <sourceImageInformation><fileName>p0002.jpg</fileName></sourceImageInformation></Description>
  <Layout><Page WIDTH="2000" HEIGHT="3000"><PrintSpace>
    <TextBlock ID="b1" HPOS="100" VPOS="100" WIDTH="800" HEIGHT="400">
      <TextLine ID="t1" HPOS="100" VPOS="100" WIDTH="800" HEIGHT="60"><String CONTENT="a"/></TextLine>
    </TextBlock>
    <GraphicalElement ID="g1" HPOS="990" VPOS="100" WIDTH="10" HEIGHT="2800"/>
  </PrintSpace></Page></Layout>
</alto>"""

JSON_TRUTH = {
    "p0003.png": {
        "width": 400, "height": 600, "lines": [[10, 10, 190, 40], [[10, 50], [190, 52], [188, 80]]],
        "separators": [[210, 10, 214, 590]], "faces": [{"bbox": [250, 310, 300, 360]}],
    }
}  # fmt: skip


@pytest.fixture
def truth_folder(tmp_path: Path) -> Path:
    (tmp_path / "page.xml").write_text(PAGE_XML)
    (tmp_path / "alto.xml").write_text(ALTO)
    (tmp_path / "issue").mkdir()
    (tmp_path / "issue" / "truth.json").write_text(json.dumps(JSON_TRUTH))
    (tmp_path / "notes.xml").write_text("<notes/>")
    (tmp_path / "other.json").write_text("[1, 2]")
    return tmp_path


def box(*corners: int) -> BoundingBox:
    return BoundingBox(*corners)


def lines(*boxes: tuple[int, int, int, int]) -> tuple[TextLine, ...]:
    return tuple(TextLine(BoundingBox(*corners)) for corners in boxes)


def upright(x: int, y_min: int, y_max: int) -> Separator:
    return Separator(box(x - 1, y_min, x + 2, y_max), "inserted", ((x, y_min), (x, y_max)))


def rule(x_min: float, y_min: float, x_max: float, y_max: float) -> np.ndarray:
    return np.array([[x_min, y_min], [x_max, y_min], [x_max, y_max], [x_min, y_max]], dtype=np.float64)


def known(truth: Truth, page: str, volume: str = "") -> PageTruth:
    found = truth.find(page, volume)
    assert found is not None
    return found


def test_page_xml_gives_bounding_boxes_of_its_polygons(truth_folder: Path) -> None:
    page = known(read_truth(truth_folder), "p0001.tif")
    assert page.lines is not None and page.separators is not None and page.images is not None
    assert page.lines.tolist() == [[10, 10, 192, 41], [10, 50, 190, 80]]
    assert page.separators[0].tolist() == [[210, 10], [214, 10], [220, 590], [216, 590]]
    assert page.images.tolist() == [[240, 300, 390, 500]]
    assert page.faces is None


def test_alto_in_millimetres_is_brought_to_the_pixels_of_the_scan(truth_folder: Path) -> None:
    page = known(read_truth(truth_folder), "p0002.jpg").scaled_to(4000, 6000)
    assert page.lines is not None and page.separators is not None
    assert page.lines.tolist() == [[200, 200, 1800, 320]]
    assert page.separators[0].max(axis=0).tolist() == [2000, 5800]


def test_truth_json_takes_boxes_polygons_and_things_that_hold_a_box(truth_folder: Path) -> None:
    page = known(read_truth(truth_folder), "p0003.png")
    assert page.lines is not None and page.faces is not None
    assert page.lines.tolist() == [[10, 10, 190, 40], [10, 50, 190, 80]]
    assert page.faces.tolist() == [[250, 310, 300, 360]]
    assert page.images is None


@pytest.mark.parametrize("name", ["p0001.tif", "p0001.jpg", "deep/in/p0001.tif", "page"])
def test_a_page_finds_its_truth_by_the_image_or_the_file_of_truth(truth_folder: Path, name: str) -> None:
    assert known(read_truth(truth_folder), name).names[0] == "scans/p0001.tif"


def test_the_volume_decides_between_pages_of_one_name(tmp_path: Path) -> None:
    for volume, width in (("monday", 100), ("tuesday", 200)):
        (tmp_path / volume).mkdir()
        (tmp_path / volume / "truth.json").write_text(json.dumps({"p1.png": {"width": width, "height": 10}}))
    truth = read_truth(tmp_path)
    assert truth.find("p1.png") is None
    assert known(truth, "p1.png", "/scans/tuesday").width == 200


def test_pages_of_a_multi_page_file_are_told_apart_by_their_number() -> None:
    truth = Truth([PageTruth((f"book.pdf#{number}",), number, number) for number in (1, 2)])
    assert known(truth, "book.pdf#2").width == 2
    assert known(truth, "archive/book.pdf#1").width == 1
    assert truth.find("book.pdf#3") is None


def test_truth_of_another_picture_is_refused() -> None:
    with pytest.raises(UnreadableTruth, match="400 x 600, but the page has 600 x 400 pixels"):
        PageTruth(("p.png",), 400, 600).scaled_to(600, 400)


def test_no_truth_is_an_error_that_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTruth, match="does not exist"):
        read_truth(tmp_path / "nothing")
    with pytest.raises(UnreadableTruth, match="holds no ground truth"):
        read_truth(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("truth.json", "{not json"),
        ("truth.json", "[]"),
        ("truth.json", '{"p.png": {"lines": [[1, 2, 3]]}}'),
        ("page.xml", PAGE_XML[:-40]),
        ("page.xml", PAGE_XML.replace('points="10,12', 'points="10;12')),
        ("alto.xml", ALTO.replace('HPOS="100" VPOS="100" WIDTH="800" HEIGHT="60"', "")),
    ],
)
def test_broken_truth_is_an_error_that_names_the_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UnreadableTruth, match=name):
        read_truth(tmp_path)


def test_truth_cannot_read_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret.tif")
    entity = f'<!DOCTYPE alto [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    text = ALTO.replace("p0002.jpg", "&e;").replace("<alto", f"{entity}<alto")
    (tmp_path / "alto.xml").write_text(text)
    assert read_truth(tmp_path).find("secret.tif") is None


@given(st.lists(st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(1, 90)] * 2), max_size=30))
def test_a_layout_against_itself_is_perfect(found: list[tuple[int, int, int, int]]) -> None:
    boxes = [(x, y, x + width, y + height) for x, y, width, height in found]
    truth = PageTruth(("p",), 400, 400, lines=as_boxes(boxes), faces=as_boxes(boxes), separators=())
    layout = PageLayout(400, 400, lines=lines(*boxes), faces=tuple(Face(BoundingBox(*b)) for b in boxes))
    score = evaluate_layout(layout, truth)
    assert score.line_score == score.face_score == Score(len(boxes), 0, 0)
    assert score.quality == 1.0


def test_what_the_truth_does_not_speak_of_is_not_scored() -> None:
    score = evaluate_layout(PageLayout(10, 10, lines=lines((0, 0, 5, 5))), PageTruth(("p",), 10, 10))
    assert (score.lines, score.separators, score.faces) == (None, None, None)


def test_padding_takes_the_style_of_the_truth_out_of_the_comparison() -> None:
    layout, truth = PageLayout(300, 100, lines=lines((20, 30, 280, 50))), as_boxes([[10, 22, 290, 58]])
    plain = evaluate_layout(layout, PageTruth(("p",), 300, 100, lines=truth), EvaluationParameters(iou=0.6))
    padded = evaluate_layout(layout, PageTruth(("p",), 300, 100, lines=truth), EvaluationParameters(iou=0.6, pad=0.4))
    assert (plain.line_score, padded.line_score) == (Score(0, 1, 1), Score(1, 0, 0))


def test_low_truth_is_neither_wanted_nor_wrong() -> None:
    layout = PageLayout(300, 100, lines=lines((0, 0, 100, 30), (0, 50, 100, 58), (200, 50, 300, 80)))
    truth = PageTruth(("p",), 300, 100, lines=as_boxes([[0, 0, 100, 30], [0, 50, 100, 58], [150, 0, 200, 9]]))
    assert evaluate_layout(layout, truth, EvaluationParameters(min_height=15)).line_score == Score(1, 1, 0)


def test_only_faces_count_as_faces() -> None:
    face, eye = Face(box(0, 0, 50, 50)), Face(box(10, 10, 20, 20), "eye")
    truth = PageTruth(("p",), 100, 100, faces=as_boxes([[0, 0, 50, 50]]))
    assert evaluate_layout(PageLayout(100, 100, faces=(face, eye)), truth).face_score == Score(1, 0, 0)


TEXT = as_boxes([[0, y, 90, y + 16] for y in range(0, 1000, 20)] + [[110, y, 200, y + 16] for y in range(0, 1000, 20)])


def lengths(separators: list[Separator], rules: list[np.ndarray]) -> LengthScore:
    compared = compare_separators(separators, PageTruth(("p",), 200, 1000, lines=TEXT, separators=tuple(rules)))
    assert compared is not None
    return compared.lengths


def test_a_rule_is_covered_as_far_as_a_separator_lies_on_it() -> None:
    score = lengths([upright(100, 0, 400)], [rule(99, 0, 102, 1000)])
    assert (score.recall, score.precision) == (0.4, 1.0)
    assert score.f1 == pytest.approx(2 * 0.4 / 1.4)


def test_two_separators_on_one_rule_cover_it_once_and_one_is_wrong() -> None:
    score = lengths([upright(100, 0, 400), upright(101, 0, 300)], [rule(99, 0, 102, 1000)])
    assert (score.covered, score.correct, score.found) == (400, 400, 700)


def test_two_separators_on_the_two_strokes_of_a_double_rule_are_right() -> None:
    score = lengths([upright(99, 0, 400), upright(101, 0, 300)], [rule(98, 0, 100, 1000), rule(101, 0, 103, 1000)])
    assert (score.correct, score.found) == (700, 700)


@pytest.mark.parametrize("rules", [[], [rule(99, 0, 102, 1000)]])
def test_a_second_separator_in_a_gutter_is_wrong_where_the_first_runs(rules: list[np.ndarray]) -> None:
    score = lengths([upright(100, 100, 900), upright(101, 600, 1000)], rules)
    assert (score.correct, score.found) == (900, 1200)


def test_a_separator_in_a_gutter_without_a_rule_is_right_and_one_through_text_is_not() -> None:
    assert lengths([upright(100, 0, 1000)], []).precision == pytest.approx(1.0, abs=0.01)
    assert lengths([upright(50, 0, 1000)], []).precision < 0.25


def test_a_separator_in_the_margin_is_wrong() -> None:
    truth = PageTruth(("p",), 400, 1000, lines=TEXT, separators=())
    compared = compare_separators([upright(300, 0, 1000)], truth)
    assert compared is not None
    assert compared.lengths.precision == 0.0
    assert compared.correct.tolist() == [False]


def test_slanted_rules_are_followed_row_by_row() -> None:
    slanted = np.array([[95.0, 0], [97, 0], [107, 1000], [105, 1000]])
    along = Separator(box(96, 0, 107, 1000), "printed", ((96, 0), (106, 1000)))
    assert lengths([along], [slanted]).recall == 1.0
    assert 0.2 < lengths([upright(96, 0, 1000)], [slanted]).recall < 0.5


def test_rules_that_lie_do_not_part_columns() -> None:
    score = lengths([], [rule(0, 500, 200, 504)])
    assert (score.rules, score.recall) == (0, 1.0)


@given(st.lists(st.tuples(st.integers(2, 197), st.integers(0, 480), st.integers(500, 999)), max_size=5))
def test_separators_against_themselves_are_perfect(tracks: list[tuple[int, int, int]]) -> None:
    ours = [upright(*track) for track in tracks]
    rules = [rule(s.bbox.x_min, s.bbox.y_min, s.bbox.x_max, s.bbox.y_max) for s in ours]
    score = lengths(ours, rules)
    assert (score.precision, score.recall) == (1.0, 1.0)
    assert score.found == score.rules == sum(s.bbox.height for s in ours)


def page_score(name: str, found: list[tuple[int, int, int, int]], true: list[list[int]]) -> PageScore:
    truth = PageTruth((name,), 200, 100, lines=as_boxes(true), faces=as_boxes([[150, 10, 190, 50]]), separators=())
    return evaluate_layout(PageLayout(200, 100, lines=lines(*found)), truth, page=name)


def test_pages_add_up_by_their_counts_not_by_their_rates() -> None:
    good = page_score("good", [(0, 0, 50, 20)] * 1, [[0, 0, 50, 20]])
    bad = page_score("bad", [(0, 60, 50, 80)] * 3, [[0, 0, 50, 20]])
    total = add_up([good, bad])
    assert total.lines == Score(1, 3, 1)
    assert total.faces == Score(0, 0, 2)
    assert (total.pages, total.separators) == (2, LengthScore())
    assert [page.page for page in worst_pages([good, bad], 1)] == ["bad"]


def test_the_report_says_the_same_to_people_and_to_machines() -> None:
    wide = page_score("wide", [(0, 0, 140, 20)], [[0, 0, 60, 20], [80, 0, 140, 20]])
    evaluation = Evaluation((wide,), ("stranger.png",), ("lost.png",))
    values = json.loads(json.dumps(as_json(evaluation)))
    assert values["pages"][0]["lines_across_columns"] == values["overall"]["lines_across_columns"] == 1
    assert values["overall"]["lines"]["false_positives"] == 1
    assert values["overall"]["lines"]["recall"] == 0.0
    assert values["overall"]["separators"]["found_px"] == 0
    table = "\n".join(as_table(evaluation))
    assert "1 run across columns" in table
    assert "pages without truth: 1 (stranger.png)" in table
    assert "truth without a page: 1 (lost.png)" in table


def test_a_long_name_keeps_its_end_in_the_table() -> None:
    table = list(as_table(Evaluation((page_score("x" * 80 + "_0017.tif", [], []),), (), ())))
    assert "_0017.tif" in table[1]
    assert table[1].index("lines") == table[0].index("      true") - 10


def test_the_picture_shows_hits_misses_and_false_ones_in_their_colours() -> None:
    page = page_score("p", [(10, 10, 60, 30), (10, 60, 60, 80)], [[10, 10, 60, 30], [80, 60, 130, 80]])
    picture = picture_of(page, np.full((100, 200), 255, np.uint8))
    assert picture.getpixel((30, 10)) == HIT
    assert picture.getpixel((30, 60)) == FALSE
    assert picture.getpixel((100, 60)) == MISS
    assert picture.getpixel((170, 10)) == MISS  # the face
    assert picture.getpixel((100, 30)) == (255, 255, 255)


def test_a_large_scan_gives_a_picture_of_handy_size() -> None:
    truth = PageTruth(("p",), 6000, 3000, lines=as_boxes([[600, 600, 3000, 900]]), separators=(rule(90, 0, 99, 3000),))
    layout = PageLayout(6000, 3000, separators=(upright(3000, 0, 3000),))
    picture = picture_of(evaluate_layout(layout, truth), np.zeros((3000, 6000), np.uint8))
    assert picture.size == (2400, 1200)
    assert picture.getpixel((800, 240)) == MISS
    assert picture.getpixel((1200, 800)) == FALSE


def subject(name: str, layout: PageLayout | Exception) -> Subject:
    def found() -> PageLayout:
        if isinstance(layout, Exception):
            raise layout
        return layout

    return Subject("volume", name, found, lambda: np.zeros((10, 10), np.uint8))


def test_pages_that_cannot_be_compared_are_named_and_stop_nothing() -> None:
    truth = Truth([PageTruth((name,), 10, 10, lines=as_boxes([])) for name in ("a.png", "b.png", "c.png", "d.png")])
    subjects = [
        subject("a.png", UnreadableImage("a.png is broken")),
        subject("b.png", PageLayout(10, 30)),
        subject("c.png", PageLayout(10, 10)),
        subject("stranger.png", AssertionError("a page without truth is not even analysed")),
    ]
    told: list[str] = []
    evaluation, pages = evaluate(subjects, truth, EvaluationParameters(), told.append)
    assert [page.page for page in evaluation.pages] == list(pages) == ["c.png"]
    assert evaluation.without_truth == ("a.png", "b.png", "stranger.png")
    assert evaluation.without_page == ("a.png", "b.png", "d.png")
    assert told[0] == "a.png is broken"
