"""Pictures of scans, from the disk where they were made before; the one place that decodes for the pages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from orchestrator.web.images.asked import Asked, asked
from orchestrator.web.images.disk_cache import DiskCache
from orchestrator.web.images.drawing import draw
from orchestrator.web.images.scans import Decoded, Pixels, Scan, find_scan
from orchestrator.web.site import Site
from workers.errors import MissingSource
from workers.stages.palette.normalise import NormalisedPage

REMEMBERED_SCANS = 20_000


class Pictures:
    """Pictures of the scans of one database."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._disk = DiskCache(Path(site.cache) / "pictures", site.settings.web_cache_mib * 1024**2)
        self._decoded = Decoded(site.settings.web_memory_mib * 1024**2, site.settings.max_pixels)
        self._scans: OrderedDict[int, Scan] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def scan(self, page_id: int) -> Scan:
        """Return the scan of a page, as it was found a moment ago: the bytes of a page never change.

        Raises:
            NotHere: the database has no page of that number.
        """
        known = self._scans.get(page_id)
        if known is not None and known.size is not None:
            return known
        found = find_scan(self._site, page_id)
        with self._lock:
            self._scans[page_id] = found
            if len(self._scans) > REMEMBERED_SCANS:
                self._scans.popitem(last=False)
        return found

    def size(self, scan: Scan) -> tuple[int, int]:
        """Return width and height of an upright scan, decoding one that nobody has read yet.

        Raises:
            PageError, TransientError: it cannot be read.
        """
        if scan.size is not None:
            return scan.size
        height, width = self._decoded.get(scan).shape[:2]
        return width, height

    def picture(self, page_id: int, region: str, size: str, rotation: str, quality: str, form: str) -> bytes:
        """Return what a request of the IIIF Image API asks for.

        Raises:
            UnreadableInput: it is no such request.
            NotHere, PageError, TransientError: as `scan` and `size`.
        """
        scan = self.scan(page_id)
        return self.draw(scan, asked(region, size, rotation, quality, form, *self.size(scan)))

    def whole(self, scan: Scan) -> NormalisedPage:
        """Return the upright scan as the stages of a page are given it.

        Raises:
            PageError, TransientError: it cannot be read.
        """
        pixels = self._decoded.get(scan)
        if pixels.ndim == 3:
            return NormalisedPage(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), pixels)
        return NormalisedPage(pixels, np.broadcast_to(pixels[:, :, np.newaxis], (*pixels.shape, 3)))

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return what is kept on the disk by a name of hexadecimal digits first, made by `make` where it is not yet.

        One thing is made at a time: what costs seconds must not take every processor from the workers.
        """
        kept = self._disk.get(name)
        if kept is not None:
            return kept
        with self._making:
            kept = self._disk.get(name)
            if kept is None:
                kept = make()
                self._disk.put(name, kept)
        return kept

    def draw(self, scan: Scan, wanted: Asked) -> bytes:
        """Return a picture of a scan, drawn at most once while the disk keeps it."""
        name = f"{scan.key}-{wanted.name}"
        kept = self._disk.get(name)
        if kept is not None:
            return kept
        drawn = draw(self._pixels(scan, wanted), self.size(scan), wanted)
        self._disk.put(name, drawn)
        return drawn

    def _pixels(self, scan: Scan, wanted: Asked) -> Pixels:
        try:
            return self._decoded.get(scan, wanted.shrinking)
        except MissingSource:
            self._scans.pop(scan.page_id, None)  # the volume may have been moved since
            return self._decoded.get(self.scan(scan.page_id), wanted.shrinking)
