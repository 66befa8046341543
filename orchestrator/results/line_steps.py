"""How the lines of a stored page were found, step by step: its scan is analysed again with its stored parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.results.pages import ArchivedPage
from workers.errors import UnreadableInput
from workers.parameters import PipelineParameters

if TYPE_CHECKING:
    from workers.layout import LineStep
    from workers.stages.palette.normalise import NormalisedPage


def line_steps(page: ArchivedPage, scan: NormalisedPage) -> tuple[LineStep, ...]:
    """Return what each step did, with boxes in pixels of the scan; none on a page without text.

    Raises:
        UnreadableInput: the pipeline finds lines by kraken's own methods, or its parameters are of another version.
        FileOfParametersMissing: the mask cannot be read.
    """
    from workers.pipeline import explain_page_lines
    from workers.sources.images import open_mask

    try:
        parameters = PipelineParameters.from_json(page.provenance.parameters)
    except ValueError as error:
        raise UnreadableInput(f"The parameters of {page.page} are of another version: {error}.") from error
    if parameters.segmentation.segmenter != "fast" or parameters.separators.method != "columns":
        raise UnreadableInput(
            f"The lines of {page.page} were found by kraken's own method, which has no steps; only "
            "segmentation.segmenter=fast with separators.method=columns has."
        )
    return explain_page_lines(scan.grey, parameters, open_mask(parameters.segmentation.mask))


def step_name(step: LineStep) -> str:
    """Return the name of a step in words."""
    return step.step.replace("_", " ")
