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


def natural_bytes(path: str) -> bytes:
    """Return bytes that sort as folders are walked, each in the order of `natural_key`: to sort outside of Python."""
    return b"".join(_part_bytes(part) for part in path.split("/"))


def _part_bytes(part: str) -> bytes:
    # each chunk of text ends with a zero; then comes a one and a number, or a zero, and the name itself for equal ones
    chunks = _DIGITS.split(part)
    coded = [
        b"\1" + _number_bytes(chunk) if place % 2 else chunk.casefold().encode(errors="surrogatepass") + b"\0"
        for place, chunk in enumerate(chunks)
    ]
    return b"".join(coded) + b"\0" + part.encode(errors="surrogatepass") + b"\0"


def _number_bytes(digits: str) -> bytes:
    length, significant = _number_key(digits)
    return length.to_bytes(4) + significant.encode()
