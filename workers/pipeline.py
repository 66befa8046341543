"""The stages of one page in order, each timed. Pure: an image and parameters in, a layout out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from workers.errors import MaskMismatch
from workers.layout import LINE_CHANGES, BoundingBox, Face, LineStep, PageLayout, ScanFacts, TextLine
from workers.parameters import FaceParameters, PipelineParameters
from workers.stages.binarization.leaf import leaf_alone
from workers.stages.binarization.orientation import is_negative
from workers.stages.binarization.working_page import WorkingPage, full_page, working_page
from workers.stages.faces.detection import find_faces
from workers.stages.kraken.neural import baseline_lines
from workers.stages.palette.normalise import normalise
from workers.stages.palette.picture_hash import picture_hash
from workers.stages.palette.scan_facts import scan_facts
from workers.stages.raster.arrays import Grey, Mask
from workers.stages.raster.quarter_turns import turned
from workers.stages.second_reader.reading import doubt_left, doubts_of, read_again
from workers.stages.segmentation.described_lines import described_lines
from workers.stages.segmentation.step_effects import StepEffect
from workers.stages.segmentation.text_lines import (
    Found,
    Reading,
    explain_lines,
    in_reading_order,
    kraken_lines,
    read_lines,
)
from workers.stages.segmentation.word_gaps import missed_gutters
from workers.stages.separators.columns import (
    Columns,
    draw,
    find_columns,
    gap_columns,
    no_columns,
    to_separators,
    with_gutters,
)
from workers.stages.separators.found_pictures import found_pictures
from workers.stages.separators.joined_pieces import join_pieces
from workers.telemetry.timing import StageClock
from workers.weights import TEXT_DETECTOR, find_weights


def analyse_page(
    image: Image.Image,
    parameters: PipelineParameters,
    clock: StageClock | None = None,
    mask: Mask | None = None,
) -> PageLayout:
    """Find text lines, column separators and faces on a page.

    Args:
        image: the original scan, any mode Pillow decodes.
        parameters: what to look for and how.
        clock: times the stages; its `current` tells which one runs.
        mask: (h, w) of the upright scan, 0 where no line or separator is looked for.

    Raises:
        MaskMismatch: the mask is not of the size of the page.
        TooManyLines: more lines than `parameters.segmentation.max_lines`.
        NeuralSegmenterMissing: the baseline segmenter was asked for and cannot run here.
    """
    clock = clock or StageClock()
    scan = _upright(image, mask, parameters, clock)
    with clock.stage("binarization") as inked:
        page = _page(scan.visible, parameters)
        inked.count = int(np.count_nonzero(page.ink))
    with clock.stage("separators") as parted:
        columns = _columns(page, parameters)
        parted.count = len(columns.paths)
    if _in_our_own_way(parameters):
        columns, lines, reason, doubt = _our_lines(scan.visible, page, columns, parameters, clock)
    else:
        lines, reason, doubt = *_lines_of_kraken(image, scan, mask, page, columns, parameters, clock), None
    with clock.stage("structure") as described:
        separators = to_separators(columns, page.placement)
        lines, column_count = described_lines(lines, page, columns, parameters.segmentation)
        if not page.turns:
            separators = join_pieces(separators, [line.bbox for line in lines])
        pictures = found_pictures(page.grey, columns.pictures, page.scale, page.placement)
        described.count = column_count
    with clock.stage("faces") as seen:
        faces = _faces(scan.grey, page.turns, [line.bbox for line in lines], parameters.faces)
        seen.count = len(faces)
    height, width = scan.grey.shape
    return PageLayout(
        width,
        height,
        lines,
        separators,
        faces,
        tuple(clock.timings),
        reason,
        page.skew,
        scan.picture_hash,
        doubt,
        columns=column_count,
        pictures=pictures,
        scan=scan.facts,
    )


@dataclass(frozen=True, slots=True)
class _Scan:
    """The upright scan, dark on light: `grey` is all of it.

    On `visible` nothing is seen where the mask lets nothing be found, or beside the leaf.
    """

    grey: Grey
    visible: Grey
    is_negative: bool
    picture_hash: int
    facts: ScanFacts


def _upright(image: Image.Image, mask: Mask | None, parameters: PipelineParameters, clock: StageClock) -> _Scan:
    with clock.stage("palette") as pixels:
        normalised = normalise(image)
        facts = scan_facts(image, normalised.rgb)
        grey, negative = _positive(normalised.grey, parameters)
        del normalised  # the colours of a large scan are hundreds of megabytes
        pixels.count = grey.size
        visible = leaf_alone(grey) if mask is None else _masked(grey, mask)
        return _Scan(grey, visible, negative, picture_hash(grey), facts)


def _our_lines(
    visible: Grey, page: WorkingPage, columns: Columns, parameters: PipelineParameters, clock: StageClock
) -> tuple[Columns, tuple[TextLine, ...], str | None, float | None]:
    """Return the lines, the reason when there are none, and the doubt that is left after a second reader was asked.

    What parts the page comes first: gutters that are seen only in the lines that run over them are added.
    """
    with clock.stage("segmentation") as found:
        columns, reading = _parted_and_read(page, columns)
        lines, reason = in_reading_order(reading, page, columns, parameters.segmentation)
        weights = _second_reader(parameters)
        doubts = doubts_of(reading, parameters.segmentation.second_reader if weights else "never")
        found.count = len(lines)
    if weights is None or not len(doubts.places):
        return columns, lines, reason, doubts.total
    with clock.stage("second_reader") as found:
        reading = read_again(visible, page, reading, doubts.places, weights)
        lines, reason = in_reading_order(reading, page, columns, parameters.segmentation)
        found.count = len(lines)
        return columns, lines, reason, doubt_left(reading)


def _parted_and_read(page: WorkingPage, columns: Columns) -> tuple[Columns, Reading]:
    """Return the lines of a page, and what parts it, with the gutters that the lines tell of."""
    reading = read_lines(page, columns)
    gutters = missed_gutters(reading.lines, reading.evidence) if reading.evidence and len(reading.lines) else []
    if not gutters:
        return columns, reading
    columns = with_gutters(columns, gutters)
    return columns, read_lines(page, columns)


def _lines_of_kraken(
    image: Image.Image,
    scan: _Scan,
    mask: Mask | None,
    page: WorkingPage,
    columns: Columns,
    parameters: PipelineParameters,
    clock: StageClock,
) -> Found:
    """Return the lines of one of kraken's own segmenters, and the reason when there are none."""
    with clock.stage("segmentation") as found:
        if parameters.segmentation.segmenter == "baseline":
            lines, reason = _neural(image, scan.is_negative, mask, parameters)
        else:
            lines, reason = _krakens(scan.visible, page, columns, parameters)
        found.count = len(lines)
        return lines, reason


