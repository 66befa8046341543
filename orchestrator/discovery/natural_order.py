"""Natural order: p2 before p10, folder by folder. Pure."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[tuple[str | tuple[int, str], ...], ...], str]


def natural_key(path: str) -> NaturalKey:
    """Return the sort key of a path with `/`; equal numbers and letter cases are told apart by the text itself."""
    return tuple(_part_key(part) for part in path.split("/")), path


def _part_key(part: str) -> tuple[str | tuple[int, str], ...]:
    # Split on digits, text and numbers alternate, so that only like is compared with like. A number is compared by
    # its length and then its digits: names may hold numbers too long for int().
    chunks = _DIGITS.split(part)
    return tuple(_number_key(chunk) if place % 2 else chunk.casefold() for place, chunk in enumerate(chunks))


def _number_key(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant
