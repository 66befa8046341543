"""The scan behind a page of the database, upright, as the boxes were measured on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.results.pages import ArchivedPage
from workers.sources.address import PageAddress
from workers.sources.escape import escaped
from workers.sources.limits import Limits

if TYPE_CHECKING:
    from workers.stages.palette.normalise import NormalisedPage


def open_scan(page: ArchivedPage, max_pixels: int) -> NormalisedPage:
    """Return the upright pixels of a page.

    Raises:
        PageError: the scan is no longer there, was changed, or is over the limit.
        TransientError: the storage failed.
    """
    from workers.errors import ChangedSource
    from workers.sources.images import LOOKED_AT, open_page
    from workers.sources.stores.location import stored_location
    from workers.stages.palette.normalise import normalise

    address, limits = PageAddress.from_json(page.address), Limits(max_pixels=max_pixels)
    scan = normalise(open_page(stored_location(page.volume_location), address, limits, LOOKED_AT))
    if scan.grey.shape != (page.layout.height, page.layout.width):
        raise ChangedSource(f"{page.page} is not the scan that was analysed; ingest {page.volume} again.")
    return scan


def scan_path(page: ArchivedPage, folder: Path) -> str:
    """Return how a file in `folder` points to the scan: a relative path, or its name in an archive; escaped."""
    file = scan_file(page.volume_location, page.volume_kind, page.address)
    return page.page if file is None else escaped(os.path.relpath(file, folder.absolute()))


def scan_file(location: str, kind: str, address: str) -> str | None:
    """Return the path of a page's scan, None for a member of an archive.

    `location` is where the volume is, not escaped, `kind` what it is, `address` that of the page, as JSON.
    """
    members = PageAddress.from_json(address).members
    if kind != "directory" or len(members) != 1:
        return None
    return str(Path(location) / members[0])