def explain_page_lines(grey: Grey, parameters: PipelineParameters, mask: Mask | None = None) -> tuple[LineStep, ...]:
    """Return what each step of finding lines did on a page, in the order of the steps; none on an empty page.

    Args:
        grey: (h, w) uint8, the upright scan.
        parameters: those of the default way of finding lines; kraken's own ways have no steps.
        mask: (h, w) of the upright scan, 0 where no line is looked for.

    Raises:
        MaskMismatch: the mask is not of the size of the page.
    """
    grey, _ = _positive(grey, parameters)
    page = _page(leaf_alone(grey) if mask is None else _masked(grey, mask), parameters)
    effects = explain_lines(page, _columns(page, parameters))
    return tuple(LineStep(e.step, len(e.lines), *(_in_scan(page, e, name) for name in LINE_CHANGES)) for e in effects)


def _in_scan(page: WorkingPage, effect: StepEffect, change: str) -> tuple[BoundingBox, ...]:
    return tuple(page.placement.boxes(getattr(effect, change).astype(np.float64)))


def _positive(grey: Grey, parameters: PipelineParameters) -> tuple[Grey, bool]:
    """Return the page dark on light, and whether the scan is a negative."""
    if is_negative(grey, parameters.binarization):
        return cv2.bitwise_not(grey), True
    return grey, False


