"""A picture that was taken becomes a page file of a volume on disk: safe names, never overwritten."""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.export.folder import make_folder
from orchestrator.export.naming import shortened
from orchestrator.terminal.files import UnwritableOutput
from orchestrator.web.capture.sheet import Quad, flattened, is_usable, nothing_in
from workers.config import TEMPORARY_PREFIX
from workers.errors import PageError, UnreadableInput
from workers.sources.limits import Limits
from workers.sources.pictures import open_picture
from workers.stages.palette.normalise import NormalisedPage, normalise

PICTURE_BYTES = 80 * 1024 * 1024
MOST_PAGES = 99_999
QUALITY = 95
_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png"}
_TITLE_BYTES = 120
_NUMBERED = re.compile(r"(\d{1,9})\.\w+")


class Unusable(UnreadableInput):
    """The picture, its title or its number cannot be taken as they are."""

    code = "unusable_picture"


class Taken(Unusable):
    """There is a page of that number already."""

    code = "page_taken"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was checked: its bytes as they came, the ending they want, and its upright pixels."""

    content: bytes
    suffix: str
    page: NormalisedPage

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture in pixels."""
        return self.page.grey.shape[1], self.page.grey.shape[0]


def checked_picture(content: bytes, max_pixels: int) -> Picture:
    """Open what a camera gave, under the limits of all scans.

    Raises:
        Unusable: it is no JPEG or PNG, broken, too large, or there is nothing in it.
    """
    try:
        image = open_picture(io.BytesIO(content), "the picture", None, Limits(max_pixels=max_pixels))
        suffix = _SUFFIXES.get(image.format or "")
        page = normalise(image)
    except PageError as error:
        raise Unusable(f"{str(error)[:1].upper()}{str(error)[1:]}") from error
    if suffix is None:
        raise Unusable("Only JPEG and PNG pictures are taken here; broadsheet ingest reads all others.")
    if empty := nothing_in(page.grey):
        raise Unusable(f"{empty} Nothing was stored.")
    return Picture(content, suffix, page)


def page_file(picture: Picture, quad: Quad | None) -> tuple[bytes, str]:
    """Return the bytes and the ending of a page file: the sheet between corners as JPEG, or the picture as it came.

    Raises:
        Unusable: the corners make no sheet.
    """
    if quad is None:
        return picture.content, picture.suffix
    if not is_usable(quad, *picture.size):
        raise Unusable("The corners make no sheet; drag them to those of the page, or take the whole picture.")
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(flattened(picture.page.rgb, quad))).save(
        out, "JPEG", quality=QUALITY, subsampling=0
    )
    return out.getvalue(), ".jpg"


def folder_of(root: Path, title: str) -> Path:
    """Return the folder of a title below the folder of captures; never outside of it.

    Raises:
        Unusable: nothing is left of the title that a folder could be called.
    """
    plain = unicodedata.normalize("NFC", title)
    kept = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in plain)
    name = shortened(" ".join(kept.split()).strip(". "), _TITLE_BYTES)
    if not name.strip("_"):
        raise Unusable("Give the pages a title; their folder is called so.")
    return root / name


def next_number(folder: Path) -> int:
    """Return the number after the last page of a title, 1 where there is none."""
    return max(_numbers(folder), default=0) + 1


def _numbers(folder: Path) -> list[int]:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(found[1]) for name in names if (found := _NUMBERED.fullmatch(name))]


def store_page(folder: Path, number: int, content: bytes, suffix: str) -> Path:
    """Write a new page file, whole or not at all, and return its path.

    Raises:
        Taken: there is a page of that number, whatever its ending.
        UnwritableOutput: there is no room, or no permission.
    """
    if not 1 <= number <= MOST_PAGES:
        raise Unusable(f"The number of a page is 1 to {MOST_PAGES:,}.")
    make_folder(folder)
    path = folder / f"{number:04}{suffix}"
    try:
        if number in _numbers(folder):
            raise FileExistsError
        _write_new(path, content)
    except FileExistsError as error:
        raise Taken(
            f"There is a page {number} of {folder.name} already, and it is not overwritten; "
            f"the next free number is {next_number(folder)}."
        ) from error
    return path


def _write_new(path: Path, content: bytes) -> None:
    """Write a file under a hidden name first: whoever reads the folder sees it whole; two at once do not meet."""
    beside = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        _give_name(beside, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise UnwritableOutput(
            f"{path.name} could not be written: {error.strerror}. Nothing of it was left behind."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _give_name(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise
        with path.open("xb"):  # a file system without hard links: the name is taken first
            beside.replace(path)
