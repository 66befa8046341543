"""Names of exported files: readable, one for each page, and never outside the folder they go to."""

from __future__ import annotations

import os.path
import unicodedata
from collections.abc import Iterable
from hashlib import sha256
from pathlib import PurePosixPath

import numpy as np

_UP = "%2E%2E"
_KEPT = frozenset("-_.,()+=@# \u200c\u200d")  # with the joiners of Indic and Persian words
# Of the 255 bytes that file systems give a name, some are left for the endings of exported files.
MAX_PART_BYTES = 232
MAX_PATH_BYTES = 2_000


class PageFiles:
    """Where files of pages go. Pages whose paths some file systems take for one get a mark of their own.

    `pages` are the volumes and names, each once, of all pages that may ever go there: then the same page always has
    the same path. Of volumes that are whole paths from the root, the folders that all of them lie in are left out.
    """

    def __init__(self, pages: Iterable[tuple[str, str]]) -> None:
        volumes = dict[str, None]()

        def look(volume: str, page: str) -> int:
            volumes[volume] = None
            return _look(volume, page)

        looks = np.fromiter((look(volume, page) for volume, page in pages), np.uint64)
        values, counts = np.unique(looks, return_counts=True)
        self._alike = frozenset(values[counts > 1].tolist())
        self._short = short_names(volumes)

    def folder(self, volume: str) -> PurePosixPath:
        """Return the folder of a volume below the folder of an export."""
        return volume_path(self._short.get(volume, volume))

    def path(self, volume: str, page: str, suffix: str) -> PurePosixPath:
        """Return where a page's file goes below the folder of an export: `VOLUME/PAGE.suffix`."""
        short = self._short.get(volume, volume)
        if not self._alike or _look(volume, page) not in self._alike:
            return page_path(short, page, suffix)
        mark = _digest(f"{volume}\0{page}")[:10]
        return page_path(short, page, f"~{mark}{suffix}")


def short_names(volumes: Iterable[str]) -> dict[str, str]:
    """Return the volumes that are whole paths from the root without the folders that all of those lie in.

    They stay as they are where one would then be taken for another volume.
    """
    named = list(volumes)
    whole = [volume for volume in named if volume.startswith("/") and volume.strip("/")]
    if not whole:
        return {}
    shared = os.path.commonpath([str(PurePosixPath(os.path.normpath(volume)).parent) for volume in whole])
    short = {volume: os.path.relpath(volume, shared) for volume in whole}
    others = {_first(volume) for volume in named if volume not in short}
    return {} if others & set(map(_first, short.values())) else short


def _first(volume: str) -> str:
    return unicodedata.normalize("NFKC", volume_path(volume).parts[0]).casefold()


def page_path(volume: str, page: str, suffix: str) -> PurePosixPath:
    """Return the path of a page's file, no two pages' the same; some file systems may yet take two for one."""
    parts = [*volume_path(volume).parts, *_parts(page)]
    if sum(len(part.encode()) + 1 for part in parts) > MAX_PATH_BYTES:
        parts = [parts[0], "~" + _digest("/".join(parts))[:32], parts[-1]]
    return PurePosixPath(*parts[:-1], parts[-1] + suffix)


def volume_path(volume: str) -> PurePosixPath:
    """Return the folder of a volume below the folder of an export: its path without what leads up."""
    parts = _parts(volume)
    while parts[:1] == [_UP]:
        parts = parts[1:]
    return PurePosixPath(*(parts or ["volume"]))


def shortened(name: str, max_bytes: int) -> str:
    """Return a file name of at most `max_bytes` bytes; a longer one keeps its beginning, and gets a mark of its own."""
    if len(name.encode()) <= max_bytes:
        return name
    mark = "~" + _digest(name)[:16]
    return name.encode()[: max_bytes - len(mark)].decode(errors="ignore") + mark


def _parts(name: str) -> list[str]:
    return [shortened(_encoded(part), MAX_PART_BYTES) for part in name.split("/") if part not in ("", ".")]


def _encoded(part: str) -> str:
    """Spell what a file system or a URL could take for something else as %XX, as URLs do."""
    if part == "..":
        return _UP
    return "".join(c if _is_kept(c) else "".join(f"%{b:02X}" for b in c.encode()) for c in part)


def _is_kept(character: str) -> bool:
    return character.isalnum() or character in _KEPT or unicodedata.category(character).startswith("M")


def _look(volume: str, page: str) -> int:
    """Return the same for two pages whose paths some file system takes for one: it minds neither case nor form of é."""
    path = unicodedata.normalize("NFKC", str(page_path(volume, page, ""))).casefold()
    return int(_digest(unicodedata.normalize("NFKC", path))[:16], 16)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