def _masked(grey: Grey, mask: Mask) -> Grey:
    if mask.shape != grey.shape:
        height, width = grey.shape
        raise MaskMismatch(
            f"The mask has {mask.shape[1]} x {mask.shape[0]} pixels and the upright page {width} x {height}; "
            "give a mask of the page's size, or none."
        )
    return np.where(mask > 0, grey, np.uint8(255))


def _page(grey: Grey, parameters: PipelineParameters) -> WorkingPage:
    """Return the page at the size that the way of finding separators works on."""
    if parameters.separators.method == "columns":
        segmentation = parameters.segmentation
        return working_page(grey, parameters.binarization, segmentation.scale, segmentation.text_direction)
    return full_page(grey, parameters.binarization)


def _columns(page: WorkingPage, parameters: PipelineParameters) -> Columns:
    """Return what parts the page."""
    separators = parameters.separators
    if page.scale == 0 or separators.method == "none":
        return no_columns(page)
    if separators.method == "gaps":
        return gap_columns(page, separators.gap_width, separators.gap_height)
    return find_columns(page)


def _in_our_own_way(parameters: PipelineParameters) -> bool:
    """Tell whether columns and lines are found as this project finds them, not as kraken or the lecture does."""
    return parameters.separators.method == "columns" and parameters.segmentation.segmenter == "fast"


def _second_reader(parameters: PipelineParameters) -> Path | None:
    """Return the weights of the second reader; None where it is not to be asked or not installed."""
    segmentation = parameters.segmentation
    if not parameters.may_read_twice:
        return None
    given = segmentation.second_reader_weights
    return Path(given) if given else find_weights(TEXT_DETECTOR)


def _krakens(grey: Grey, page: WorkingPage, columns: Columns, parameters: PipelineParameters) -> Found:
    """Return the text lines of kraken's box segmenter on the full scan, in our form of it or as it is published."""
    method, segmentation = parameters.separators.method, parameters.segmentation
    if method == "none":
        return kraken_lines(page, None, segmentation)
    if method == "gaps":
        return kraken_lines(page, columns.barrier, segmentation)
    paths = [np.array(separator.path, np.float64) for separator in to_separators(columns, page.placement)]
    return kraken_lines(full_page(grey, parameters.binarization), draw(paths, grey.shape), segmentation)


def _neural(image: Image.Image, negative: bool, mask: Mask | None, parameters: PipelineParameters) -> Found:
    """Return the lines of kraken's neural segmenter."""
    segmentation, rgb = parameters.segmentation, normalise(image).rgb
    if negative:
        rgb = cv2.bitwise_not(rgb)
    visible = rgb if mask is None else np.where(mask[:, :, np.newaxis] > 0, rgb, np.uint8(255))
    lines = baseline_lines(visible, segmentation.baseline_weights, segmentation.text_direction)
    return tuple(lines), None if lines else "no_text_lines"


def _faces(grey: Grey, turns: int, lines: Sequence[BoundingBox], parameters: FaceParameters) -> tuple[Face, ...]:
    """Return the faces; on a scan that lies on its side they are looked for after the quarter turns of its lines."""
    if not turns:
        return find_faces(grey, lines, parameters)
    upright = np.ascontiguousarray(np.rot90(grey, turns))
    size, upright_size = grey.shape[::-1], upright.shape[::-1]
    faces = find_faces(upright, [_turned(line, turns, size) for line in lines], parameters)
    return tuple(replace(face, bbox=_turned(face.bbox, 4 - turns, upright_size)) for face in faces)


def _turned(box: BoundingBox, turns: int, size: tuple[int, int]) -> BoundingBox:
    """Return where a box of a page of this width and height lies after counter-clockwise quarter turns."""
    corners = np.array([[box.x_min, box.y_min, box.x_max, box.y_max]])
    return BoundingBox(*map(int, turned(corners, turns, *size)[0]))
