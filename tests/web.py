"""`broadsheet web` for the tests: the real command over a small archive that was really ingested."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.ageing import Wear, scan
from samples.archive import broken_jpeg, cmyk_jpeg, fax_tiff, grey_png, turned_jpeg
from samples.pages import PageDesign, draw
from tests.acceptance.command import Broadsheet

# The first day of a paper with a picture, a second day, and a scan that was cut off while it was copied. In colour and
# on its side, as 1-bit TIFF, as CMYK: what a browser cannot show by itself.
_DAYS = {
    "courier/The Courier/1890-03-29/0001.jpg": (
        turned_jpeg,
        PageDesign(12, columns=4, picture="halftone", title="The Courier"),
    ),
    "courier/The Courier/1890-03-29/0002.tif": (fax_tiff, PageDesign(14, columns=4, rules=True)),
    "courier/The Courier/1890-03-31/0001.png": (grey_png, PageDesign(11, columns=3, title="The Courier")),
    "courier/The Courier/1890-03-31/0002.jpg": (broken_jpeg, PageDesign(15)),
    "letters/one.jpg": (cmyk_jpeg, PageDesign(24, columns=1, type_size=22, pitch=28)),
}


@dataclass(frozen=True)
class Archive:
    """A folder with scans and the database of what was found on them."""

    folder: Path
    broadsheet: Broadsheet

    @property
    def database_url(self) -> str:
        """Return the address of the database."""
        return f"sqlite:///{self.folder / 'broadsheet.db'}"


def make_archive(folder: Path) -> Archive:
    """Draw five pages in two volumes into a folder and ingest them with the real command."""
    for name, (encode, design) in _DAYS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(scan(draw(design), Wear(design.seed))))
    archive = Archive(folder, Broadsheet(folder))
    archive.broadsheet.run(
        "ingest", "courier", "letters", "--fields", "{title}/{date_issued:%Y-%m-%d}/{sequence}", "--quiet", code=1
    )  # one page is broken
    return archive


@contextmanager
def serving(archive: Archive, *options: str) -> Iterator[str]:
    """Run `broadsheet web` on a free port and yield its address, without the slash at the end."""
    command = archive.broadsheet.start("web", "--port", "0", "--cache", str(archive.folder / "cache"), *options)
    try:
        yield address_of(command)
    finally:
        command.terminate()
        command.communicate(timeout=30)


def address_of(command: subprocess.Popen[str]) -> str:
    """Return the address that the command tells when it is ready, without the slash at the end."""
    assert command.stderr is not None
    told = ""
    for line in command.stderr:
        told += line
        if found := re.search(r"at (http://\S+?)/ ", line):
            return found[1]
    raise AssertionError(f"the server ended: {told}")
