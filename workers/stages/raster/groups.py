"""Groups of things that belong together in pairs, and items listed by their owners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.stages.raster.arrays import Indices


def ragged(counts: NDArray[np.integer]) -> tuple[Indices, Indices]:
    """Return for each of `counts` items in a row: whose item it is, and its place among them from 0."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def numbered_groups(count: int, i: Indices, j: Indices) -> Indices:
    """Return for each of `count` items the number of its group, from 0 by their first items, given pairs."""
    return numbered(groups(count, i, j))


def numbered(group: Indices) -> Indices:
    """Return for each item the number of its group, from 0, given the least item of its group."""
    least = group == np.arange(len(group))
    return (np.cumsum(least) - 1)[group]


def groups(count: int, i: Indices, j: Indices) -> Indices:
    """Return for each of `count` items the least item of its group, given the pairs that belong together."""
    group = np.arange(count)
    while True:
        least = np.minimum(group[i], group[j])
        before = group.copy()
        np.minimum.at(group, group[i], least)
        np.minimum.at(group, group[j], least)
        while not np.array_equal(group, group[group]):
            group = group[group]
        if np.array_equal(group, before):
            return group
