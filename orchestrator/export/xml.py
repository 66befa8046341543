"""What the XML formats have in common."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from lxml import etree

from workers.layout import Point


def document(root: etree._Element, doctype: str | None = None) -> bytes:
    """Return an element as a whole, readable file."""
    whole: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True, doctype=doctype)
    return whole


def flat_points(points: Sequence[Point]) -> str:
    """Return points as ALTO and hOCR want them: x0 y0 x1 y1 ..."""
    return " ".join(map(str, chain.from_iterable(points)))
