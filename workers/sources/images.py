"""Open one page of a volume, wherever it lies: limits first, pixels after. The only I/O on a page's way in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.errors import ChangedSource, FileOfParametersMissing
from workers.hashing import sha256_of
from workers.on_original import placed_on_original
from workers.sources.address import PageAddress
from workers.sources.iiif.asking import ask_alone
from workers.sources.iiif.opening import open_canvas
from workers.sources.limits import Limits
from workers.sources.opening import OpenFiles, resolve_inside
from workers.sources.os_errors import translated
from workers.sources.pdf import open_pdf_page
from workers.sources.pictures import ENOUGH_FOR_TEXT, open_picture, open_smaller
from workers.sources.sniffing import kind_of
from workers.sources.stores.location import Location
from workers.stages.palette.normalise import normalise

_OPEN_FILES = OpenFiles()
# For pages that are looked at, and so perhaps again.
LOOKED_AT = OpenFiles(keep=True)


def open_page(
    root: Path | Location, address: PageAddress, limits: Limits, files: OpenFiles = _OPEN_FILES, reduction: int = 1
) -> Image.Image:
    """Return the decoded original of one page; its orientation is still in the EXIF data, for `palette.normalise`.

    Args:
        root: the volume: a directory, or the file itself, or where it lies in a store.
        address: which page of it.
        limits: what the page may cost.
        files: what is still open from the pages before.
        reduction: 2, 4 or 8 for a picture that much smaller, where its format gives that in less time;
            `ENOUGH_FOR_TEXT` for a smaller copy where one shows the text as well: `on_original` leads back from it.

    Raises:
        PageError: the page is missing, broken, too large, encrypted or unsafe to open.
        TransientError: the storage failed or memory ran out; it may go well later.
    """
    if isinstance(root, Location) and address.canvas is not None:
        picture = open_canvas(ask_alone(root.access.allow_hosts), address.canvas, address.name, limits)
        return placed_on_original(picture, limits.max_pixels)
    with translated(address.name, root), files.open(root, address, limits) as file:
        return _decoded(file, root, address, limits, reduction)


def open_stored_page(
    root: Location,
    address: PageAddress,
    sha256: str,
    limits: Limits,
    files: OpenFiles = _OPEN_FILES,
    reduction: int = 1,
) -> tuple[Image.Image, str]:
    """Return the decoded original of one page in a store, and the SHA-256 of the file that holds it.

    Args:
        root: the volume.
        address: which page of it.
        sha256: what its file had; empty while it is not known.
        limits: what the page may cost.
        files: what is still open from the pages before.
        reduction: as `open_page`.

    Raises:
        ChangedSource: the file is another than it was.
        PageError, TransientError: as `open_page`.
    """
    with translated(address.name, root), files.open(root, address, limits) as file:
        found = files.sha256(file)
        if sha256 not in ("", found):
            raise ChangedSource(f"{address.name} has changed since it was ingested; ingest the volume again.")
        return _decoded(file, root, address, limits, reduction), found


def _decoded(
    file: BinaryIO, root: Path | Location, address: PageAddress, limits: Limits, reduction: int = 1
) -> Image.Image:
    if kind_of(file) != "pdf":
        if (
            reduction == ENOUGH_FOR_TEXT
            and address.frame is None
            and (image := open_smaller(file, address.name, limits))
        ):
            return image
        return open_picture(file, address.name, address.frame, limits, reduction)
    plain = root if isinstance(root, Path) and len(address.members) == 1 else None
    source = resolve_inside(plain, address.members[0]) if plain else file
    return open_pdf_page(source, address.file.name, address.frame or 1, limits)


@lru_cache(maxsize=2)
def open_mask(path: str) -> NDArray[np.uint8] | None:
    """Return the picture at `path` as (h, w) uint8, read once a process; None for an empty path.

    Raises:
        UnreadableImage, ImageTooLarge: it is no picture.
        FileOfParametersMissing: it cannot be read.
    """
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            return normalise(open_picture(file, path, None, Limits())).grey
    except OSError as error:
        raise FileOfParametersMissing(f"The mask {path} cannot be read: {error.strerror}; check the path.") from error


def verify_unchanged(
    root: Path, address: PageAddress, *, size_bytes: int, modified_ns: int, sha256: str, limits: Limits
) -> None:
    """Check that the bytes that hold a page are those that were ingested; hashed only when the file was touched.

    Raises:
        ChangedSource: they are not.
        PageError, TransientError: as `open_page`.
    """
    with translated(address.name, root):
        status = resolve_inside(root, address.members[0]).stat()
        in_archive = len(address.members) > 1
        if status.st_mtime_ns == modified_ns and (in_archive or status.st_size == size_bytes):
            return
        with _OPEN_FILES.open(root, address.file, limits) as file:
            if sha256_of(file) == sha256:
                return
    raise ChangedSource(f"{address.name} has changed since it was ingested; ingest the volume again.")
