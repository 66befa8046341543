"""Faces on photographs, in printed pictures and on pages of type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from benchmarks.marked_faces import ASTRONAUT, FACES
from orchestrator.evaluation.matching import as_boxes, match_boxes
from tests.unit.drawn_pages import two_columns
from workers import weights
from workers.layout import BoundingBox, Face
from workers.parameters import (
    CASCADES,
    NOT_INSTALLED,
    FaceParameters,
    PipelineParameters,
    versions_for,
    with_installed,
)
from workers.stages.faces import detection, yunet
from workers.stages.faces.cascade import load_cascade, window_side
from workers.stages.faces.detection import find_faces
from workers.stages.faces.yunet import FaceWeightsMissing
from workers.stages.palette.normalise import normalise
from workers.weights import FACE_DETECTOR, find_weights

Grey = NDArray[np.uint8]


@cache
def astronaut() -> Grey:
    return np.asarray(Image.fromarray(skimage.data.astronaut()).convert("L"))


def with_cascade(**given: object) -> FaceParameters:
    return FaceParameters(detector="cascade", **given)  # type: ignore[arg-type]


def photograph(shared_data: Path, name: str) -> Grey:
    with Image.open(shared_data / name) as image:
        return normalise(image).grey


def corners(boxes: Sequence[tuple[int, int, int, int]]) -> NDArray[np.float64]:
    return as_boxes([(x, y, x + width, y + height) for x, y, width, height in boxes])


def hits(found: Sequence[Face], true: Sequence[tuple[int, int, int, int]]) -> int:
    return match_boxes(corners([face.bbox.to_xywh() for face in found]), corners(true), 0.3).score.true_positives


def halftone(grey: Grey, pitch: float) -> Grey:
    """Screen a picture at 45 degrees: round dots, black on white."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]] * (2 * np.pi / pitch / np.sqrt(2))
    return np.where(grey > (2 + np.cos(x + y) + np.cos(x - y)) / 4 * 255, 255, 0).astype(np.uint8)


