"""The stages of one page in order, each timed. Pure: an image and parameters in, a layout out."""

from __future__ import annotations

import numpy as np
from PIL import Image

from workers.layout import PageLayout
from workers.parameters import PipelineParameters
from workers.stages.binarization import working_page
from workers.stages.columns import find_columns, no_columns, to_separators
from workers.stages.palette import normalise
from workers.stages.picture_hash import picture_hash
from workers.stages.segmentation import find_text_lines
from workers.timing import StageClock


def analyse_page(image: Image.Image, parameters: PipelineParameters, clock: StageClock | None = None) -> PageLayout:
    """Find text lines, column separators and faces on an upright page.

    Args:
        image: the original scan, any mode Pillow decodes.
        parameters: what to look for and how.
        clock: times the stages; its `current` tells which one runs.

    Raises:
        TooManyLines: more lines than `parameters.segmentation.max_lines`.
    """
    clock = clock or StageClock()
    with clock.stage("palette") as pixels:
        grey = normalise(image).grey
        looks = picture_hash(grey)
        pixels.count = grey.size
    with clock.stage("binarization") as inked:
        page = working_page(grey, parameters.binarization, parameters.segmentation.scale)
        inked.count = int(np.count_nonzero(page.ink))
    with clock.stage("separators") as parted:
        columns = find_columns(page) if parameters.separators.method == "columns" and page.scale else no_columns(page)
        separators = to_separators(columns, page.placement)
        parted.count = len(separators)
    with clock.stage("segmentation") as found:
        lines, reason = find_text_lines(page, columns, parameters.segmentation)
        found.count = len(lines)
    return PageLayout(
        image.width, image.height, lines, separators, (), tuple(clock.timings), reason, page.skew, looks
    )
