"""Faces in the pictures of a page: where they can be, at the size they can have, upright and slightly turned.

Each region is cut out, its halftone dots smoothed into tones, reduced so that the smallest face is twice the
detector's window, and searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from workers.layout import BoundingBox, Face
from workers.parameters import FaceParameters, with_installed
from workers.stages.faces import cascade, centerface, yunet
from workers.stages.faces.cascade import NO_WINDOWS, CascadeSettings
from workers.stages.faces.confidence import confidence_of
from workers.stages.faces.halftone import descreen
from workers.stages.faces.regions import PHOTOGRAPH_PIXELS, SearchPlan, paper_and_ink, plan_search
from workers.stages.raster.arrays import FloatBoxes, Grey, Matrix
from workers.stages.raster.warp import warped

# windows: the size the smallest face is reduced to; OpenCV looks at every pixel only from there on
SEARCHED_SIZE_WINDOWS = 2.0
MAX_STRIP_RATIO = 10  # length by width
MIN_TURNED_SIZE_RATIO = 1.5  # by the smallest upright face: turned heads are looked for in portraits, not in crowds
MIN_TURNED_CERTAINTY = 4.0  # a turned picture has more chances to look like a face, so it must do so more clearly
MIN_DRAWN_CERTAINTY = 5.0  # so must a line drawing beside type: ornaments and mastheads are drawn as well
DRAWN_EVENNESS, DRAWN_CONTRAST = 0.035, 0.9  # of a line drawing's paper and ink
DRAWN_SIDE_PX = 24  # the size at which that is measured
MIN_DUPLICATE_SHARE = 0.4  # of the smaller box that lies in the other: both are one face
MAX_IN_TYPE_SHARE = 0.4  # of a face covered by lines of type: it is made of letters
LEAST_CONFIDENCE = {"face": 4.0}  # measured for this cascade; the others are left as OpenCV has them
CENTERFACE_CONFIDENCE = 0.5
CENTERFACE_SMALLEST_PX = 14.0  # px: the size the smallest face is reduced to for CenterFace
YUNET_CONFIDENCE = 0.7
YUNET_SMALLEST_PX = 20.0  # px: the size the smallest face is reduced to for YuNet
PART_OF_FACE = 3  # eyes and smiles are that much smaller than faces
PARTS = ("eye", "eye_or_glasses", "left_eye", "right_eye", "smile")

DEFAULTS = FaceParameters()


def find_faces(
    grey: Grey,
    lines: Sequence[BoundingBox],
    parameters: FaceParameters = DEFAULTS,
    pictures: Sequence[BoundingBox] | None = None,
) -> tuple[Face, ...]:
    """Find faces, and what else the named cascades find.

    Args:
        grey: (h, w) uint8, the upright page in original pixels.
        lines: its text lines, in the same pixels: no face is looked for in them.
        parameters: how to look.
        pictures: where pictures are, if that is known; otherwise it is found out from the lines and the texture.

    Returns:
        Faces of each label, most certain first, in original pixels.

    Raises:
        FaceWeightsMissing: YuNet is asked for and its file cannot be read.
    """
    parameters = with_installed(parameters)
    plan = plan_search(grey, lines)
    regions = plan.regions if pictures is None else tuple(pictures)
    smallest = parameters.min_size or plan.smallest
    faces = []
    for label in parameters.cascades if parameters.detector == "cascade" else ("face",):
        least = _least_confidence(label, parameters)
        found = [_in_region(grey, region, label, smallest, parameters, not plan.type_lines) for region in regions]
        for row in _without_duplicates(np.concatenate([NO_WINDOWS, *found])):
            box = _box(row, grey.shape)
            if box and (not plan.type_lines or _can_be_beside_type(grey, box, float(row[4]) / max(least, 1e-9), plan)):
                level = round(float(row[4]), 3)
                faces.append(Face(box, label, confidence_of(level, parameters.detector), level))
    return tuple(faces)


def _can_be_beside_type(grey: Grey, box: BoundingBox, certainty: float, plan: SearchPlan) -> bool:
    """Tell whether a face on a page of type is neither made of letters nor, unless it is certain, of drawn lines."""
    if sum(box.overlap(line) for line in plan.type_lines) >= MAX_IN_TYPE_SHARE * box.area:
        return False
    face = cv2.resize(
        grey[box.y_min : box.y_max, box.x_min : box.x_max], (DRAWN_SIDE_PX, DRAWN_SIDE_PX), interpolation=cv2.INTER_AREA
    )
    unevenness, contrast = paper_and_ink(face)
    return certainty >= MIN_DRAWN_CERTAINTY or unevenness > DRAWN_EVENNESS or contrast < DRAWN_CONTRAST


def _in_region(
    grey: Grey, region: BoundingBox, label: str, smallest: int, parameters: FaceParameters, photograph: bool
) -> FloatBoxes:
    """Search one region; boxes come back in pixels of the page."""
    crop = descreen(grey[region.y_min : region.y_max, region.x_min : region.x_max])
    least = _least_confidence(label, parameters)
    if parameters.detector == "centerface":
        picture = _seen(_reduced(crop, CENTERFACE_SMALLEST_PX / smallest), parameters)
        found = centerface.detect(picture, Path(parameters.weights), least)
    elif parameters.detector == "yunet":
        picture = _seen(_reduced(crop, YUNET_SMALLEST_PX / smallest), parameters)
        found = yunet.detect(picture, parameters.weights, least)
    else:
        window = cascade.window_side(label)
        smallest = max(window, smallest // PART_OF_FACE if label in PARTS else smallest)
        factor = min(1.0, SEARCHED_SIZE_WINDOWS * window / smallest)
        picture = _seen(_reduced(crop, factor), parameters)
        side = round(smallest * factor)
        settings = CascadeSettings(label, parameters.scale_factor, parameters.min_neighbors, side, least)
        exhaustive = photograph and factor == 1 and crop.size <= PHOTOGRAPH_PIXELS
        found = np.concatenate(list(_upright_and_turned(picture, settings, parameters.turned, exhaustive=exhaustive)))
    found[:, :4] *= np.tile([region.width / picture.shape[1], region.height / picture.shape[0]], 2)
    return found + np.array([region.x_min, region.y_min, region.x_min, region.y_min, 0.0])


def _reduced(picture: Grey, factor: float) -> Grey:
    """Return a picture at `factor` of its size by area averaging, or as it is."""
    if factor >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _least_confidence(label: str, parameters: FaceParameters) -> float:
    """Return the least confidence, as the detector measures it."""
    if parameters.min_confidence is not None:
        return parameters.min_confidence
    networks = {"yunet": YUNET_CONFIDENCE, "centerface": CENTERFACE_CONFIDENCE}
    return networks.get(parameters.detector, LEAST_CONFIDENCE.get(label, 0.0))


def _seen(picture: Grey, parameters: FaceParameters) -> Grey:
    """Return what the detector sees: the picture, or ink and paper only."""
    if parameters.source == "grey":
        return picture
    return cv2.threshold(picture, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]


def _upright_and_turned(
    picture: Grey, settings: CascadeSettings, degrees: float, *, exhaustive: bool
) -> Iterator[FloatBoxes]:
    """Search a picture as it is, exactly as OpenCV does where `exhaustive`, and turned to both sides.

    A strip is not turned: its canvas would be many times as large as the strip.
    """
    yield NO_WINDOWS
    if min(picture.shape) < settings.min_size:
        return  # no face fits
    yield (cascade.detect if exhaustive else cascade.detect_around)(picture, settings)
    if degrees and max(picture.shape) <= MAX_STRIP_RATIO * min(picture.shape):
        smallest = round(
            max(MIN_TURNED_SIZE_RATIO * settings.min_size, SEARCHED_SIZE_WINDOWS * cascade.window_side(settings.label))
        )
        surer = replace(settings, min_size=smallest, min_confidence=MIN_TURNED_CERTAINTY * settings.min_confidence)
        for angle in (degrees, -degrees):
            turned, way_back = _turn(picture, angle)
            yield _turned_back(cascade.detect_around(turned, surer), way_back, picture.shape)


def _turn(picture: Grey, degrees: float) -> tuple[Grey, Matrix]:
    """Turn a picture on a canvas that holds all of it; returns it and the (2, 3) matrix that leads back."""
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(height * sine + width * cosine), int(height * cosine + width * sine))
    matrix[:, 2] += np.array(size) / 2 - np.array([width, height]) / 2
    way_back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    return warped(picture, way_back, size, cv2.BORDER_REPLICATE), way_back


def _turned_back(found: FloatBoxes, way_back: Matrix, shape: tuple[int, ...]) -> FloatBoxes:
    """Turn the middles of boxes back and keep their sizes; those outside the picture were made of its border."""
    middle = (found[:, :2] + found[:, 2:4]) / 2 @ way_back[:, :2].T + way_back[:, 2]
    half = (found[:, 2:4] - found[:, :2]) / 2
    inside = ((middle >= half / 2) & (middle <= np.array(shape[1::-1]) - half / 2)).all(axis=1)
    return np.column_stack([middle - half, middle + half, found[:, 4]])[inside]


def _without_duplicates(found: FloatBoxes) -> list[FloatBoxes]:
    """Return the rows, most certain first, without those that lie largely in a more certain one or hold it."""
    kept: list[FloatBoxes] = []
    for row in found[np.argsort(-found[:, 4], kind="stable")]:
        if all(_shared_by_smaller(row, other) < MIN_DUPLICATE_SHARE for other in kept):
            kept.append(row)
    return kept


def _shared_by_smaller(first: FloatBoxes, second: FloatBoxes) -> float:
    sides = np.minimum(first[2:4], second[2:4]) - np.maximum(first[:2], second[:2])
    smaller = min(np.prod(box[2:4] - box[:2]) for box in (first, second))
    return float(np.prod(np.maximum(sides, 0)) / smaller)


def _box(row: FloatBoxes, shape: tuple[int, ...]) -> BoundingBox | None:
    """Return whole pixels inside the page, None where nothing of the box is."""
    x_min, y_min, x_max, y_max = (round(float(value)) for value in row[:4])
    x_min, y_min, x_max, y_max = max(0, x_min), max(0, y_min), min(shape[1], x_max), min(shape[0], y_max)
    return BoundingBox(x_min, y_min, x_max, y_max) if x_min < x_max and y_min < y_max else None
