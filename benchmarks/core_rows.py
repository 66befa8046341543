"""The fast core beside what it takes the place of: plain loops, kraken's reading order, kraken's own functions."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.side_by_side import Comparison, NotMeasured, Row, timed
from workers.stages.kraken import estimate_scale, find_line_boxes, reference
from workers.stages.segmentation.reading_order import reading_order
from workers.stages.separators.gap_scan import insert_gap_separators

GAP_WIDTH, GAP_HEIGHT = 25, 186
WORKING_SCALE = 11  # pixels: the text size to which pages are reduced


def gap_separators(data: Path) -> Row:
    """The exhaustive scan for white gaps beside the plain loops over `getpixel`, on the page of two columns."""
    name, path = "gap separators, two_col.png, 25 x 186", data / "seed" / "two_col.png"
    if not path.exists():
        return NotMeasured(name, f"{path} is missing")
    page = Image.open(path).convert("L")
    gray = np.asarray(page)
    ours, drawn = timed(lambda: insert_gap_separators(gray, GAP_WIDTH, GAP_HEIGHT), repeats=20)
    theirs, expected = timed(lambda: plain_loops(page, GAP_WIDTH, GAP_HEIGHT))
    different = int((drawn != np.asarray(expected)).sum())
    return Comparison(name, "plain loops over getpixel", ours, theirs, 5000, f"{different} pixels different")


def plain_loops(page: Image.Image, gap_width: int, gap_height: int) -> Image.Image:
    """Draw separators as the definition says, a pixel at a time."""
    drawn = page.copy()
    for x in range(drawn.width):
        for y in range(drawn.height):
            column = x + gap_width // 2
            if _is_white(drawn, x, y, gap_width, gap_height) and column < drawn.width:
                for row in range(y, min(y + gap_height + 1, drawn.height)):
                    drawn.putpixel((column, row), 0)
    return drawn


def _is_white(page: Image.Image, left: int, top: int, width: int, height: int) -> bool:
    for x in range(left, min(left + width, page.width)):
        for y in range(top, min(top + height, page.height)):
            if page.getpixel((x, y)) != 255:
                return False
    return True


def reading_order_of_300_lines(data: Path) -> Row:
    """The reading order of 300 lines in six columns beside kraken's function."""
    return _reading_order(50)


def reading_order_of_700_lines(data: Path) -> Row:
    """The reading order of 700 lines in six columns beside kraken's function."""
    return _reading_order(117)


def _reading_order(rows: int) -> Row:
    from kraken.containers import BBoxLine
    from kraken.lib.segmentation import reading_order as order_of_kraken

    boxes = newspaper_columns(6, rows)
    lines = [BBoxLine(id=str(i), bbox=box) for i, box in enumerate(boxes.tolist())]
    ours, found = timed(lambda: reading_order(boxes), repeats=5)
    theirs, expected = timed(lambda: order_of_kraken(lines))
    agreement = "same order" if found == list(expected) else "ANOTHER ORDER"
    return Comparison(f"reading order, {len(boxes)} lines", "kraken's function", ours, theirs, 500, agreement)


def newspaper_columns(columns: int, rows: int) -> NDArray[np.int64]:
    """Return the line boxes (n, 4) of columns under one headline, in an order that is not the reading order."""
    boxes = [(100, 0, 500 * columns - 100, 40)]
    boxes += [(500 * c, 60 + 30 * r, 500 * c + 450, 85 + 30 * r) for c in range(columns) for r in range(rows)]
    return np.random.default_rng(7).permutation(np.array(boxes))


def core_on_small_type(data: Path) -> Row:
    """The core beside kraken's own functions on a page of small type that cannot be reduced."""
    return _core("newspaper_ndnp", data / "newspaper_ndnp")


def core_on_a_reduced_page(data: Path) -> Row:
    """The core beside kraken's own functions on a page reduced to the working size."""
    return _core("newspaper_nzz", data / "newspaper_nzz", page=1)


def _core(name: str, folder: Path, page: int = 0) -> Row:
    name = f"core, {name}"
    scans = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".png", ".tif"))
    if len(scans) <= page:
        return NotMeasured(name, f"no scan in {folder}")
    ink, scale = ink_at_working_size(scans[page])
    gutter = np.ones((int(14 * scale), int(scale)), np.uint8)
    separators = cv2.morphologyEx(cv2.bitwise_not(ink), cv2.MORPH_OPEN, gutter)
    ours, found = timed(lambda: find_line_boxes(ink, separators, scale=scale), repeats=5)
    reference.LARGEST_SHARE_OF_COMPONENTS = 1.0  # dense type exceeds kraken's limit
    theirs, expected = timed(lambda: reference.find_line_boxes_reference(ink, separators, scale=scale))
    same = len(set(map(tuple, found.tolist())) & set(map(tuple, expected.tolist())))
    agreement = f"{same} of {len(expected)} boxes identical"
    size = f"{ink.size / 1e6:.1f} Mpx"
    return Comparison(f"{name}, {size}", "kraken's own functions, same ink", ours, theirs, 5, agreement)


def ink_at_working_size(path: Path) -> tuple[NDArray[np.uint8], float]:
    """Return the Otsu ink of a scan (h, w), 255 and 0, reduced to the working size, and its text scale there."""
    gray = np.asarray(Image.open(path).convert("RGB").convert("L"))
    scale = estimate_scale(_otsu(gray)) or WORKING_SCALE
    factor = min(1.0, WORKING_SCALE / scale)
    ink = _otsu(cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    return ink, estimate_scale(ink) or WORKING_SCALE


def _otsu(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1], np.uint8)


ROWS = [
    gap_separators,
    reading_order_of_300_lines,
    core_on_a_reduced_page,
    core_on_small_type,
    reading_order_of_700_lines,
]
