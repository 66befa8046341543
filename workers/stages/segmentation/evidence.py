"""What the steps from the first boxes to text lines know of a page; gathered once, changed by none of them."""

from __future__ import annotations

from dataclasses import dataclass

from workers.stages.binarization.working_page import WorkingPage
from workers.stages.raster.arrays import Mask, Truths
from workers.stages.segmentation.gaps import GapFinder
from workers.stages.segmentation.headlines import Headlines, find_headlines
from workers.stages.separators.columns import Columns, without
from workers.stages.separators.components import PAPER, Components

CELL_GAP_TS = 1.8  # a gap between cells of a table is wider than a word space


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """All that is known of a page before its lines are found, in working pixels.

    Attributes:
        grey: (h, w) uint8, its paper made evenly white.
        ink: (h, w) uint8, 1 is ink; all of it.
        body: the ink without rules, pictures, stray specks and large type: what the line finder looks at.
        printed: the ink without rules and pictures.
        barrier: (h, w) uint8, 1 where no line may cross.
        components: of the ink without rules.
        pictured: for each component whether it belongs to a picture.
        headlines: lines of large type, and single large letters.
        gaps: in the printed ink, at least as wide as between cells.
        scale: text scale in pixels.
        pitch: distance of text lines in pixels.
    """

    grey: Mask
    ink: Mask
    body: Mask
    printed: Mask
    barrier: Mask
    components: Components
    pictured: Truths
    headlines: Headlines
    gaps: GapFinder
    scale: float
    pitch: float


def gather_evidence(page: WorkingPage, columns: Columns) -> PageEvidence:
    """Return what is known of a page whose columns were found."""
    components = columns.components
    pictured = (columns.pictures[components.middle] > 0) | columns.drawings
    headlines = find_headlines(components, columns.barrier, pictured)
    printed = components.mask((components.kind != PAPER) & ~pictured)
    return PageEvidence(
        grey=page.grey,
        ink=page.ink,
        body=without(columns.ink, components.mask(headlines.members | headlines.initials)),
        printed=printed,
        barrier=columns.barrier,
        components=components,
        pictured=pictured,
        headlines=headlines,
        gaps=GapFinder(printed, CELL_GAP_TS * page.scale),
        scale=page.scale,
        pitch=page.pitch,
    )
