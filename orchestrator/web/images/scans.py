"""Scans of the database, found by number, decoded once and kept while memory allows."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.web.errors import NotHere
from orchestrator.web.site import Site
from workers.errors import ChangedSource
from workers.sources.address import PageAddress
from workers.sources.escape import unescaped
from workers.sources.images import LOOKED_AT, open_page
from workers.sources.limits import Limits
from workers.sources.stores.location import stored_location
from workers.stages.palette.normalise import normalise

# (height, width) where the scan is grey, else (height, width, 3) in RGB
Pixels = NDArray[np.uint8]

REDUCTIONS = (8, 4, 2, 1)
_OF_PAGE = """
SELECT p.page_id, p.name, p.address, p.sha256, v.location, r.width, r.height
FROM page p
JOIN volume v ON v.volume_id = p.volume_id
LEFT JOIN page_run r ON r.page_id = p.page_id AND r.is_current
WHERE p.page_id = :page_id"""


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan of a page: where its bytes are, and its upright size, None where nobody has read it yet."""

    page_id: int
    name: str
    location: str
    address: PageAddress
    key: str
    size: tuple[int, int] | None


def find_scan(site: Site, page_id: int) -> Scan:
    """Return the scan of a page.

    Raises:
        NotHere: the database has no page of that number.
    """
    found = site.ask(_OF_PAGE, page_id=page_id)
    if not found:
        raise NotHere(f"The database has no page {page_id}.")
    row = found[0]
    # Pages of one PDF share its bytes; the same bytes are the same picture in whatever database. Those of what lies in
    # a store may not be known yet.
    of_bytes = row["sha256"] or row["location"]
    key = hashlib.sha256(f"{of_bytes} {row['address']}".encode()).hexdigest()[:32]
    size = (row["width"], row["height"]) if row["width"] else None
    return Scan(page_id, row["name"], unescaped(row["location"]), PageAddress.from_json(row["address"]), key, size)


class Decoded:
    """Decoded scans, at most `max_bytes` of them and always the last one.

    One is decoded at a time: Pillow's limit and PDFium belong to the process, and two scans at once may be too many.
    """

    def __init__(self, max_bytes: int, max_pixels: int) -> None:
        self._max_bytes = max_bytes
        self._limits = Limits(max_pixels=max_pixels)
        self._kept: OrderedDict[tuple[str, int], Pixels] = OrderedDict()
        self._decoding = threading.Lock()

    def get(self, scan: Scan, shrinking: float = 1.0) -> Pixels:
        """Return the upright pixels of a scan, or of one that is smaller by at most `shrinking`.

        Raises:
            PageError: it is no longer there, was changed, is broken or over the limit.
            TransientError: the storage failed.
        """
        wanted = next(one for one in REDUCTIONS if one <= max(1.0, shrinking)) if scan.size else 1
        with self._decoding:
            for reduction in (1, wanted):
                if (scan.key, reduction) in self._kept:
                    self._kept.move_to_end((scan.key, reduction))
                    return self._kept[scan.key, reduction]
            pixels = self._decode(scan, wanted)
            self._keep((scan.key, _reduction_of(pixels, scan, wanted)), pixels)
            return pixels

    def _decode(self, scan: Scan, reduction: int) -> Pixels:
        image = open_page(stored_location(scan.location), scan.address, self._limits, LOOKED_AT, reduction)
        page = normalise(image)
        return page.rgb if page.rgb.strides[2] else page.grey

    def _keep(self, key: tuple[str, int], pixels: Pixels) -> None:
        self._kept[key] = pixels
        while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > self._max_bytes:
            self._kept.popitem(last=False)


def _reduction_of(pixels: Pixels, scan: Scan, wanted: int) -> int:
    """Return how much smaller than the scan the pixels are: `wanted`, or 1 where its format knows no less."""
    if scan.size is None or pixels.shape[:2] == scan.size[::-1]:
        return 1
    differences = (abs(length * wanted - whole) for length, whole in zip(pixels.shape[1::-1], scan.size, strict=True))
    if max(differences) >= wanted:
        raise ChangedSource(f"{scan.name} is not the scan that was read; ingest its volume again.")
    return wanted
