"""What a step of the line chain is given, from a drawn page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.stages.segmentation.evidence import CELL_GAP_TS, PageEvidence
from workers.stages.segmentation.gaps import GapFinder
from workers.stages.segmentation.headlines import Headlines
from workers.stages.separators.components import find_components

Mask = NDArray[np.uint8]


def evidence_of(
    ink: Mask,
    scale: float,
    *,
    pitch: float | None = None,
    barrier: Mask | None = None,
    grey: Mask | None = None,
    all_initials: bool = False,
) -> PageEvidence:
    """Return the evidence of a page without pictures or headlines, all of whose ink is printed."""
    components = find_components(ink, scale)
    none = np.zeros(len(components.x), bool)
    initials = np.arange(len(components.x)) > 0 if all_initials else none
    return PageEvidence(
        grey=np.where(ink == 1, np.uint8(40), np.uint8(250)) if grey is None else grey,
        ink=ink,
        body=ink,
        printed=ink,
        barrier=np.zeros_like(ink) if barrier is None else barrier,
        components=components,
        pictured=none,
        headlines=Headlines(np.zeros((0, 4), np.int64), none, initials),
        gaps=GapFinder(ink, CELL_GAP_TS * scale),
        scale=scale,
        pitch=2.2 * scale if pitch is None else pitch,
    )