def page_with_portrait(pitch: float, width: int = 420) -> tuple[Grey, list[BoundingBox], tuple[int, int, int, int]]:
    """A page of two columns with a screened portrait in the second; its lines and the place of the face."""
    drawn = two_columns()
    portrait = cv2.resize(astronaut()[:260, 80:360], (width, width * 260 // 280), interpolation=cv2.INTER_CUBIC)
    page, x, y, factor = drawn.grey.copy(), 760, 520, width / 280
    page[y - 20 : y + portrait.shape[0] + 20, 700:1300] = 255
    page[y : y + portrait.shape[0], x : x + width] = halftone(portrait, pitch)
    lines = [BoundingBox(*line) for line in drawn.lines]
    kept = [line for line in lines if not (line.x_min > 700 and y - 60 < line.y_min < y + portrait.shape[0] + 20)]
    left, top, side, _ = ASTRONAUT
    face = (x + round((left - 80) * factor), y + round(top * factor), round(side * factor), round(side * factor))
    return page, kept, face


def test_the_photograph_of_the_lecture_has_the_one_face_of_the_lecture(shared_data: Path) -> None:
    floyd = photograph(shared_data, "seed/floyd.jpg")
    found = find_faces(floyd, [], with_cascade(scale_factor=1.1, min_neighbors=3))
    assert [face.bbox.to_xywh() for face in found] == [(158, 75, 176, 176)]


@pytest.mark.parametrize(("scale_factor", "min_neighbors", "min_size"), [(1.1, 3, 24), (1.1, 5, 24), (1.3, 2, 40)])
def test_on_a_photograph_the_upright_faces_are_exactly_those_of_opencv(
    scale_factor: float, min_neighbors: int, min_size: int
) -> None:
    plain = load_cascade("face").detectMultiScale(astronaut(), scale_factor, min_neighbors, minSize=(min_size,) * 2)
    parameters = with_cascade(
        scale_factor=scale_factor, min_neighbors=min_neighbors, min_size=min_size, min_confidence=0, turned=0
    )
    found = find_faces(astronaut(), [], parameters)
    assert sorted(face.bbox.to_xywh() for face in found) == sorted(tuple(map(int, box)) for box in plain)


def test_the_astronaut_is_found_with_no_parameter_given() -> None:
    (face,) = find_faces(astronaut(), [], with_cascade())
    assert face.bbox.to_xywh() == ASTRONAUT
    assert face.label == "face"
    assert face.level > 10


@pytest.mark.parametrize("name", FACES)
def test_no_face_of_a_photograph_is_lost(shared_data: Path, name: str) -> None:
    found = find_faces(photograph(shared_data, name), [], with_cascade())
    assert hits(found, FACES[name]) == len(FACES[name])
    assert len(found) <= len(FACES[name]) + 2


@pytest.mark.parametrize("name", ["dog", "landmark", "objects"])
def test_photographs_without_faces_have_none(shared_data: Path, name: str) -> None:
    assert find_faces(photograph(shared_data, f"faces_azure/{name}.jpg"), [], with_cascade()) == ()


@pytest.mark.parametrize("pitch", [3.5, 5.0, 7.0])
def test_a_portrait_of_printed_dots_is_found_beside_type(pitch: float) -> None:
    page, lines, face = page_with_portrait(pitch)
    found = find_faces(page, lines, with_cascade())
    assert hits(found[:1], [face]) == 1
    assert all(box.bbox.x_min > 700 and box.level < found[0].level / 2 for box in found[1:])


def test_opencv_alone_does_not_see_the_face_in_coarse_dots() -> None:
    page, _, face = page_with_portrait(7.0)
    plain = load_cascade("face").detectMultiScale(page, 1.1, 3)
    assert match_boxes(corners([tuple(box) for box in plain]), corners([face]), 0.3).score.true_positives == 0


def test_lines_that_were_seen_in_a_photograph_do_not_hide_its_face() -> None:
    lines = [BoundingBox(20, y, 480, y + 22) for y in range(10, 480, 24)]
    assert hits(find_faces(astronaut(), lines, with_cascade()), [ASTRONAUT]) == 1


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_head_that_is_turned_is_found_where_turned_ones_are_looked_for(degrees: int) -> None:
    matrix = cv2.getRotationMatrix2D((256, 256), degrees, 1)
    turned = np.asarray(cv2.warpAffine(astronaut(), matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE))
    x, y, width, height = ASTRONAUT
    middle = matrix @ np.array([x + width / 2, y + height / 2, 1])
    place = (round(middle[0] - width / 2), round(middle[1] - height / 2), width, height)
    assert hits(find_faces(turned, [], with_cascade()), [place]) == 1
    assert hits(find_faces(turned, [], with_cascade(turned=0)), [place]) == 0


def test_no_face_is_found_twice() -> None:
    twins = np.hstack([astronaut(), astronaut()[:, ::-1]])
    found = find_faces(twins, [], with_cascade(min_neighbors=1, min_confidence=0))
    boxes = [face.bbox for face in found]
    for number, box in enumerate(boxes):
        assert all(box.overlap(other) < 0.5 * min(box.area, other.area) for other in boxes[number + 1 :])
    assert hits(found, [ASTRONAUT, (1024 - 177 - 95, 66, 95, 95)]) == 2


def test_faces_smaller_than_asked_for_are_left_out() -> None:
    assert find_faces(astronaut(), [], with_cascade(min_size=150)) == ()
    assert hits(find_faces(astronaut(), [], with_cascade(min_size=70)), [ASTRONAUT]) == 1


def test_the_surest_face_comes_first() -> None:
    found = find_faces(astronaut(), [], with_cascade(min_neighbors=0, min_confidence=0, turned=0))
    confidences = [face.confidence for face in found]
    assert confidences == sorted(confidences, reverse=True)


def test_given_pictures_are_the_only_place_that_is_searched() -> None:
    assert find_faces(astronaut(), [], with_cascade(), pictures=[BoundingBox(300, 250, 512, 512)]) == ()
    assert hits(find_faces(astronaut(), [], with_cascade(), pictures=[BoundingBox(100, 0, 350, 260)]), [ASTRONAUT]) == 1


def test_eyes_are_found_by_name_and_stored_by_it() -> None:
    found = find_faces(astronaut(), [], with_cascade(cascades=("face", "eye"), turned=0))
    face = next(item.bbox for item in found if item.label == "face")
    eyes = [item.bbox for item in found if item.label == "eye" and item.bbox.overlap(face) > 0.9 * item.bbox.area]
    assert {item.label for item in found} == {"face", "eye"}
    assert len(eyes) >= 2


@pytest.mark.parametrize("label", CASCADES)
def test_every_named_cascade_is_shipped_with_opencv(label: str) -> None:
    assert not load_cascade(label).empty()
    assert window_side(label) >= 10


def test_all_cascades_that_opencv_ships_have_a_name() -> None:
    shipped = {path.stem.removeprefix("haarcascade_") for path in Path(cv2.data.haarcascades).glob("*.xml")}
    assert shipped == set(CASCADES.values())


def test_the_detector_can_be_shown_ink_and_paper_only() -> None:
    pictures: dict[str, tuple[Face, ...]] = {}
    for source in ("grey", "binarised"):
        pictures[source] = find_faces(astronaut(), [], with_cascade(source=source, min_confidence=0))
    two_tones = np.asarray(cv2.threshold(astronaut(), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1])
    plain = load_cascade("face").detectMultiScale(two_tones, 1.1, 3)
    assert pictures["binarised"] != pictures["grey"]
    assert len(pictures["binarised"]) >= (len(plain) > 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (23, 23), (400, 300)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_even_page_of_any_size_has_no_face(shape: tuple[int, int], value: int) -> None:
    assert find_faces(np.full(shape, value, np.uint8), [], with_cascade()) == ()


def test_noise_has_no_face() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (600, 800), dtype=np.uint8)
    assert find_faces(noise, [], with_cascade()) == ()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"cascades": ("nose",)}, "no cascade called 'nose'"),
        ({"cascades": ("eye", "eye")}, "twice"),
        ({"detector": "yunet"}, "faces.weights"),
        ({"detector": "yunet", "weights": "any.onnx", "min_confidence": 1.5}, "0 to 1, not 1.5"),
    ],
)
def test_what_a_detector_could_not_work_with_is_refused_at_once(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FaceParameters(**wrong)  # type: ignore[arg-type]


def test_a_missing_yunet_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "yunet.onnx"
    with pytest.raises(FaceWeightsMissing, match="does not exist: get face_detection_yunet"):
        find_faces(astronaut(), [], FaceParameters(detector="yunet", weights=str(missing)))


def test_a_file_that_is_no_network_is_said_in_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "yunet.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(FaceWeightsMissing, match="not a YuNet network"):
        find_faces(astronaut(), [], FaceParameters(detector="yunet", weights=str(broken)))


def with_network() -> FaceParameters:
    if find_weights(FACE_DETECTOR) is None:
        pytest.skip("the weights of CenterFace are not installed: python -m workers.fetch_weights")
    return FaceParameters(detector="centerface")


@pytest.mark.parametrize("name", FACES)
def test_the_network_loses_no_face_of_a_photograph_either(shared_data: Path, name: str) -> None:
    found = find_faces(photograph(shared_data, name), [], with_network())
    assert hits(found, FACES[name]) == len(FACES[name])
    assert all(0.5 <= face.confidence <= 1 for face in found)


@pytest.mark.parametrize("name", ["dog", "landmark", "objects"])
def test_the_network_sees_no_face_where_there_is_none(shared_data: Path, name: str) -> None:
    assert find_faces(photograph(shared_data, f"faces_azure/{name}.jpg"), [], with_network()) == ()


@pytest.mark.parametrize("pitch", [3.5, 5.0])
def test_the_network_finds_a_portrait_of_printed_dots_beside_type(pitch: float) -> None:
    page, lines, face = page_with_portrait(pitch)
    found = find_faces(page, lines, with_network())
    assert hits(found, [face]) == len(found) == 1


def test_the_detector_is_the_network_where_its_weights_are_and_the_cascade_where_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert with_installed(with_network()).weights.endswith("centerface.onnx")
    assert with_installed(FaceParameters()).detector == "centerface"
    assert with_installed(FaceParameters(cascades=("eye",))).detector == "cascade"
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    assert with_installed(FaceParameters()).detector == "cascade"
    assert versions_for(PipelineParameters())["faces.weights"] == NOT_INSTALLED
    with pytest.raises(FileNotFoundError, match="fetch_weights"):
        with_installed(FaceParameters(detector="centerface"))


class WhiteSquareNetwork:
    """Stands for YuNet: the bright part of what it is shown is a face, at whatever size it is shown."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def setInputSize(self, size: tuple[int, int]) -> None:
        self.sizes.append(size)

    def detect(self, picture: NDArray[np.uint8]) -> tuple[int, NDArray[np.float32] | None]:
        assert picture.shape == (self.sizes[-1][1], self.sizes[-1][0], 3)
        x, y, width, height = cv2.boundingRect((picture[:, :, 0] > 200).astype(np.uint8))
        if not width:
            return 1, None
        return 1, np.array([[x, y, width, height, *[0] * 10, 0.9]], np.float32)


def test_the_second_detector_finds_one_face_at_two_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    network = WhiteSquareNetwork()
    monkeypatch.setattr(yunet, "load_network", lambda weights: network)
    page = np.full((600, 960), 90, np.uint8)
    page[96:192, 300:396] = 250
    (face,) = find_faces(page, [], FaceParameters(detector="yunet", weights="any.onnx"))
    assert sorted(network.sizes) == [(320, 200), (800, 500)]
    assert match_boxes(corners([face.bbox.to_xywh()]), corners([(300, 96, 96, 96)]), 0.9).score.true_positives == 1
    assert face.confidence == pytest.approx(0.9)
    assert find_faces(np.full((60, 60), 9, np.uint8), [], FaceParameters(detector="yunet", weights="any.onnx")) == ()


def beside_type(monkeypatch: pytest.MonkeyPatch, box: tuple[int, int, int, int], confidence: float) -> tuple[Face, ...]:
    """Return the faces of a page of type where the detector takes `box` for one."""
    page = two_columns()
    page.draw.rectangle((80, 1600, 380, 1790), outline=0)
    for x in range(90, 380, 30):  # a drawing of lines on even paper
        page.draw.line((x, 1600, x + 10, 1790), fill=0, width=3)
    lines = [BoundingBox(*line) for line in page.lines]
    found = np.array([[*box, confidence]])
    monkeypatch.setattr(detection, "_in_region", lambda *_: found)
    return find_faces(np.array(page.grey), lines, with_cascade(min_confidence=4.0), [BoundingBox(0, 0, 1400, 1800)])


def test_what_is_made_of_letters_is_no_face_however_sure_the_detector_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert beside_type(monkeypatch, (100, 300, 300, 500), 1000.0) == ()


def test_what_is_made_of_drawn_lines_is_a_face_only_where_the_detector_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = (120, 1610, 280, 1780)
    assert beside_type(monkeypatch, drawing, 5.0) == ()
    assert len(beside_type(monkeypatch, drawing, 40.0)) == 1


def test_a_face_outside_of_the_picture_that_was_turned_was_made_of_its_border() -> None:
    picture = np.full((200, 300), 128, np.uint8)
    turned, way_back = detection._turn(picture, 20.0)
    middle, corner = (turned.shape[1] / 2, turned.shape[0] / 2), (turned.shape[1] - 20.0, 20.0)
    found = np.array([[x - 15, y - 15, x + 15, y + 15, 9.0] for x, y in (middle, corner)])
    kept = detection._turned_back(found, way_back, picture.shape)
    assert kept.shape == (1, 5)
    assert kept[0].tolist() == pytest.approx([135, 85, 165, 115, 9], abs=1)
