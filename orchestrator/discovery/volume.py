"""What was given to be ingested, opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.discovery.listing import Listing
from workers.sources.stores.location import Location

VolumeKind = Literal["directory", "zip", "tar", "pdf", "image", "prefix", "list", "iiif"]


@dataclass(frozen=True, slots=True)
class Volume:
    """What was given to be ingested: `source` as the user wrote it (escaped), `location` where it is.

    `zip_encoding` is that of the names in ZIPs which tell none. `listing` holds the files of a volume that is given by
    a list of them.
    """

    source: str
    location: Path | Location
    kind: VolumeKind
    zip_encoding: str | None = None
    listing: Listing | None = None
