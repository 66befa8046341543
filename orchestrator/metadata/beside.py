"""What lies beside scans and describes them as one set: METS, a batch, a table of pages, a bag."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from orchestrator.metadata.tables import BESIDE_SCANS

BAG = "bagit.txt"
HEAD_BYTES = 2048
XML = ".xml"
# A folder may hold a million files of text in XML. METS among them is called so, or as its folder is, or comes early.
OTHERS_IN_A_ROW = 10
LIKELY = ("mets", "batch", "meta")


def describes_pages(folder: Path) -> bool:
    """Return whether something in a folder itself says of the pages in it and below what they are."""
    if any((folder / name).is_file() for name in (BESIDE_SCANS, BAG)):
        return True
    try:
        return next(_described_in(folder, [one.name for one in folder.iterdir()]), None) is not None
    except OSError:
        return False


def xml_files(folder: Path) -> Iterator[Path]:
    """Yield the METS files and batches in a folder and those below, in the order of their names.

    Text of a page beside its scan, which has the scan's name, is not opened; nor is the rest of a folder where ten
    files in a row were something else.
    """
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _described_in(Path(at), files)


def _described_in(folder: Path, files: Iterable[str]) -> Iterator[Path]:
    others = 0
    for path in _likely_first(folder, files):
        if _is_described(path):
            others = 0
            yield path
        else:
            others += 1
        if others == OTHERS_IN_A_ROW:
            return


def _likely_first(folder: Path, files: Iterable[str]) -> list[Path]:
    """Return the XML files of a folder that do not go with another file of their name, the likely ones first."""
    names = [Path(name) for name in files]
    others = {name.stem for name in names if name.suffix.lower() != XML}
    mine = [
        name for name in names if name.suffix.lower() == XML and (name.stem not in others or _is_likely(name, folder))
    ]
    return [folder / name for name in sorted(mine, key=lambda name: (not _is_likely(name, folder), name))]


def _is_likely(name: Path, folder: Path) -> bool:
    return name.stem == folder.name or any(word in name.stem.lower() for word in LIKELY)


def _is_described(path: Path) -> bool:
    """Return whether a file is METS or a batch; one that cannot be read may be, and whoever opens it tells why."""
    try:
        return kind_of_xml(path) is not None
    except OSError:
        return True


def kind_of_xml(path: Path) -> Literal["mets", "batch"] | None:
    """Return whether an XML file is METS or the list of an NDNP batch, by its first bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).lower()
    return "mets" if b"loc.gov/mets/" in head else "batch" if b"<batch" in head or b":batch" in head else None
