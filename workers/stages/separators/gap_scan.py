"""Black lines in the white gaps between columns.

`insert_gap_separators` is the exhaustive scan for white boxes. It looks at every position of the box, so a plain
loop needs seconds for each million pixels; here a column of pixels is one long integer whose bits are its rows, and
a shift moves all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from workers.stages.raster.arrays import Grey

PAPER_GREY = 255


def insert_gap_separators(gray: Grey, gap_width: int, gap_height: int) -> Grey:
    """Return a copy of `gray` with a black line drawn through every white gap of the given size.

    For x ascending, then y ascending: if the box of `gap_width` x `gap_height` pixels with its upper left corner at
    (x, y), cut at the edge of the image, holds only 255 in the image as drawn so far, then a line one pixel wide
    is drawn at x + gap_width // 2 from y to y + gap_height inclusive, as far as the image reaches.

    Args:
        gray: (height, width) uint8, 255 is white. Not changed.
        gap_width: width of the box in pixels, at least 1.
        gap_height: height of the box in pixels, at least 1.

    Raises:
        ValueError: `gray` is not a two-dimensional uint8 array, or the gap is smaller than one pixel.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8:
        raise ValueError(f"the image must be a (height, width) array of uint8, this one is {gray.shape} {gray.dtype}")
    if gap_width < 1 or gap_height < 1:
        raise ValueError(f"the gap must be at least 1 x 1 pixels, not {gap_width} x {gap_height}")
    height, width = gray.shape
    middle = gap_width // 2
    if middle >= width or not height:
        return gray.copy()  # every line would lie right of the image
    gap_height = min(gap_height, height)
    corners = _white_boxes(gray, min(gap_width, width), gap_height)[: width - middle]
    lines = b"".join(
        ((starts << (gap_height + 1)) - starts).to_bytes(height // 4 + 2, "little")[: -(-height // 8)]
        for starts in _starts_of_lines(corners, middle, gap_height)
    )
    drawn = gray.copy()
    bits = np.unpackbits(np.frombuffer(lines, np.uint8).reshape(width - middle, -1), 1, height, "little")
    drawn[:, middle:][cv2.transpose(bits).view(np.bool_)] = 0
    return drawn


def _white_boxes(gray: Grey, box_width: int, box_height: int) -> list[int]:
    """Return for each x the rows y, as bits, where the box with upper left corner (x, y) is white in `gray`.

    The whole image is one integer, column after column, with at least `box_height` bits of paper below each, so
    that a shift by rows cannot bring ink from the next column into view. Doubling shifts collect the box's ink.
    """
    height, width = gray.shape
    stride = -(-(height + box_height) // 8)
    columns = np.zeros((width, stride), np.uint8)
    columns[:, : -(-height // 8)] = np.packbits(cv2.transpose(gray) != PAPER_GREY, axis=1, bitorder="little")
    ink = int.from_bytes(columns.tobytes(), "little")
    for shift in _doublings(box_height):
        ink |= ink >> shift
    for shift in _doublings(box_width):
        ink |= ink >> (shift * stride * 8)
    packed, every_row = ink.to_bytes(width * stride, "little"), (1 << height) - 1
    return [
        every_row & ~int.from_bytes(packed[start : start + stride], "little")
        for start in range(0, width * stride, stride)
    ]


def _doublings(length: int) -> Iterator[int]:
    """Yield shifts whose successive unions reach over `length` bits."""
    reach = 1
    while reach < length:
        shift = min(reach, length - reach)
        yield shift
        reach += shift


def _starts_of_lines(corners: list[int], middle: int, gap_height: int) -> Iterator[int]:
    """Yield for each x the rows, as bits, where a line starts; a line is drawn `middle` columns right of its x.

    A line that starts at (x, y) closes the boxes that start in the columns x to x + middle and hold a pixel of it.
    What the last `middle` columns have closed is their union, kept for runs of `middle` columns: from each column
    to the end of the run before (`to_end`), and from the start of this run.
    """
    to_end, run, so_far = [0] * middle, [0] * middle, 0
    for x, free in enumerate(corners):
        place = x % middle if middle else 0
        if middle and place == 0 and x:
            to_end, so_far = run.copy(), 0
            for k in range(middle - 2, -1, -1):
                to_end[k] |= to_end[k + 1]
        closed = to_end[place] | so_far if middle else 0
        starts = _greedy(free & ~closed, gap_height) if free else 0
        if middle:
            above = ((starts << gap_height) - starts) >> (gap_height - 1)
            run[place] = above | ((starts << (gap_height + 1)) - starts)
            so_far |= run[place]
        yield starts


def _greedy(free: int, gap_height: int) -> int:
    """Return the lowest bit of `free`, then the lowest one more than `gap_height` above it, and so on."""
    starts = 0
    while free:
        lowest = free & -free
        starts |= lowest
        free &= -(lowest << (gap_height + 1))
    return starts
