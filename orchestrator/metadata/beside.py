"""What lies beside scans and describes them as one set: METS, a batch, a table of pages, a bag."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from orchestrator.metadata.tables import BESIDE_SCANS

BAG = "bagit.txt"
HEAD_BYTES = 2048
# METS is written with one of few endings.
XML = ".xml"


def describes_pages(folder: Path) -> bool:
    """Return whether something in a folder itself says of the pages in it and below what they are."""
    if any((folder / name).is_file() for name in (BESIDE_SCANS, BAG)):
        return True
    try:
        return any(kind_of_xml(one) is not None for one in folder.iterdir() if is_xml(one))
    except OSError:
        return False


def is_xml(path: Path) -> bool:
    """Return whether a file is XML by its name."""
    return path.suffix.lower() == XML and path.is_file()


def kind_of_xml(path: Path) -> Literal["mets", "batch"] | None:
    """Return whether an XML file is METS or the list of an NDNP batch, by its first bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).lower()
    return "mets" if b"loc.gov/mets/" in head else "batch" if b"<batch" in head or b":batch" in head else None
