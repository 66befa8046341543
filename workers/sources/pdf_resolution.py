"""At how many pixels a page of a PDF is rendered: as its pictures have them, weighed by what they cover. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RENDER_DPI = 300  # of what is drawn, not scanned
MIN_SIDE = 1000  # pixels of the longer side, below which no scanned page can be read
MAX_DRAWN_PIXELS = 100_000_000  # A0 at 260 dpi; more is only rendered where pictures have it
POINTS_PER_INCH = 72

_SCANNED = 0.5  # share of the page from which on its pictures are what is read
FINE_SHARE = 0.1  # share of the page from which on letters beside the pictures decide, too


@dataclass(frozen=True, slots=True)
class Ink:
    """A picture or text on the page: its resolution there, and the share of the page that it covers.

    `fine` marks what carries letters whatever lies around it: stencils, pictures behind a soft mask (whose own
    resolution is not known), text.
    """

    dpi: float
    share: float
    fine: bool = False


def resolution(inks: Sequence[Ink], size: tuple[float, float], max_pixels: int) -> float:
    """Return the dpi at which a page of `size` points is rendered, so that what is read loses no pixels.

    That is the highest resolution which the pictures of half the page have at least: a logo of a few percent decides
    nothing, however fine it is, and stripes decide together. It is lowered where the page would have more than
    `max_pixels`.
    """
    scanned = _had_by(_SCANNED, inks)
    if scanned is None:
        max_pixels = min(max_pixels, MAX_DRAWN_PIXELS)
    fine = _had_by(FINE_SHARE, [ink for ink in inks if ink.fine]) or 0.0
    least = 0.0 if len(inks) == 1 else min(RENDER_DPI, MIN_SIDE * POINTS_PER_INCH / max(size))
    return within(max(scanned or RENDER_DPI, fine, least), size, max_pixels)


def within(dpi: float, size: tuple[float, float], max_pixels: int) -> float:
    """Return the highest dpi, up to `dpi`, at which a page of `size` points has no more than `max_pixels` pixels."""
    width, height = (side * dpi / POINTS_PER_INCH for side in size)
    if math.ceil(width) * math.ceil(height) <= max_pixels:
        return dpi
    # a side is rounded up to whole pixels: (w + 1)(h + 1) <= max_pixels
    half = (width + height) / 2
    factor = (math.sqrt(half**2 + width * height * (max_pixels - 1)) - half) / (width * height)
    return dpi * factor


def _had_by(share: float, inks: Iterable[Ink]) -> float | None:
    """Return the highest resolution that the inks on this share of the page have; None when they cover less of it."""
    covered = 0.0
    for ink in sorted(inks, key=lambda ink: -ink.dpi):
        covered += ink.share
        if covered >= share:
            return ink.dpi
    return None
