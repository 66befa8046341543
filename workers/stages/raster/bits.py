"""Masks as single bits, 64 pixels of a row in one integer: an eighth of the memory, and passes that cost as little."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workers.stages.raster.arrays import Bits, Mask, Places

WORD_BITS = 64
WORD_SHIFT = 6  # bits of a place that tell its bit in a word: shifting is faster than dividing
ALL_BITS = ~np.uint64(0)


def row_stride(width: int) -> int:
    """Return how many bits a row of a mask `width` pixels wide takes: whole words, with paper after the last pixel."""
    return (width // WORD_BITS + 1) * WORD_BITS


def packed(mask: Mask) -> Bits:
    """Return (h, words): the pixels of `mask` (h, w) that are not 0 as bits."""
    height, width = mask.shape
    rows = np.zeros((height, row_stride(width) // 8), np.uint8)
    rows[:, : -(-width // 8)] = np.packbits(mask, axis=1, bitorder="little")
    return rows.view(np.uint64)


def unpacked(bits: Bits, width: int) -> Mask:
    """Return (h, width), 1 for each bit."""
    return np.unpackbits(bits.view(np.uint8), axis=1, count=width, bitorder="little")


def filled_between(change: Bits) -> Bits:
    """Return the bits from each odd one of `change` (all rows in line) up to the next; `change` is used up."""
    for shift in (1, 2, 4, 8, 16, 32):
        change ^= change << np.uint64(shift)
    goes_on = np.logical_xor.accumulate(change >> np.uint64(WORD_BITS - 1) > 0)
    change[1:] ^= -goes_on[:-1].astype(np.uint64)  # all bits of the words that begin within
    return change


def with_neighbours(bits: Bits, width: int) -> Bits:
    """Return the bits of a mask `width` pixels wide and those left and right of them."""
    line = bits.ravel()
    wider: Bits = line | line << np.uint64(1) | line >> np.uint64(1)
    wider[1:] |= line[:-1] >> np.uint64(WORD_BITS - 1)
    wider[:-1] |= line[1:] << np.uint64(WORD_BITS - 1)
    rows: Bits = wider.reshape(bits.shape)
    rows[:, -1] &= (np.uint64(1) << np.uint64(width % WORD_BITS)) - np.uint64(1)  # nothing beyond the last pixel
    return rows


def inner(bits: Bits, width: int) -> Bits:
    """Return the bits whose four neighbours are set, of a mask `width` pixels wide; beyond its edges all are."""
    line = bits.ravel()
    left, right = line << np.uint64(1), line >> np.uint64(1)
    left[1:] |= line[:-1] >> np.uint64(WORD_BITS - 1)
    right[:-1] |= line[1:] << np.uint64(WORD_BITS - 1)
    left.reshape(bits.shape)[:, 0] |= np.uint64(1)
    right.reshape(bits.shape)[:, (width - 1) // WORD_BITS] |= np.uint64(1) << np.uint64((width - 1) % WORD_BITS)
    inside: Bits = (line & left & right).reshape(bits.shape)
    inside[1:] &= bits[:-1]
    inside[:-1] &= bits[1:]
    return inside


def number_between(bits: Bits, first: Places, last: Places) -> Places:
    """Return how many bits are set from each place `first` up to `last`, on rows laid end to end."""
    line = np.append(bits.ravel(), np.uint64(0))
    number = np.bitwise_count(line)
    before = np.cumsum(number, dtype=np.intp) - number

    def number_up_to(place: Places) -> Places:
        word, part = place >> WORD_SHIFT, (place & (WORD_BITS - 1)).astype(np.uint64)
        return before[word] + np.bitwise_count(line[word] & ((np.uint64(1) << part) - np.uint64(1)))

    return number_up_to(last) - number_up_to(first)


def all_of_rows(bits: Bits, rows: int) -> Bits:
    """Return where all of `rows` rows are set, from `rows` // 2 above on, as `cv2.erode` has it."""
    return _over_rows(bits, rows, np.bitwise_and, ALL_BITS)


def any_of_rows(bits: Bits, rows: int) -> Bits:
    """Return where any of `rows` rows is set, from `rows` // 2 above on, as `cv2.dilate` has it."""
    return _over_rows(bits, rows, np.bitwise_or, np.uint64(0))


def _over_rows(bits: Bits, rows: int, combine: Callable[[Bits, Bits], Bits], outside: np.uint64) -> Bits:
    """Combine each row with those around it; what reaches 1, 2, 4, ... rows is put together to any number."""
    height = len(bits)
    taken = np.full((height + rows - 1, bits.shape[1]), outside)
    taken[rows // 2 : rows // 2 + height] = bits
    while len(taken) > height:
        shift = min(rows - (len(taken) - height), len(taken) - height)
        taken = combine(taken[:-shift], taken[shift:])
    return taken


def reached(start: Bits, ground: Bits, reach: int) -> Bits:
    """Return `start` and what can be reached from it downwards in less than `reach` steps, all of them on `ground`.

    Steps are taken by doubling: what is reached within 1, 2, 4, ... rows is put together to any number.
    """
    reach = min(reach, len(start))
    total, clear, done = np.zeros_like(start), np.full_like(ground, ALL_BITS), 0
    size = 1
    while True:
        if reach & size and done < len(start):  # below the last row nothing is left to be reached
            total[done:] |= clear[done:] & start[: len(start) - done]
            clear[done:] &= ground[: len(ground) - done]
            done += size
        if 2 * size > reach:
            return total
        further, free = start.copy(), ground.copy()
        further[size:] |= ground[size:] & start[:-size]
        free[size:] &= ground[:-size]
        start, ground, size = further, free, 2 * size


def extended_up(bits: Bits, reach: int) -> Bits:
    """Return the bits in the `reach` rows above each bit of `bits`."""
    lifted = np.zeros_like(bits)
    lifted[:-1] = bits[1:]
    return reached(lifted[::-1], np.full_like(bits, ALL_BITS), reach)[::-1]
