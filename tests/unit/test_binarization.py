import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from samples.ageing import Wear, scan
from samples.pages import PageDesign, draw
from tests.unit.drawn_pages import DrawnPage, two_columns
from workers.parameters import BinarizationParameters, PipelineParameters
from workers.pipeline import analyse_page
from workers.stages.binarization.deskew import deskewed
from workers.stages.binarization.sharpening import has_touching_characters
from workers.stages.binarization.skew import skew_degrees
from workers.stages.binarization.survey import SURVEY_PIXELS, estimate_text_size, survey_of, survey_page
from workers.stages.binarization.text_size import text_scale
from workers.stages.binarization.threshold import normalise_background, otsu_threshold, threshold
from workers.stages.binarization.working_page import MIN_SCALE_PX, WORKING_SCALE_PX, full_page, working_page
from workers.stages.raster.labelling import label_dense

OTSU, SAUVOLA = BinarizationParameters("otsu"), BinarizationParameters("sauvola")


def test_a_large_scan_is_reduced_to_the_size_its_text_needs() -> None:
    grey = np.asarray(two_columns().image.resize((4200, 5400)))
    page = working_page(grey, OTSU)
    assert page.scale == pytest.approx(WORKING_SCALE_PX, rel=0.08)
    assert page.ink.shape[1] < 1400


def test_the_working_size_does_not_depend_on_the_resolution_of_the_scan() -> None:
    image = two_columns().image
    widths = [working_page(np.asarray(image.resize((1400 * k, 1800 * k))), OTSU).ink.shape[1] for k in (1, 2, 3)]
    assert max(widths) < 1.12 * min(widths)


def test_text_that_was_scanned_too_small_is_enlarged() -> None:
    page = working_page(np.asarray(two_columns().image.resize((490, 630))), OTSU)
    assert page.scale == pytest.approx(MIN_SCALE_PX, rel=0.05)
    assert page.placement.boxes(np.array([[0, 0, page.ink.shape[1], page.ink.shape[0]]]))[0].to_xywh() == (
        0,
        0,
        490,
        630,
    )


def test_small_type_on_a_large_page_is_measured_on_more_pixels() -> None:
    page = DrawnPage(width=2800, height=2400)
    for left in range(60, 2700, 460):
        page.column(left, 60, 420, 150, size=11, pitch=15)
    found = working_page(page.grey, OTSU)
    alone = working_page(page.grey[:1200, :1400], OTSU)
    assert found.ink.shape[1] / page.width == pytest.approx(alone.ink.shape[1] / 1400, rel=0.08)


def test_uneven_paper_becomes_white() -> None:
    grey = two_columns().grey.astype(float)
    shade = np.linspace(0.5, 1.0, grey.shape[1])
    shaded = (grey * shade).astype(np.uint8)
    evened = normalise_background(shaded, 0)
    assert np.percentile(evened[:, 100:-100], 30) > 235
    share = threshold(evened, OTSU, 0).mean()
    assert share == pytest.approx((grey < 128).mean(), rel=0.25)


@pytest.mark.parametrize("parameters", [OTSU, SAUVOLA])
def test_ink_is_thresholded_and_never_dithered(parameters: BinarizationParameters) -> None:
    grey = np.full((300, 300), 200, np.uint8)
    grey[100:120, 50:250] = 90
    ink = threshold(grey, parameters, 11)
    assert ink[105:115, 60:240].all()
    assert not ink[150:].any()


