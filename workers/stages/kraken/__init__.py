"""Kraken's box segmenter (`kraken.pageseg.segment`, after Breuel's OCRopus) in uint8, float32 and OpenCV.

The method is kraken's, step by step, and its boxes are kraken's; `workers.stages.kraken.reference` runs kraken's own
functions with the same arguments and the tests hold one to the other. What differs on purpose:

- separators that were found elsewhere can take the place of kraken's own column finder;
- `maxcolseps` bounds the number of black separators too, where kraken's code passes it in the wrong place;
- pages with more than 21,474 letters are no exception (kraken's numbers for pairs of labels overflow there);
- nothing is dropped silently: kraken returns no lines for a page with many white components (dense small type has
  them) and for a page whose text size cannot be estimated. The first limit does not exist here, the second case
  raises `NoTextError`.

Neither kraken nor torch nor scipy is imported.
"""

from __future__ import annotations

from workers.stages.kraken.components import estimate_scale
from workers.stages.kraken.errors import NoTextError
from workers.stages.kraken.segmenter import find_line_boxes, lines_between

__all__ = ["NoTextError", "estimate_scale", "find_line_boxes", "lines_between"]