@pytest.mark.parametrize("degrees", [-4.5, -3, -1, 1, 3, 4.5])
def test_the_skew_of_a_scan_is_measured(degrees: float) -> None:
    turned = two_columns().image.rotate(-degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    assert working_page(np.asarray(turned), OTSU).skew == pytest.approx(degrees, abs=0.1)


def test_columns_out_of_step_do_not_sway_the_skew() -> None:
    page = DrawnPage()
    for column, x in enumerate((50, 390, 730, 1070)):
        page.column(x, 100 + 7 * column, 300, 60, size=17, pitch=25)
    page.draw.line((40, 60, 1360, 95), fill=0, width=4)
    turned = page.image.rotate(-2.5, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    assert working_page(np.asarray(turned), OTSU).skew == pytest.approx(2.5, abs=0.1)


def test_foliage_has_no_skew() -> None:
    generator = np.random.default_rng(4)
    x, y = generator.integers(0, 1200, (2, 4000))
    stats = np.stack([x, y, *generator.integers(6, 20, (2, 4000)), np.full(4000, 60)], axis=1).astype(np.int32)
    assert skew_degrees(stats, 12.0) == 0.0
    assert skew_degrees(stats[:3], 12.0) == 0.0


def test_a_straight_page_is_not_turned() -> None:
    assert working_page(two_columns().grey, OTSU).skew == 0


def test_a_black_scan_border_does_not_hide_the_skew() -> None:
    turned = two_columns().image.rotate(-3, expand=True, fillcolor=0, resample=Image.Resampling.BICUBIC)
    assert working_page(np.asarray(turned), OTSU).skew == pytest.approx(3, abs=0.1)


def test_kraken_gets_the_full_scan() -> None:
    grey = two_columns().grey
    page = full_page(grey, OTSU)
    assert page.ink.shape == grey.shape
    assert page.placement.boxes(np.array([[3, 4, 50, 60]]))[0].to_xywh() == (3, 4, 47, 56)


@pytest.mark.parametrize("size", [(4003, 5011), (2999, 4001)])
def test_boxes_come_back_to_the_pixel_where_no_whole_blocks_fill_the_page(size: tuple[int, int]) -> None:
    width, height = size
    page = DrawnPage(width, height)
    page.column(100, 100, width - 400, 50, size=60, pitch=90)
    page.draw.rectangle((width - 90, height - 70, width - 61, height - 41), fill=0)
    working = working_page(page.grey, OTSU)
    corner = np.argwhere(working.ink[-60:, -60:]) + np.array(working.ink.shape) - 60
    (y0, x0), (y1, x1) = corner.min(axis=0), corner.max(axis=0) + 1
    box = working.placement.boxes(np.array([[x0, y0, x1, y1]], np.float64))[0]
    assert np.abs(np.array([box.x_min + box.x_max, box.y_min + box.y_max]) / 2 - (width - 75, height - 55)).max() < 1.5


def test_a_strip_lower_than_the_factor_of_its_size_is_reduced_by_its_height() -> None:
    reduced, factor = survey_of(np.full((2, 6_000_000), 200, np.uint8), SURVEY_PIXELS / 8)
    assert (reduced.shape, factor) == ((1, 3_000_000), 2)


@settings(deadline=None, max_examples=40)
@given(st.floats(-6, 6), st.integers(0, 3).filter(lambda turns: turns != 2), st.integers(30, 300), st.integers(30, 300))
def test_a_box_comes_back_around_the_pixel_it_was_drawn_on(degrees: float, turns: int, x: int, y: int) -> None:
    grey = np.full((400, 500), 255, np.uint8)
    grey[y : y + 6, x : x + 6] = 0
    level, placement = deskewed(
        np.ascontiguousarray(np.rot90(grey, turns)), degrees, 255, np.rot90(grey, turns).shape[::-1], (1.0, 1.0)
    )
    rows, columns = np.nonzero(level < 128)
    around = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    box = placement.turned_back(turns).boxes(around)[0]
    assert abs((box.x_min + box.x_max) / 2 - (x + 3)) <= 2
    assert abs((box.y_min + box.y_max) / 2 - (y + 3)) <= 2


def test_a_black_border_does_not_cost_thin_strokes() -> None:
    grey = np.full((1000, 800), 250, np.uint8)
    for row in range(100, 900, 40):
        grey[row : row + 14, 100:700:12] = 20
        grey[row + 6, 100:700] = 150  # hair strokes
    bare = threshold(grey, OTSU, 11.0)
    framed = cv2.copyMakeBorder(grey, 300, 300, 300, 300, cv2.BORDER_CONSTANT, value=5)
    assert bare[106, 100:700].all()
    assert np.array_equal(threshold(framed, OTSU, 11.0)[300:-300, 300:-300], bare)


def test_otsu_of_a_histogram_is_that_of_its_picture() -> None:
    grey = two_columns().grey // 2 + np.random.default_rng(1).integers(0, 60, (1800, 1400), np.uint8)
    histogram = np.bincount(grey.ravel(), minlength=256).astype(np.float32)
    assert otsu_threshold(histogram)[0] == cv2.threshold(grey, 0, 1, cv2.THRESH_OTSU)[0]


def test_a_pale_print_becomes_as_dark_as_any_other() -> None:
    grey = two_columns().grey
    pale = (150 + grey * 0.35).astype(np.uint8)
    evened = normalise_background(pale, 0)
    assert np.percentile(evened, 1) < 30
    assert np.percentile(evened, 80) > 240


def test_an_empty_page_gets_no_ink() -> None:
    empty = np.full((400, 300), 220, np.uint8) + np.random.default_rng(3).integers(0, 6, (400, 300), np.uint8)
    assert normalise_background(empty, 0).min() > 200


@pytest.mark.parametrize("sigma", [1.0, 2.0, 2.5])
def test_the_text_of_a_scan_out_of_focus_is_measured_as_of_a_sharp_one(sigma: float) -> None:
    grey = np.asarray(two_columns().image.resize((2800, 3600)))
    sharp = working_page(grey, OTSU)
    soft = working_page(cv2.GaussianBlur(grey, (0, 0), sigma), OTSU)
    assert soft.ink.shape[1] == pytest.approx(sharp.ink.shape[1], rel=0.2)


def test_text_whose_letters_run_together_is_measured_by_its_height() -> None:
    sheet = draw(PageDesign(5, columns=5, type_size=14, pitch=19))
    sharp = np.asarray(sheet.image.convert("L"))
    soft = cv2.GaussianBlur(sharp, (0, 0), 1.2)
    assert len(working_page(soft, OTSU).ink) > 0.7 * len(working_page(sharp, OTSU).ink)
    assert text_scale(label_dense(threshold(soft, OTSU, 0)).stats[1:]) > 20
    assert text_scale(label_dense(threshold(soft, OTSU, 0)).stats[1:], run_together=True) < 14


def test_a_joined_hand_is_not_taken_for_a_scan_out_of_focus() -> None:
    page = DrawnPage()
    for y in range(100, 1700, 60):
        for x in range(80, 1200, 160):
            strokes = [(x + k, y + (12 if k // 6 % 2 else -8)) for k in range(0, 130, 6)]
            page.draw.line(strokes, fill=0, width=4)
    survey, _ = survey_of(page.grey, SURVEY_PIXELS)
    assert has_touching_characters(label_dense(threshold(survey, OTSU, 0)).stats[1:])
    assert not survey_page(survey, OTSU).soft


def test_the_noise_of_a_sensor_on_a_pale_page_is_not_measured_as_text() -> None:
    pale = (190 + two_columns().grey / 255.0 * 60).astype(np.float32)
    noisy = (pale + np.random.default_rng(4).normal(0, 25, pale.shape)).clip(0, 255).astype(np.uint8)
    page = working_page(noisy, OTSU)
    assert page.ink.shape[1] == pytest.approx(working_page(pale.astype(np.uint8), OTSU).ink.shape[1], rel=0.15)


def test_lines_are_never_nearer_than_their_type_is_tall() -> None:
    """Where words are taken for letters the text seems larger; the distance of the lines shows that it is not."""
    design = PageDesign(seed=5041, columns=6, type_size=16, pitch=21, gutter=25, rules=True)
    wear = Wear(5041, skew_degrees=0.0, noise=7, stains=5, specks=50, blur=1.2)
    grey = scan(draw(design), wear).grey
    look, factor = estimate_text_size(grey, OTSU)
    assert look.scale * factor > 13.5, "or the page is too easy"
    page = working_page(grey, OTSU)
    assert page.scale * page.placement.to_original[0][0] == pytest.approx(21 / 1.8, abs=0.8)
    assert page.pitch / page.scale == pytest.approx(1.8, abs=0.15)


def cover_on_rough_paper(contrast: float, grain: float) -> Image.Image:
    ink = Image.new("L", (600, 560), 0)
    for text, y in (("H A R B O U R", 60), ("REPORT  OF THE  BOARD", 380), ("1 9 3 7", 490)):
        ImageDraw.Draw(ink).text((300, y), text, 255, ImageFont.load_default(28), anchor="ma")
    random = np.random.default_rng(7)
    coarse = np.asarray(Image.fromarray(random.normal(0, grain, (280, 300)).astype(np.float32)).resize(ink.size))
    strokes = (
        np.asarray(ink.filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255 * random.uniform(0.6, 1, (560, 600))
    )
    grey = 165 - contrast * strokes + coarse + random.normal(0, grain / 2, strokes.shape)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(("contrast", "grain"), [(60, 5), (90, 5), (60, 7), (120, 8), (60, 0)])
def test_a_few_lines_on_rough_paper_are_read_and_nothing_else(contrast: float, grain: float) -> None:
    layout = analyse_page(cover_on_rough_paper(contrast, grain), PipelineParameters())
    tops = [line.bbox.y_min for line in layout.lines]
    assert tops == pytest.approx([67, 387, 497], abs=14)  # a speck may touch a line
    assert layout.faces == ()


def test_rough_paper_without_print_has_no_lines() -> None:
    assert analyse_page(cover_on_rough_paper(0, 6), PipelineParameters()).lines == ()


def test_coarse_grain_is_not_taken_for_very_small_type() -> None:
    page = DrawnPage(2000, 2600, seed=4)
    for y in range(200, 2300, 260):
        page.line(240, y, "Regierung von Bern und Stadt", 80)
    grain = cv2.GaussianBlur(np.random.default_rng(2).normal(0, 1, (2600, 2000)), (0, 0), 1.4)
    grey = (170 - 0.45 * (255 - page.grey.astype(float)) + 22 * grain / grain.std()).clip(0, 255).astype(np.uint8)
    smooth, rough = (estimate_text_size(each, BinarizationParameters()) for each in (page.grey, grey))
    assert rough[0].scale * rough[1] == pytest.approx(smooth[0].scale * smooth[1], rel=0.25)
